package coding_test

import (
	"fmt"
	"testing"
	"time"
)

// TestShortlyKept: a page that is made anew every few seconds with the same content comes coded, whatever it says of use when it is stale, and its form
// is not made as often as the page: in 40 seconds twice at most, each time during one hit.
func TestShortlyKept(t *testing.T) {
	for _, control := range []string{"max-age=2", "max-age=2, must-revalidate", "s-maxage=2"} {
		t.Run(control, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.answers("/", "text/plain", page, "Cache-Control: "+control)
				var plain []string
				for i := range 80 {
					if a := s.get("/", gzipped); a.Hit() && a.Header.Get("Content-Encoding") == "" {
						plain = append(plain, fmt.Sprint(i))
					}
					time.Sleep(time.Second / 2)
				}
				if c := s.Cache.Stats().Codings["gzip"]; len(plain) > 2 || c.Made+c.Found > 2 || s.runs.Load() < 20 {
					s.t.Errorf("the hits %q came as the page is; made %d times, the handler has run %d times", plain, c.Made, s.runs.Load())
				}
			})
		})
	}
}
