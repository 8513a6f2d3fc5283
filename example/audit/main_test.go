package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/audit"
	"github.com/gin-cachette/cachette/cachettetest"
)

// wanted are the routes that are keyed wrongly, each with its cause.
var wanted = []string{
	`/wrong/greeting the request field "Accept-Language"`, "/wrong/offer time or chance", `/wrong/partner the value "partner" of c.Keys`,
	"/wrong/shop the client's address", `/wrong/theme the cookie "theme"`,
}

// Within two thousand requests the five routes that are keyed wrongly are named, each with its cause, and none of the others; where a twentieth of the hits is
// audited it takes some thousands more. So many of them that chance does not decide are the bound here.
func TestFindsTheFive(t *testing.T) {
	gin.SetMode(gin.TestMode)
	for rate, most := range map[float64]int{1: 2000, 0.05: 20_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				r := gin.New()
				cache, err := install(r, rate)
				if err != nil {
					t.Fatal(err)
				}
				defer cache.Close()
				var found []string
				for asked := 0; asked < most && !slices.Equal(found, wanted); asked += 2000 {
					traffic(r, 2000, func() { cachettetest.Pass(50 * time.Millisecond) })
					cachettetest.Pass(2 * time.Second)
					found = causes(cache)
					t.Logf("of %d requests, %d of the %d are named", asked+2000, len(found), len(wanted))
				}
				if report := cache.AuditReport(); !slices.Equal(found, wanted) || served(report) != len(pages) {
					t.Errorf("of %d routes:\n%s\nwant\n%s\n\n%s", served(report), strings.Join(found, "\n"), strings.Join(wanted, "\n"), report)
				}
			})
		})
	}
}

// causes returns what was found, by route.
func causes(cache *cachette.Cache) (found []string) {
	for _, route := range cache.AuditReport().Routes {
		for _, cause := range route.Causes {
			found = append(found, route.Pattern+" "+cause.String())
		}
	}
	return found
}

// served returns how many routes clients have asked for.
func served(report audit.Report) (n int) {
	for _, route := range report.Routes {
		if !strings.HasPrefix(route.Pattern, "/admin") {
			n++
		}
	}
	return n
}

// The report is for operators alone.
func TestReport(t *testing.T) {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := install(r, 1)
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
