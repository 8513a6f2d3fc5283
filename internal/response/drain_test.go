package response

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gin-gonic/gin"
)

// slow is a client that takes what it is sent once it is let to: each receive from gate lets one write or flush through.
type slow struct {
	header http.Header
	gate   chan struct{}
	took   []string
	held   int
	fails  error
	panics bool
	touch  bool // each write reads and writes the header, as writers of middleware do
}

func newSlow() *slow { return &slow{header: http.Header{}, gate: make(chan struct{})} }

func (s *slow) Header() http.Header { return s.header }

func (s *slow) WriteHeader(status int) { s.took = append(s.took, fmt.Sprint(status)) }

func (s *slow) Write(data []byte) (int, error) {
	if s.held += len(data); s.held > inPlaceWrapped { // a connection holds so much
		<-s.gate
	}
	if s.panics {
		panic("in a writer outside")
	}
	if s.fails != nil {
		return 0, s.fails
	}
	if s.touch {
		s.header.Set("X-Coded", fmt.Sprint(len(s.header)))
	}
	s.took = append(s.took, string(data))
	return len(data), nil
}

func (s *slow) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }

func (s *slow) Flush() {
	<-s.gate
	s.took = append(s.took, "flush")
}

// to opens a recorder in front of a slow client.
func to(client *slow, limit int64) (*Recorder, *owner) {
	c, _ := gin.CreateTestContext(client)
	r, o := new(Recorder), &owner{mode: Capture}
	r.Open(c.Writer, limit, o)
	return r, o
}

var page = strings.Repeat("0123456789abcdef", 2000)

// A handler is done, and its body complete, while the client has taken none of what net/http would not have held; the client then gets
// all of it in order, and flushes where they were.
func TestHandlerNeverWaits(t *testing.T) {
	for _, row := range []struct {
		name  string
		write func(r *Recorder)
		body  string
		took  []string
	}{
		{"one write", func(r *Recorder) { _, _ = r.WriteString(page) }, page, []string{"200", page}},
		{"bytes", func(r *Recorder) { _, _ = r.Write([]byte(page)) }, page, []string{"200", page}},
		{"small ones", func(r *Recorder) {
			for i := 0; i < 20_000; i += 5_000 {
				_, _ = r.WriteString(page[i : i+5_000])
			}
		}, page[:20_000], []string{"200", page[:5_000], page[5_000:10_000], page[10_000:15_000], page[15_000:20_000]}},
		{"a flush", func(r *Recorder) {
			_, _ = r.WriteString("a")
			r.Flush()
			synctest.Wait()
			_, _ = r.WriteString("b")
		}, "ab", []string{"200", "a", "flush", "b"}},
		{"a flush at first", func(r *Recorder) { r.Flush(); synctest.Wait(); _, _ = r.WriteString("b") }, "b", []string{"200", "flush", "b"}},
		{"flushes", func(r *Recorder) {
			r.Flush()
			r.Flush()
			synctest.Wait()
			_, _ = r.WriteString(page)
			r.Flush()
		}, page, []string{"200", "flush", page, "flush"}},
		{"nothing beyond", func(r *Recorder) { _, _ = r.WriteString(page[:inPlaceWrapped]) }, page[:inPlaceWrapped], []string{"200", page[:inPlaceWrapped]}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newSlow()
				r, _ := to(client, 1<<20)
				row.write(r)
				if r.Finish(); !r.Complete(nil) || string(r.Body()) != row.body || r.Size() != len(row.body) {
					t.Errorf("complete: %v, %d bytes, size %d", r.Complete(nil), len(r.Body()), r.Size())
				}
				close(client.gate)
				r.Drain()
				if strings.Join(client.took, "") != strings.Join(row.took, "") || client.took[1] != row.took[1] {
					t.Errorf("the client got %.100q", client.took)
				}
			})
		})
	}
}

