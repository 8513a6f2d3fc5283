package response

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

func (s *slow) SetWriteDeadline(time.Time) error { return nil }

func (s *slow) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }

func (s *slow) Flush() {
	<-s.gate
	s.took = append(s.took, "flush")
}

// to opens a recorder in front of a slow client.
func to(client *slow, limit int64) (*Recorder, *owner) {
	c, _ := gin.CreateTestContext(client)
	r, o := new(Recorder), &owner{mode: Capture}
	r.Open(c.Writer, limit, o, NewRoom(1<<30))
	return r, o
}

var page = strings.Repeat("0123456789abcdef", 2000)

// Where a writer of middleware stands outside, a handler is done, and its body complete, while the client has taken no more than a
// connection holds. The client then gets all of it, in order.
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
		{"nothing beyond", func(r *Recorder) { _, _ = r.WriteString(page[:inPlaceWrapped]) }, page[:inPlaceWrapped],
			[]string{"200", page[:inPlaceWrapped]}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newSlow()
				r, _ := to(client, 1<<20)
				row.write(r)
				r.Finish()
				r.Settle()
				if !r.Complete(nil) || string(r.Body()) != row.body || r.Size() != len(row.body) {
					t.Errorf("complete: %v, %d bytes, size %d", r.Complete(nil), len(r.Body()), r.Size())
				}
				sent := make(chan bool, 1)
				go func() { sent <- r.AwaitSent() }()
				synctest.Wait()
				if out := len(sent) == 1; out != (len(row.body) <= inPlaceWrapped) {
					t.Errorf("the header has gone out: %v", out)
				}
				close(client.gate)
				if !<-sent {
					t.Error("the header has not gone out in the end")
				}
				r.Drain()
				if !slices.Equal(client.took, row.took) {
					t.Errorf("the client got %.100q", client.took)
				}
			})
		})
	}
}

// The handler's flushes come where they were, whatever it writes before and after, in place or beside it.
func TestFlushes(t *testing.T) {
	for _, sizes := range [][]int{{0}, {1}, {1, 1}, {0, 5000, 1}, {5000, 1}, {2048, 1}, {2049}, {20_000, 20_000}, {100, 0, 20_000}} {
		for _, wrapped := range []bool{false, true} {
			client := httptest.NewRecorder()
			c, _ := gin.CreateTestContext(client)
			w := c.Writer
			if wrapped {
				w = struct{ gin.ResponseWriter }{w}
			}
			r := new(Recorder)
			r.Open(w, 1<<20, &owner{mode: Capture}, NewRoom(1<<30))
			want := ""
			for _, size := range sizes {
				_, _ = r.WriteString(page[:size])
				r.Flush()
				want += page[:size]
			}
			r.Finish()
			r.Settle()
			if !r.AwaitSent() {
				t.Errorf("%v: the header has not gone out", sizes)
			}
			r.Drain()
			if client.Body.String() != want || !client.Flushed || !r.Complete(nil) || string(r.Body()) != want {
				t.Errorf("%v: %d bytes, want %d, flushed: %v", sizes, client.Body.Len(), len(want), client.Flushed)
			}
		}
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
		r.Settle()
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
	r.Settle()
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
					r.room = NewRoom(20_000)
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
				if r.Drain(); r.room.captured != 0 {
					t.Errorf("%d bytes stay reserved", r.room.captured)
				}
			})
		})
	}
}

// The room of a body is at most twice its size, and is given back when the recorder is closed.
func TestReserve(t *testing.T) {
	r, _, _ := open(Capture, 1<<20)
	for i := 0; i < len(page); i += 100 {
		_, _ = r.WriteString(page[i : i+100])
		if size := int64(i + 100); r.room.captured < size || r.room.captured > 2*size {
			t.Fatalf("%d bytes are reserved for %d", r.room.captured, size)
		}
	}
	r.Drain()
	if r.Close(); r.room.captured != 0 {
		t.Errorf("%d bytes stay reserved", r.room.captured)
	}
}

// The owner is told the header as the writer outside has sent it, whenever it has, and its changes are none of the handler's goroutine.
func TestHeaderAsSent(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "large": 20_000} {
		client := newSlow()
		client.touch = true
		close(client.gate)
		r, o := to(client, 1<<20)
		_, _ = r.WriteString(page[:size])
		r.Header().Set("X-Late", "1")
		r.Finish()
		r.Settle()
		if !r.AwaitSent() || o.header.Get("X-Coded") == "" {
			t.Errorf("%s: the owner is told %v", name, o.header)
		}
		if size > inPlaceWrapped && o.header["X-Late"] != nil {
			t.Errorf("%s: what was set after the header was final goes out with it", name)
		}
		r.Drain()
		if client.header.Get("X-Late") != "1" { // a trailer, say
			t.Errorf("%s: what was set last is lost", name)
		}
	}
}

// A writer of middleware that panics before the header is out makes nothing to keep.
func TestPanicBeforeTheHeader(t *testing.T) {
	client := newSlow()
	client.panics = true
	close(client.gate)
	r, _ := to(client, 1<<20)
	_, _ = r.WriteString(page)
	r.Finish()
	r.Settle()
	if r.AwaitSent() {
		t.Error("the header has gone out")
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r.Drain()
}

// What is written when the recorder is closed is refused, and takes no room.
func TestWriteAfterClose(t *testing.T) {
	r, _, client := open(Capture, 1<<20)
	_, _ = r.WriteString("a")
	r.Finish()
	r.Drain()
	r.Close()
	for _, write := range []func() (int, error){
		func() (int, error) { return r.Write([]byte("b")) }, func() (int, error) { return r.WriteString(page) },
	} {
		if n, err := write(); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	r.Flush()
	if r.room.captured != 0 || client.Body.String() != "a" || client.Flushed {
		t.Errorf("%d bytes are reserved, the client got %q", r.room.captured, client.Body)
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
