package memcached_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// TestPurgesSeldomLook: a purge appends to the log as it stands. It is read and written anew only now and then, so that it does not grow on.
func TestPurgesSeldomLook(t *testing.T) {
	const keep, purges = 100, 1000
	var looks atomic.Int64
	_, c := relayed(t, func(line string) (string, bool) {
		if strings.HasSuffix(line, " f t v c") {
			looks.Add(1)
		}
		return "", false
	})
	var positions []drivers.Position
	for i := range purges {
		if i%50 == 0 {
			looked := looks.Load()
			end, err := c.End(t.Context(), "log", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			positions = append(positions, end)
			looks.Store(looked)
		}
		if err := c.Purge(t.Context(), "log", keep, time.Hour, [][]byte{make([]byte, 34)}, "mark"); err != nil {
			t.Fatal(err)
		}
	}
	if n := looks.Load(); n < 5 || n > 50 {
		t.Errorf("%d purges have read the log %d times", purges, n)
	}
	for i, position := range positions {
		behind := purges - 50*i
		_, _, complete, err := c.Since(t.Context(), "log", position)
		if err != nil || !complete && behind <= keep || complete && behind > 2*keep+2 {
			t.Errorf("Since a position with %d records behind it: complete %t, %v", behind, complete, err)
		}
	}
}

// TestPurgeWhileOthersWrite has another write the log in between, on a server without meta commands, so that the purge has deleted before its record is
// there: it deletes once more.
func TestPurgeWhileOthersWrite(t *testing.T) {
	c := openConfined(t, confined{}.host(t))
	var wrote, read int
	_, through := relayed(t, func(line string) (string, bool) {
		switch {
		case strings.HasPrefix(line, "cas ") && strings.Contains(line, ":log "):
			if wrote++; wrote == 1 {
				if err := c.Append(t.Context(), "log", 10, time.Hour, []byte("other")); err != nil {
					t.Error(err)
				}
			}
		case strings.HasPrefix(line, "gets ") && strings.HasSuffix(line, ":log"):
			if read++; read == 2 {
				if err := c.Set(t.Context(), "mark", []byte("word"), time.Hour); err != nil {
					t.Error(err)
				}
			}
		}
		return withoutMeta(line)
	})
	c.prefix = through.prefix
	start, err := c.End(t.Context(), "log", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := through.Purge(t.Context(), "log", 10, time.Hour, [][]byte{[]byte("record")}, "mark"); err != nil {
		t.Fatal(err)
	}
	if wrote != 2 {
		t.Errorf("the log was written %d times, want 2", wrote)
	}
	if _, err := c.Get(t.Context(), "mark"); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("the mark that was added before the record was in the log: %v, want ErrMiss", err)
	}
	if records, _, complete, err := c.Since(t.Context(), "log", start); err != nil || !complete || len(records) != 2 {
		t.Errorf("Since = %q, %t, %v, want two records", records, complete, err)
	}
}

// A full server that takes no record is an error.
func TestPurgeOfAFullServer(t *testing.T) {
	d := open(t, settingsFor(scripted(t, "SERVER_ERROR out of memory storing object", "EN\r\n")))
	if err := d.Purge(t.Context(), "log", 10, time.Hour, [][]byte{[]byte("record")}, "mark"); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("Purge: %v, want the server's error", err)
	}
}
