package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/cachettetest"
)

// Within two thousand requests the five routes that are keyed wrongly are named, each with its cause, and none of the others.
func TestFindsTheFive(t *testing.T) {
	gin.SetMode(gin.TestMode)
	cachettetest.Bubble(t, func(t *testing.T) {
		r := gin.New()
		cache, err := install(r)
		if err != nil {
			t.Fatal(err)
		}
		defer cache.Close()
		traffic(r, 2000, func() { cachettetest.Pass(50 * time.Millisecond) })
		cachettetest.Pass(2 * time.Second)

		report := cache.AuditReport()
		var found []string
		routes := 0
		for _, route := range report.Routes {
			if !strings.HasPrefix(route.Pattern, "/admin") {
				routes++
			}
			for _, cause := range route.Causes {
				found = append(found, route.Pattern+" "+cause.String())
			}
		}
		want := []string{
			`/wrong/greeting the request field "Accept-Language"`, "/wrong/offer time or chance", `/wrong/partner the value "partner" of c.Keys`,
			"/wrong/shop the client's address", `/wrong/theme the cookie "theme"`,
		}
		if !slices.Equal(found, want) || routes != len(pages) {
			t.Errorf("of %d routes:\n%s\nwant\n%s\n\n%s", routes, strings.Join(found, "\n"), strings.Join(want, "\n"), report)
		}
	})
}

// The report is for operators alone.
func TestReport(t *testing.T) {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := install(r)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	traffic(r, 20, func() {})
	for partner, status := range map[string]int{"north": http.StatusForbidden, "operator": http.StatusOK} {
		from := client{address: "198.51.100.9:1", partner: partner}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, from.request("/admin/report"))
		if told := strings.Contains(w.Body.String(), "/keyed/"); w.Code != status || told != (status == http.StatusOK) {
			t.Errorf("%s: %d, %s", partner, w.Code, w.Body)
		}
	}
}
