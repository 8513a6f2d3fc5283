package coding_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

// TestExplained: an explanation tells in which coding a request would be answered, or why in none; it has no form made, and counts none as served.
func TestExplained(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/page", "text/plain", page)
		s.answers("/noise", "text/plain", noise())
		s.answers("/image", "image/png", page)
		s.GET("/plain", cachette.Cached(time.Hour), s.handler("text/plain", page))
		s.GET("/outside", compressor(true), cachette.Cached(time.Hour, cachette.WithCompression()), s.handler("text/plain", page))
		for _, path := range []string{"/page", "/noise", "/image", "/plain", "/outside"} {
			s.warm(path, "gzip")
		}
		served := s.get("/page", gzipped)
		before := s.Cache.Stats().Codings
		for _, test := range []struct{ path, accept, more, want string }{
			{"/page", "gzip", "", "gzip, "},
			{"/page", "br, gzip", "", "not yet: no hit in this process has asked for br"},
			{"/page", "br;q=0.5, gzip", "", "gzip, "},
			{"/page", "", "", "not: the request accepts no coding"},
			{"/page", "gzip", "Cache-Control: no-transform", "not: the request says no-transform"},
			{"/noise", "gzip", "", "not: gzip makes it hardly smaller"},
			{"/image", "gzip", "", "not: its size, type"},
			{"/outside", "gzip", "", "not by the cache"},
			{"/plain", "gzip", "", ""},
			{"/none", "gzip", "", ""},
		} {
			r := httptest.NewRequest(http.MethodGet, test.path, nil)
			if test.accept != "" {
				r.Header.Set("Accept-Encoding", test.accept)
			}
			if name, value, ok := strings.Cut(test.more, ": "); ok {
				r.Header.Set(name, value)
			}
			x, err := s.Cache.Explain(s.t.Context(), r)
			if err != nil {
				s.t.Fatal(err)
			}
			coded := ""
			if x.Stored != nil {
				coded = x.Stored.Coded
			}
			if !strings.HasPrefix(coded, test.want) || (coded == "") != (test.want == "") || strings.Contains(x.String(), "\ncoded ") != (coded != "") {
				s.t.Errorf("%s for %q %s: %q\n%s", test.path, test.accept, test.more, coded, x)
			}
		}
		if err := s.Cache.Settle(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if after := s.Cache.Stats().Codings; after["gzip"] != before["gzip"] || after["br"] != before["br"] || len(served.Body) == 0 {
			s.t.Errorf("counted %+v, then %+v", before, after)
		}
	})
}