// A client that has left is nothing to a body that others may get; that a body is none, is.
func TestClientLost(t *testing.T) {
	for err, complete := range map[error]bool{
		io.ErrClosedPipe: true, http.ErrHandlerTimeout: true, http.ErrContentLength: false, http.ErrBodyNotAllowed: false,
	} {
		client := newSlow()
		client.fails = err
		close(client.gate)
		r, _ := to(client, 1<<20)
		for i := range 4 {
			if n, err := r.WriteString(page[i*1000 : (i+1)*1000]); n != 1000 || err != nil {
				t.Errorf("a write: %d, %v", n, err)
			}
		}
		r.Finish()
		r.Drain()
		if r.Complete(nil) != complete || complete && string(r.Body()) != page[:4000] {
			t.Errorf("%v: complete: %v, %d bytes", err, r.Complete(nil), len(r.Body()))
		}
	}
}

// A panic of a writer outside is one of the request that waits for it, and of no other.
func TestDrainPanics(t *testing.T) {
	client := newSlow()
	r, _ := to(client, 1<<20)
	_, _ = r.WriteString(page[:inPlaceWrapped])
	client.panics = true
	_, _ = r.WriteString(page)
	close(client.gate)
	r.Finish()
	defer func() {
		if p := recover(); p != "in a writer outside" {
			t.Errorf("panic: %v", p)
		}
		r.Drain() // which is over
	}()
	r.Drain()
	t.Error("no panic")
}

// A body that turns out too long, or for which there is no room, goes to its client in order, the handler then waits for that, and the
// room is given back.
func TestGivenUp(t *testing.T) {
	for name, limit := range map[string]int64{"too long": 20_000, "no room": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newSlow()
				r, o := to(client, limit)
				if name == "no room" {
					o.budget = 20_000
				}
				_, _ = r.WriteString(page[:18_000])
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = r.WriteString(page[18_000:])
				}()
				synctest.Wait()
				select {
				case <-done:
					t.Error("the handler does not wait for what is not kept")
				default:
				}
				close(client.gate)
				<-done
				_, _ = r.WriteString("end")
				r.Flush()
				r.Finish()
				if r.Complete(nil) || r.TooLarge() != (name == "too long") || r.Starved() != (name == "no room") || o.released != 1 {
					t.Errorf("complete: %v, too large: %v, starved: %v, released %d times", r.Complete(nil), r.TooLarge(), r.Starved(), o.released)
				}
				if got := strings.Join(client.took, ""); got != "200"+page+"endflush" {
					t.Errorf("the client got %d bytes", len(got))
				}
				if r.Drain(); o.reserved != 0 {
					t.Errorf("%d bytes stay reserved", o.reserved)
				}
			})
		})
	}
}

// The room of a body is at most twice its size, and is given back when the recorder is closed.
func TestReserve(t *testing.T) {
	r, o, _ := open(Capture, 1<<20)
	for i := 0; i < len(page); i += 100 {
		_, _ = r.WriteString(page[i : i+100])
		if size := i + 100; o.reserved < size || o.reserved > 2*size {
			t.Fatalf("%d bytes are reserved for %d", o.reserved, size)
		}
	}
	r.Drain()
	if r.Close(); o.reserved != 0 {
		t.Errorf("%d bytes stay reserved", o.reserved)
	}
}

// What a handler does with the header while its client is being written to reaches those outside, and is read by no writer before.
func TestLateFields(t *testing.T) {
	client := newSlow()
	client.touch = true
	r, _ := to(client, 1<<20)
	r.Header().Set("Trailer", "X-Sum")
	r.Header().Set("X-Gone", "1")
	_, _ = r.WriteString(page)
	go close(client.gate)
	for i := range 100 {
		r.Header().Set("X-Sum", fmt.Sprint(i))
	}
	r.Header().Del("X-Gone")
	r.Drain()
	coded := client.header.Get("X-Coded")
	want := http.Header{"Trailer": {"X-Sum"}, "X-Sum": {"99"}, "X-Coded": {coded}}
	if coded == "" || !reflect.DeepEqual(client.header, want) || !reflect.DeepEqual(r.Header(), want) {
		t.Errorf("the header is %v, and the recorder's %v", client.header, r.Header())
	}
}

// A hijacked connection has got what was written before.
func TestHijackDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newSlow()
		r, o := to(client, 1<<20)
		_, _ = r.WriteString(page)
		go close(client.gate)
		_, _, _ = r.Hijack() // gin's writer may refuse, once something was written
		if got := strings.Join(client.took, ""); got != "200"+page || o.released != 1 || r.Complete(nil) {
			t.Errorf("the client had got %d bytes, released %d times", len(got), o.released)
		}
	})
}
