package dashboard_test

import (
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/dashboard"
)

// Keys are shown where the program says so, escaped and cut, and nowhere else.
func TestKeys(t *testing.T) {
	s := newSite(t)
	s.Get("/products/1?token=hunter2")
	if body := s.open("state").Body; strings.Contains(body, "hunter2") || s.state("").Keys != nil {
		t.Errorf("keys without WithKeys: %s", body)
	}
	s = newSite(t, dashboard.WithKeys())
	if keys := s.state("").Keys; keys == nil || len(keys) != 0 {
		t.Errorf("of nothing: %#v", keys)
	}
	s.Get("/products/1?q=<script>")
	s.Get("/products/2?q=" + strings.Repeat("x", 2000))
	keys := s.state("").Keys
	if len(keys) != 2 {
		t.Fatalf("of two pages: %+v", keys)
	}
	for _, key := range keys {
		if !strings.Contains(key.Name, "/products/") || len(key.Name) > 600 || key.Bytes < 100 {
			t.Errorf("%+v", key)
		}
	}
	if body := s.open("state").Body; strings.Contains(body, "<script>") {
		t.Errorf("not escaped: %s", body)
	}
}
