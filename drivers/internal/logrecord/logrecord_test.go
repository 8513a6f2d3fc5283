package logrecord_test

import (
	"errors"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

func position(t *testing.T, record []byte) drivers.Position {
	t.Helper()
	at, err := logrecord.Position(record)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestSinceARepeatedRecord looks for a word that a repeated write has left twice: the first counts.
func TestSinceARepeatedRecord(t *testing.T) {
	begin, one, two := logrecord.Begin(), logrecord.Pack([]byte("1")), logrecord.Pack([]byte("2"))
	data, end, complete, err := logrecord.Since([][]byte{begin, one, two, one}, position(t, one))
	if err != nil || !complete || len(data) != 2 || string(data[0]) != "2" || string(data[1]) != "1" || end != position(t, one) {
		t.Errorf("Since = %q, %q, %t, %v, want 2 and 1", data, end, complete, err)
	}
}

func TestSinceWhatIsNoRecord(t *testing.T) {
	begin := logrecord.Begin()
	if _, _, complete, err := logrecord.Since([][]byte{begin, []byte("short")}, position(t, begin)); complete || !errors.Is(err, logrecord.ErrForeign) {
		t.Errorf("Since = %t, %v, want ErrForeign", complete, err)
	}
	if _, err := logrecord.Position(nil); !errors.Is(err, logrecord.ErrForeign) {
		t.Errorf("Position = %v, want ErrForeign", err)
	}
}
