package memcached_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
)

// counted makes words, none of them twice.
func counted() func() []byte {
	var n atomic.Int64
	return func() []byte { return fmt.Append(nil, "word ", n.Add(1)) }
}

// TestConformanceWithoutMeta has a server, or a proxy, that has no meta commands.
func TestConformanceWithoutMeta(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, drivertest.Harness{Keys: 500, MaxValue: 1 << 19, New: func(t testing.TB) drivers.Driver {
		_, c := relayed(t, withoutMeta)
		return c
	}})
}

// TestRepeatedAddHasAnotherWord loses the answer to an Add on a connection that was idle, so that the driver asks again on
// another, and removes what was added before that: the word that was removed must not come back.
func TestRepeatedAddHasAnotherWord(t *testing.T) {
	r, c := relayed(t, nil)
	past := openConfined(t, c.host(t))
	past.prefix = c.prefix
	if _, err := c.Get(t.Context(), "absent"); !errors.Is(err, drivers.ErrMiss) {
		t.Fatal(err)
	}
	if _, err := c.Add(t.Context(), time.Minute, counted(), "other"); err != nil { // so that the server is known
		t.Fatal(err)
	}
	var removed string
	lost := func() {
		item, err := past.Get(t.Context(), "key")
		if removed = string(item.Value); err == nil {
			_, err = past.Delete(t.Context(), "key")
		}
		if err != nil {
			t.Error(err)
		}
	}
	r.lost.Store(&lost)
	got, err := c.Add(t.Context(), time.Minute, counted(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if removed == "" || string(got[0]) == removed {
		t.Errorf("Add = %q, after %q was added and removed", got[0], removed)
	}
}

// TestRepeatedAppend loses the answer to an Append: the record may be there twice, and the log is whole.
func TestRepeatedAppend(t *testing.T) {
	r, c := relayed(t, nil)
	start, err := c.End(t.Context(), "log", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	lost := func() {}
	r.lost.Store(&lost)
	if err := c.Append(t.Context(), "log", 10, time.Minute, []byte("record")); err != nil {
		t.Fatal(err)
	}
	records, _, complete, err := c.Since(t.Context(), "log", start)
	if err != nil || !complete || len(records) == 0 || string(records[0]) != "record" {
		t.Errorf("Since = %q, %t, %v, want the record", records, complete, err)
	}
}

// TestLogIsBoundedByTheItem appends more than an item of the server takes.
func TestLogIsBoundedByTheItem(t *testing.T) {
	c := openConfined(t, confined{}.host(t))
	ctx, record := t.Context(), make([]byte, 300<<10)
	start, err := c.End(ctx, "log", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		before, err := c.End(ctx, "log", time.Minute)
		if err == nil {
			err = c.Append(ctx, "log", 100, time.Minute, record)
		}
		if err != nil {
			t.Fatal(err)
		}
		if records, _, complete, err := c.Since(ctx, "log", before); err != nil || !complete || len(records) != 1 {
			t.Errorf("Since = %d records, %t, %v, want one", len(records), complete, err)
		}
		if _, _, complete, err := c.Since(ctx, "log", start); err != nil || complete != (i < 3) {
			t.Errorf("Since the start, after %d records = complete %t, %v", i+1, complete, err)
		}
	}
	if err := c.Append(ctx, "log", 100, time.Minute, make([]byte, 2<<20)); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Append of more than an item takes: %v, want ErrTooLarge", err)
	}
}

// scripted is a server that answers add as it is told, and mg with a value that lives for a while.
func scripted(t *testing.T, add, mg string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	serve := func(conn net.Conn) {
		defer conn.Close()
		lines := bufio.NewReader(conn)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			switch {
			case strings.HasPrefix(line, "version"):
				fmt.Fprint(conn, "VERSION 1.6\r\n")
			case strings.HasPrefix(line, "mn"):
				fmt.Fprint(conn, "MN\r\n")
			case strings.HasPrefix(line, "stats"):
				fmt.Fprint(conn, "END\r\n")
			case strings.HasPrefix(line, "gets"):
				fmt.Fprint(conn, "ERROR\r\n")
			case strings.HasPrefix(line, "mg absent"):
				fmt.Fprint(conn, "EN\r\n")
			case strings.HasPrefix(line, "mg"):
				fmt.Fprint(conn, mg)
			default:
				_, _ = lines.ReadString('\n') // the value
				fmt.Fprint(conn, add+"\r\n")
			}
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// A full server tells what it has, and refuses the rest.
func TestAddToAFullServer(t *testing.T) {
	d := open(t, settingsFor(scripted(t, "SERVER_ERROR out of memory storing object", "VA 5 f0 t3600 c1\r\nvalue\r\n")))
	got, err := d.Add(t.Context(), time.Minute, counted(), "key")
	if err != nil || string(got[0]) != "value" {
		t.Errorf("Add = %q, %v, want what is there", got, err)
	}
	if got, err := d.Add(t.Context(), time.Minute, counted(), "key", "absent"); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("Add of a key that is absent = %q, %v, want the server's error", got, err)
	}
}

// A server without versions cannot lengthen a life without the danger of bringing a value back.
func TestServerWithoutVersions(t *testing.T) {
	d := open(t, settingsFor(scripted(t, "NOT_STORED", "VA 5 f0 t10 c0\r\nvalue\r\n")))
	if _, err := d.Add(t.Context(), time.Hour, counted(), "key"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "without -C") {
		t.Errorf("Add: %v, want an error that says what is missing", err)
	}
	if got, err := d.Add(t.Context(), 10*time.Second, counted(), "key"); err != nil || string(got[0]) != "value" {
		t.Errorf("Add that lengthens nothing = %q, %v", got, err)
	}
	if err := d.Append(t.Context(), "key", 10, time.Hour, []byte("record")); err == nil {
		t.Error("Append: no error")
	}
}

// With plain keys flags are left alone, and those of other programs always.
func TestAddLeavesFlags(t *testing.T) {
	c := openConfined(t, confined{}.host(t))
	plain := raw(t)
	key := c.prefix + "foreign"
	if answer := ask(t, c.host(t), "set "+key+" 7 60 5\r\nvalue"); answer != "STORED" {
		t.Fatalf("set: %q", answer)
	}
	if got, err := c.Add(t.Context(), time.Hour, counted(), "foreign"); err != nil || string(got[0]) != "value" {
		t.Fatalf("Add = %q, %v", got, err)
	}
	item, err := plain.Get(key)
	if err != nil || item.Flags != 7 || string(item.Value) != "value" {
		t.Errorf("the store has %+v, %v, want the flags of the other program", item, err)
	}
	if item, err := c.Get(t.Context(), "foreign"); err != nil || time.Until(item.ExpiresAt) < 59*time.Minute {
		t.Errorf("it lives until %v, %v, want an hour", item.ExpiresAt, err)
	}
}
