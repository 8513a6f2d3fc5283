package entries

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/target"
)

// Of fills that begin together those are kept whose servers answer, and all of them wait for no longer than an operation may take.
func TestBeginManyOfSeveralServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		driver := newSpread(t)
		s := on(t, driver)
		var of []*target.Target
		var found []*Found
		var servers []string
		eachPage(func(one *target.Target, server string) {
			of, found, servers = append(of, one), append(found, &Found{}), append(servers, server)
		})
		check := func(gone string) {
			t.Helper()
			began := time.Now()
			for i, ticket := range s.BeginMany(t.Context(), found, of) {
				if ticket.Usable() == (servers[i] == gone) {
					t.Errorf("%s, of the server %q, can be kept: %t, where %q is away", of[i].Path, servers[i], ticket.Usable(), gone)
				}
			}
			if took := time.Since(began); took > timeout {
				t.Errorf("it took %v", took)
			}
		}
		check("") // looks at the logs
		driver.hang("second")
		check("second")
		driver.breakdown(nil)
		time.Sleep(time.Minute)
		check("")
	})
}
