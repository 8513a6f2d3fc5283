package response

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

func init() { gin.SetMode(gin.TestMode) }

// owner is an Owner that counts what it is told.
type owner struct {
	mode     Mode
	decided  int
	released int
	flushed  int
	header   http.Header // as it was sent
	gone     bool
	sent     int
	seen     int // the status it was asked about
}

func (o *owner) Decide(r *Recorder) Mode {
	o.decided++
	o.seen = r.Status()
	return o.mode
}

func (o *owner) Release() { o.released++ }

func (o *owner) Flushed() { o.flushed++ }

func (o *owner) Forgo() { o.released++ }

func (o *owner) Waits() {}

func (o *owner) Waited() {}

func (o *owner) Gone() bool { return o.gone }

func (o *owner) CloseNotify() <-chan bool { return nil }

func (o *owner) Sent(_ *Recorder, h http.Header) { o.sent, o.header = o.sent+1, h }

// open returns a recorder in front of gin's own writer, and what a client gets from it.
func open(mode Mode, limit int64) (*Recorder, *owner, *httptest.ResponseRecorder) {
	client := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(client)
	r, o := new(Recorder), &owner{mode: mode}
	r.Open(c.Writer, limit, o, NewRoom(1<<30))
	return r, o, client
}

// A recorder behaves as gin's own writer does, whatever is called in whatever order: what handlers see of it, and what the
// client gets.
func TestLikeGin(t *testing.T) {
	steps := map[string]func(w gin.ResponseWriter){
		"status 404":      func(w gin.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"status 200":      func(w gin.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"status -1":       func(w gin.ResponseWriter) { w.WriteHeader(-1) },
		"header":          func(w gin.ResponseWriter) { w.Header().Add("X-A", fmt.Sprint(len(w.Header()["X-A"]))) },
		"no header":       func(w gin.ResponseWriter) { w.Header().Del("X-A") },
		"header now":      func(w gin.ResponseWriter) { w.WriteHeaderNow() },
		"write":           func(w gin.ResponseWriter) { _, _ = w.Write([]byte("abc")) },
		"write nothing":   func(w gin.ResponseWriter) { _, _ = w.Write(nil) },
		"write a string":  func(w gin.ResponseWriter) { _, _ = w.WriteString("def") },
		"write by io":     func(w gin.ResponseWriter) { _, _ = io.WriteString(w, "ghi") },
		"copy":            func(w gin.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("jkl")) },
		"flush":           func(w gin.ResponseWriter) { w.Flush() },
		"flush by others": func(w gin.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	}
	var names []string
	for name := range steps {
		names = append(names, name)
	}
	type state struct {
		status, size int
		written      bool
	}
	for _, first := range names {
		for _, second := range names {
			for _, third := range names {
				run := []string{first, second, third}
				var seen [2][]state
				var clients [2]*httptest.ResponseRecorder
				for i, mode := range []Mode{Capture, Pass} {
					plain := httptest.NewRecorder()
					c, _ := gin.CreateTestContext(plain)
					var w gin.ResponseWriter = c.Writer
					clients[i] = plain
					if mode == Capture {
						r := new(Recorder)
						r.Open(w, 1000, &owner{mode: Capture}, NewRoom(1<<30))
						w = r
					}
					for _, name := range run {
						steps[name](w)
						seen[i] = append(seen[i], state{w.Status(), w.Size(), w.Written()})
					}
					if r, ok := w.(*Recorder); ok {
						r.Finish()
						r.Drain()
					}
					c.Writer.WriteHeaderNow() // as the engine does behind the chain
				}
				if !reflect.DeepEqual(seen[0], seen[1]) {
					t.Errorf("%q: handlers see %v, of gin's writer %v", run, seen[0], seen[1])
				}
				a, b := clients[0], clients[1]
				if a.Code != b.Code || a.Body.String() != b.Body.String() || a.Flushed != b.Flushed ||
					!reflect.DeepEqual(a.Result().Header, b.Result().Header) {
					t.Errorf("%q: the client gets %d %q %v, from gin's writer %d %q %v", run,
						a.Code, a.Body, a.Result().Header, b.Code, b.Body, b.Result().Header)
				}
			}
		}
	}
}

// The owner is asked once, before anything goes out, and its answer decides what the client gets and what is kept.
func TestModes(t *testing.T) {
	for _, row := range []struct {
		name   string
		mode   Mode
		client string
		code   int
		kept   string
	}{
		{"pass", Pass, "one two", http.StatusTeapot, ""},
		{"capture", Capture, "one two", http.StatusTeapot, "one two"},
		{"swallow", Swallow, "", http.StatusOK, ""},
		{"not modified", NotModified, "", http.StatusNotModified, "one two"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, o, client := open(row.mode, 100)
			r.WriteHeader(http.StatusTeapot)
			if o.decided != 0 {
				t.Error("it decides before the header is final")
			}
			n, err := r.WriteString("one ")
			m, err2 := r.Write([]byte("two"))
			r.Flush()
			if n != 4 || m != 3 || err != nil || err2 != nil {
				t.Errorf("writes: %d, %v; %d, %v", n, err, m, err2)
			}
			if r.Finish() || o.decided != 1 || o.seen != http.StatusTeapot {
				t.Errorf("decided %d times, about %d", o.decided, o.seen)
			}
			if client.Code != row.code || client.Body.String() != row.client {
				t.Errorf("the client got %d %q", client.Code, client.Body)
			}
			if string(r.Body()) != row.kept || r.Size() != 7 || r.Status() != http.StatusTeapot {
				t.Errorf("kept %q of %d bytes with status %d", r.Body(), r.Size(), r.Status())
			}
		})
	}
	t.Run("nothing written", func(t *testing.T) {
		for mode, code := range map[Mode]int{Pass: 404, Capture: 404, Swallow: 200, NotModified: 304} {
			r, o, client := open(mode, 100)
			r.WriteHeader(http.StatusNotFound)
			if !r.Finish() || o.decided != 1 {
				t.Errorf("mode %d: decided %d times", mode, o.decided)
			}
			r.ResponseWriter.WriteHeaderNow()
			if client.Code != code {
				t.Errorf("mode %d: the client got %d", mode, client.Code)
			}
		}
	})
}

// A body is complete when all of it went out, was kept, and has the length that was declared.
func TestComplete(t *testing.T) {
	for _, row := range []struct {
		name     string
		limit    int64
		write    func(r *Recorder)
		length   []string
		complete bool
		released int
		flushed  int
	}{
		{name: "written", limit: 10, write: func(r *Recorder) { _, _ = r.WriteString("abc") }, complete: true},
		{name: "as long as allowed", limit: 3, write: func(r *Recorder) { _, _ = r.WriteString("abc") }, complete: true},
		{name: "as long as declared", limit: 10, write: func(r *Recorder) { _, _ = r.WriteString("abc") },
			length: []string{"3"}, complete: true},
		{name: "too long", limit: 2, write: func(r *Recorder) { _, _ = r.WriteString("abc") }, released: 1},
		{name: "too long in the end", limit: 4, write: func(r *Recorder) {
			for range 5 {
				_, _ = r.WriteString("abc")
			}
		}, released: 1},
		{name: "shorter than declared", limit: 10, write: func(r *Recorder) { _, _ = r.WriteString("ab") }, length: []string{"3"}},
		{name: "longer than declared", limit: 10, write: func(r *Recorder) { _, _ = r.WriteString("abcd") }, length: []string{"3"}},
		{name: "declared twice", limit: 10, write: func(r *Recorder) { _, _ = r.WriteString("abc") }, length: []string{"3", "3"}},
		{name: "nothing, as declared", limit: 10, write: func(r *Recorder) { r.WriteHeaderNow() }, length: []string{"0"}, complete: true},
		{name: "flushed", limit: 10, write: func(r *Recorder) { r.Flush(); _, _ = r.WriteString("abc") }, complete: true, flushed: 1},
		{name: "another status, too late", limit: 10, write: func(r *Recorder) {
			_, _ = r.WriteString("abc")
			r.WriteHeader(http.StatusInternalServerError)
		}},
		{name: "the same status once more", limit: 10, write: func(r *Recorder) {
			_, _ = r.WriteString("abc")
			r.WriteHeader(http.StatusOK)
		}, complete: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, o, client := open(Capture, row.limit)
			row.write(r)
			if got := r.Complete(row.length); got != row.complete {
				t.Errorf("complete: %v", got)
			}
			if o.released != row.released || o.flushed != row.flushed {
				t.Errorf("released %d times, flushed %d times", o.released, o.flushed)
			}
			r.Drain()
			if client.Body.Len() != r.Size() && r.Size() > 0 {
				t.Errorf("the client got %d of %d bytes", client.Body.Len(), r.Size())
			}
			if row.complete && !bytes.Equal(r.Body(), client.Body.Bytes()) {
				t.Errorf("kept %q of %q", r.Body(), client.Body)
			}
		})
	}
}

// What is kept of a body takes little more room than it needs, however it was written.
func TestBodyHasNoSlack(t *testing.T) {
	for _, chunk := range []int{1, 100, 1 << 10, 100_000} {
		r, _, _ := open(Capture, 1<<20)
		for range 100_000 / chunk {
			_, _ = r.Write(make([]byte, chunk))
		}
		if body := r.Body(); cap(body) > len(body)+len(body)/8+64 {
			t.Errorf("in chunks of %d: %d bytes take up %d", chunk, len(body), cap(body))
		}
	}
}
