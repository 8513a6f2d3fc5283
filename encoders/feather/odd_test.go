package feather_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/feather"
)

// Integers of 128 bits, which polars writes, are refused by the name of their column. The file is one of 64 bits, in whose footer the
// width is changed.
func TestWideIntegers(t *testing.T) {
	codec := feather.New(feather.Options{})
	data, err := codec.Encode([]struct {
		Name  string
		Large int64
	}{{"a", 1}})
	if err != nil {
		t.Fatal(err)
	}
	footer := bytes.LastIndex(data[:len(data)-6], []byte{0xff, 0xff, 0xff, 0xff}) + 4
	var errs []string
	for at := footer; at < len(data)-4; at++ { // the same number stands in other places as well
		if !bytes.Equal(data[at:at+4], []byte{64, 0, 0, 0}) {
			continue
		}
		wide := bytes.Clone(data)
		wide[at] = 128
		var rows []struct{ Name string }
		if err := codec.Decode(wide, &rows); err != nil {
			errs = append(errs, err.Error())
		}
	}
	if !strings.Contains(strings.Join(errs, "\n"), `column "Large" has integers of 128 bits`) {
		t.Errorf("%q", errs)
	}
}
