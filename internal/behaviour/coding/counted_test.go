package coding_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// TestCounted: Stats tell how many forms were made, of how many bytes, and how many requests were answered in one.
func TestCounted(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/", "text/plain", page, `ETag: "v"`)
		s.HEAD("/", cachette.Cached(time.Hour, cachette.WithCompression()), s.handler("text/plain", page, `ETag: "v"`))
		s.answers("/small", "text/plain", "too small to be coded")
		if counted := s.Cache.Stats().Codings; len(counted) != 3 || counted["gzip"] != (cachette.CodingStats{}) {
			s.t.Errorf("at first: %+v", counted)
		}
		s.warm("/", "gzip")
		s.warm("/small", "gzip")
		coded := s.get("/", gzipped)
		want := cachette.CodingStats{Made: 1, Content: uint64(len(page)), Bytes: uint64(len(coded.Body)), Served: 1}
		for _, ask := range []struct {
			method string
			fields []string
			status int
			served uint64
		}{
			{http.MethodGet, nil, http.StatusOK, 0},
			{http.MethodGet, []string{gzipped}, http.StatusOK, 1},
			{http.MethodHead, []string{gzipped}, http.StatusOK, 1},
			{http.MethodGet, []string{gzipped, "Range: bytes=0-9"}, http.StatusPartialContent, 1},
			{http.MethodGet, []string{gzipped, "If-None-Match: " + coded.Header.Get("Etag")}, http.StatusNotModified, 1},
		} {
			a := s.ask(ask.method, "/", ask.fields...)
			want.Served += ask.served
			if counted := s.Cache.Stats().Codings; a.Status != ask.status || counted["gzip"] != want || counted["br"] != (cachette.CodingStats{}) {
				s.t.Errorf("%s %q: %d, counted %+v, want %+v", ask.method, ask.fields, a.Status, counted, want)
			}
		}
	})
}

// TestMemoryIsCounted: Stats tell what forms take: in memory as a part of all that is stored there, and in front of a store on their own.
func TestMemoryIsCounted(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/", "text/plain", page)
		s.get("/", gzipped)
		before := s.Cache.Stats()
		s.get("/", gzipped)
		coded := s.get("/", gzipped)
		after := s.Cache.Stats()
		was, is := before.Memory, after.Memory
		if own := is.Limit == 0; own {
			if was, is = before.Forms, after.Forms; is.Limit != 8<<20 || was.Entries > 0 {
				s.t.Errorf("in front of a store: %+v, then %+v", was, is)
			}
		} else if after.Forms != (cachette.MemoryStats{}) {
			s.t.Errorf("in memory: %+v", after.Forms)
		}
		if is.Entries != was.Entries+1 || is.Bytes < was.Bytes+int64(len(coded.Body)) {
			s.t.Errorf("%+v, then %+v", was, is)
		}
	})
}

// TestFoundIsCounted: a form that another process has made is found, and not made.
func TestFoundIsCounted(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		var sites []*site
		for range 2 {
			s := newSite(t, store.Use)
			s.answers("/", "text/plain", page)
			s.warm("/", "br")
			s.get("/", "Accept-Encoding: br")
			sites = append(sites, s)
		}
		for i, s := range sites {
			c := s.Cache.Stats().Codings["br"]
			if made := i == 0; (c.Made == 1) != made || (c.Found == 1) == made || (c.Content > 0) != made || c.Made+c.Found != 1 || c.Served == 0 {
				t.Errorf("the process with the number %d counted %+v", i, c)
			}
		}
	})
}

// TestMadeOnce: of 200 clients that hit a page together before it has a form, none has one made beside another.
func TestMadeOnce(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/", "text/plain", strings.Repeat(page, 20))
		s.get("/", gzipped)
		for range 3 {
			begin := make(chan struct{})
			var clients sync.WaitGroup
			for range 200 {
				clients.Go(func() {
					<-begin
					a := cachettetest.Do(s.t, s.Engine, http.MethodGet, "/", gzipped)
					if !a.Hit() || len(decode(s.t, a.Header.Get("Content-Encoding"), a.Body)) != 20*len(page) {
						s.t.Errorf("%v, %s", a.Header, a.CacheStatus())
					}
				})
			}
			close(begin)
			clients.Wait()
			if err := s.Cache.Settle(context.Background()); err != nil {
				s.t.Fatal(err)
			}
		}
		if c := s.Cache.Stats().Codings["gzip"]; c.Made != 1 || c.Served < 400 || s.runs.Load() != 1 {
			s.t.Errorf("for 600 clients: %+v, the handler has run %d times", c, s.runs.Load())
		}
	})
}
