package fleet_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A page is what is asked for, with all that tells it from others.
type page struct{ host, path, user, tenant string }

func (p page) String() string { return strings.Join([]string{p.host, p.path, p.user, p.tenant}, " ") }

// Everything that a page is made of, and by which it can be purged, has a name: the kind of purge, and what the purge names.
const everything = "everything"

func (p page) parts() []string {
	_, rest, _ := strings.Cut(p.path, "/")
	folder, _, _ := strings.Cut(rest, "/")
	parts := []string{everything, "paths " + p.path, "urls http://" + p.host + p.path, "prefixes /" + folder + "/"}
	switch folder {
	case "a":
		parts = append(parts, "namespaces alpha")
	case "b":
		parts = append(parts, "namespaces beta")
	case "me":
		parts = append(parts, "identities "+p.user)
	case "t":
		parts = append(parts, "key_parts "+p.tenant)
	}
	return parts
}

// allPages are what the clients of a fleet ask for.
func allPages() (all []page) {
	for i := range 30 {
		for _, folder := range []string{"a", "b"} {
			for _, host := range []string{"one.example", "two.example"} {
				all = append(all, page{host: host, path: fmt.Sprintf("/%s/%d", folder, i)})
			}
		}
		all = append(all, page{host: "one.example", path: fmt.Sprintf("/me/%d", i%3), user: fmt.Sprintf("user%d", i/3)},
			page{host: "one.example", path: fmt.Sprintf("/t/%d", i%3), tenant: fmt.Sprintf("tenant%d", i/3)},
			page{host: "one.example", path: fmt.Sprintf("/v/%d", i)})
	}
	return all
}

// A model is the data that pages show, and what must hold of them: a part that was changed and purged is not seen as it was before, and a page
// of which no part was purged stays.
type model struct {
	mu       sync.Mutex
	lots     *rand.Rand
	versions map[string]int // of each part, as the database has it
	least    map[string]int // that anybody may be shown: a purge of it has returned
	fresh    map[string]int // that anybody may be shown as fresh: a soft purge of it has returned
	tags     map[page][]string

	open    map[string]int       // purges of a part that are under way, or owed
	named   map[string]time.Time // when the last one began or ended
	lost    time.Time            // when something was lost for the last time
	filled  map[filler]time.Time
	sights  map[page]sight
	watched int // responses of which it was known that they should be hits
}

type filler struct {
	page
	process int
}

// A sight is a page that the store has had, when nothing had been done to it for a while.
type sight struct {
	began, ended time.Time // of the request that saw it
	parts        []string
}

// settled is how long what was written or purged may be on its way, behind the answer to who asked for it.
const settled = time.Second

func newModel(seed uint64) *model {
	return &model{
		lots: rand.New(rand.NewPCG(seed, 1)), versions: make(map[string]int), least: make(map[string]int), fresh: make(map[string]int), tags: make(map[page][]string),
		open: make(map[string]int), named: make(map[string]time.Time), filled: make(map[filler]time.Time), sights: make(map[page]sight),
	}
}

// n draws a number below another.
func (m *model) n(below int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lots.IntN(below)
}

// ServeHTTP is the database.
func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fields, tag := strings.Split(r.URL.Query().Get("page"), " "), r.URL.Query().Get("tag")
	if len(fields) != 4 && tag == "" {
		http.Error(w, "no page", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	read, parts := content{Versions: make(map[string]int)}, tagged([]string{tag})
	if tag == "" {
		p := page{fields[0], fields[1], fields[2], fields[3]}
		read.Tags = slices.Clone(m.tags[p])
		parts = append(p.parts(), p.named(read.Tags)...)
	}
	for _, part := range parts {
		read.Versions[part] = m.versions[part]
	}
	if m.lots.IntN(5) == 0 {
		read.Rest = time.Duration(m.lots.IntN(20)) * time.Millisecond
	}
	m.mu.Unlock()
	_ = json.NewEncoder(w).Encode(read)
}

// grouped tells whether the handler of a page names groups of its origin (RFC 9875) in place of tags.
func (p page) grouped() bool { return strings.HasPrefix(p.path, "/t/") }

// named returns the parts that a page is made of when its handler names tags, or groups.
func (p page) named(names []string) (parts []string) {
	if !p.grouped() {
		return tagged(names)
	}
	for _, name := range names {
		parts = append(parts, "groups http://"+p.host+"#"+name)
	}
	return parts
}

// tagged returns the parts of tags.
func tagged(tags []string) (parts []string) {
	for _, tag := range tags {
		parts = append(parts, "tags "+tag)
	}
	return parts
}

// A change is the versions that parts have got, which are then purged.
type change struct {
	versions map[string]int
	soft     bool
}

// slow tells whether others learn of the purge within a second only, where it is carried out later than its caller waits for.
func (c change) slow() bool {
	for part := range c.versions {
		if part == everything || strings.HasPrefix(part, "prefixes ") {
			return true
		}
	}
	return false
}

// change changes parts that are to be purged then.
func (m *model) change(parts []string, soft bool) change {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := change{make(map[string]int), soft}
	for _, part := range parts {
		m.versions[part]++
		c.versions[part] = m.versions[part]
		m.open[part]++
		m.named[part] = time.Now()
	}
	return c
}

// purged notes that a purge has ended. If it was carried out, nobody may be shown older versions from here on, or not as fresh.
func (m *model) purged(c change, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for part := range c.versions {
		m.open[part]--
		m.named[part] = time.Now()
	}
	if done {
		c.require(m.least, m.fresh)
	}
}

// require raises what may be shown, and shown as fresh, to what a change asks for.
func (c change) require(least, fresh map[string]int) {
	for part, version := range c.versions {
		if !c.soft {
			least[part] = max(least[part], version)
		}
		fresh[part] = max(fresh[part], version)
	}
}

// require returns what may be shown from now on, and shown as fresh, by a process that owes some purges.
func (m *model) require(owed []change) (least, fresh map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	least, fresh = maps.Clone(m.least), maps.Clone(m.fresh)
	for _, c := range owed {
		c.require(least, fresh)
	}
	return least, fresh
}

// lose notes that something is lost.
func (m *model) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = time.Now()
}

// met notes a response, and tells whether it is a miss of a page that the store should have: it had it before, nothing of it was purged since,
// and nothing was lost.
func (m *model) met(p page, process int, began time.Time, versions map[string]int, hit bool) (missed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, known := m.sights[p]
	if known = known && began.After(last.ended) && m.quiet(last.parts, last.began); known {
		m.watched++
	}
	if hit {
		parts := slices.Collect(maps.Keys(versions))
		if m.quiet(parts, began.Add(-settled)) && m.filled[filler{p, process}].Before(began.Add(-settled)) {
			m.sights[p] = sight{began, time.Now(), parts}
		}
		return false
	}
	m.filled[filler{p, process}] = time.Now()
	delete(m.sights, p)
	return known
}

// quiet tells whether no purge of any part has been under way since a moment, and nothing was lost.
func (m *model) quiet(parts []string, since time.Time) bool {
	for _, part := range parts {
		if m.open[part] > 0 || !m.named[part].Before(since) {
			return false
		}
	}
	return m.lost.Before(since)
}
