package dashboard

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/audit"
)

// process says which one of a fleet answers.
type process struct {
	ID      string `json:"id"` // another one for each Mount
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Started int64  `json:"started"` // milliseconds of Unix time
}

func thisProcess() process {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return process{ID: random(), Host: host, PID: os.Getpid(), Started: time.Now().UnixMilli()}
}

// state is what the page shows. Times are milliseconds, and sums count since the start.
type state struct {
	Process process `json:"process"`
	Token   string  `json:"token"`  // what a POST has to come with
	Purges  bool    `json:"purges"` // whether it may purge
	Closed  bool    `json:"closed"`

	Names   []string `json:"names"` // of the numbers of a row
	Rows    []row    `json:"rows"`  // those that the page does not have
	Last    int      `json:"last"`  // how many there were, with these
	Routes  []route  `json:"routes"`
	Store   []kind   `json:"store"`
	Servers []server `json:"servers"`
	Audit   []found  `json:"audit"`

	Refusals []cachette.RefusalOfRoute `json:"refusals"` // the latest first

	Keys []key `json:"keys"` // of what is the last to be removed from memory; null where they are not to be shown

	Memory       memory            `json:"memory"`
	Near         memory            `json:"near"`
	NearHits     uint64            `json:"nearHits"`
	Waiting      int64             `json:"waiting"`
	WaitingBytes int64             `json:"waitingBytes"`
	Owed         int               `json:"owed"`
	Responses    map[string]uint64 `json:"responses"` // what became of them beside what routes have, by words
}

type memory struct {
	Entries   int    `json:"entries"`
	Bytes     int64  `json:"bytes"`
	Limit     int64  `json:"limit"` // 0 where there is none of it
	Evictions uint64 `json:"evictions"`
}

// key is that of something that is held in memory.
type key struct {
	Name  string `json:"name"` // escaped where it is no text
	Bytes int64  `json:"bytes"`
}

const (
	mostKeys = 20
	longest  = 500 // bytes of a key, as it is shown
)

// hottest returns the keys of what is the last to be removed from memory.
func (d *dashboard) hottest() []key {
	if !d.keys {
		return nil
	}
	keys := make([]key, 0, mostKeys)
	for _, held := range d.cache.Hottest(mostKeys) {
		name := strings.Trim(strconv.Quote(held.Key), `"`)
		if len(name) > longest {
			name = strings.ToValidUTF8(name[:longest], "") + "…"
		}
		keys = append(keys, key{name, held.Bytes})
	}
	return keys
}

// route is what became of the requests of a route.
type route struct {
	Pattern   string            `json:"pattern"`
	Outcomes  map[string]uint64 `json:"outcomes"`
	Requests  uint64            `json:"requests"`
	Fills     uint64            `json:"fills"`
	Mean      float64           `json:"mean"`   // that a fill took
	Within    float64           `json:"within"` // which 95 % of the fills took at most; -1 for more than the last bound
	Refreshes uint64            `json:"refreshes"`
	Saved     float64           `json:"saved"`
	Refused   map[string]uint64 `json:"refused"`
	Bypasses  map[string]uint64 `json:"bypasses"`
}

// kind is what became of the operations of a kind.
type kind struct {
	Name    string            `json:"name"`
	Results map[string]uint64 `json:"results"`
	Bytes   uint64            `json:"bytes"`
	Mean    float64           `json:"mean"`
	Within  float64           `json:"within"`
	State   string            `json:"state"`
	RetryAt int64             `json:"retryAt"` // milliseconds of Unix time; 0 for none
}

type server struct {
	Name     string `json:"name"`
	Reads    string `json:"reads"`
	Writes   string `json:"writes"`
	Removals string `json:"removals"`
}

// found is a finding of audits: of a route, or a cause of its differences.
type found struct {
	Pattern     string `json:"pattern"`
	DryRun      bool   `json:"dryRun"`
	Stopped     bool   `json:"stopped"`
	Hits        uint64 `json:"hits"`
	Samples     uint64 `json:"samples"`
	Differences uint64 `json:"differences"`
	Unexplained uint64 `json:"unexplained"`
	Cause       string `json:"cause"` // empty where there is none
	Leaks       bool   `json:"leaks"` // it is something of the request: clients may be given what was made for others
	Times       uint64 `json:"times"`
	Differs     string `json:"differs"`
	Advice      string `json:"advice"`
}

// answerState answers with what the page shows. The page says what it has already: from which process, and how many rows.
func (d *dashboard) answerState(c *gin.Context) {
	since := 0
	if c.Query("process") == d.process.ID {
		since, _ = strconv.Atoi(c.Query("since"))
	}
	c.JSON(http.StatusOK, d.state(since))
}

func (d *dashboard) state(since int) state {
	stats := d.cache.Stats()
	s := state{
		Process: d.process, Token: d.token, Purges: d.purges, Closed: d.closed(), Names: names[:],
		Routes: routesOf(stats), Store: kindsOf(stats), Servers: serversOf(stats),
		Keys:  d.hottest(),
		Audit: foundBy(d.cache.AuditReport()), Refusals: append([]cachette.RefusalOfRoute{}, d.cache.Refusals()...),
		Memory: memory(stats.Memory), Near: memory(stats.Near), NearHits: stats.NearHits, Waiting: stats.Waiting, WaitingBytes: stats.WaitingBytes, Owed: stats.Owed,
		Responses: map[string]uint64{
			"stored": stats.Stored, "too large": stats.TooLarge, "dropped": stats.Dropped, "untagged": stats.Untagged, "uncaptured": stats.Uncaptured,
			"cut off": stats.CutOff,
		},
	}
	s.Rows, s.Last = d.history.since(since)
	return s
}

func routesOf(stats cachette.Stats) []route {
	routes := make([]route, 0, len(stats.Routes))
	for pattern, r := range stats.Routes {
		one := route{
			Pattern: pattern, Outcomes: make(map[string]uint64), Requests: total(r.Outcomes), Fills: r.Fills.Count, Mean: mean(r.Fills), Within: within(r.Fills),
			Refreshes: r.Refreshes, Saved: milliseconds(r.Saved), Refused: r.Refused, Bypasses: r.Bypasses,
		}
		if one.Requests == 0 && one.Fills == 0 { // as of the page itself behind a Cached
			continue
		}
		for name, n := range r.All() {
			one.Outcomes[name] = n
		}
		routes = append(routes, one)
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.Pattern, b.Pattern) })
	return routes
}

func kindsOf(stats cachette.Stats) []kind {
	kinds := make([]kind, 0, 8)
	for name, o := range stats.Store.All() {
		one := kind{Name: name, Results: make(map[string]uint64), Bytes: o.Bytes, Mean: mean(o.Took), Within: within(o.Took), State: o.State}
		if !o.RetryAt.IsZero() {
			one.RetryAt = o.RetryAt.UnixMilli()
		}
		for result, n := range o.All() {
			one.Results[result] = n
		}
		kinds = append(kinds, one)
	}
	return kinds
}

func serversOf(stats cachette.Stats) []server {
	servers := make([]server, 0, len(stats.Store.Servers))
	for name, s := range stats.Store.Servers {
		servers = append(servers, server{name, s.Reads, s.Writes, s.Removals})
	}
	slices.SortFunc(servers, func(a, b server) int { return strings.Compare(a.Name, b.Name) })
	return servers
}

// foundBy returns what audits have found of the routes that are audited.
func foundBy(report audit.Report) []found {
	all := make([]found, 0, len(report.Routes))
	for _, r := range report.Routes {
		if r.Samples == 0 && r.Skipped == 0 && !r.DryRun && !r.Stopped {
			continue
		}
		one := found{
			Pattern: r.Pattern, DryRun: r.DryRun, Stopped: r.Stopped, Hits: r.Hits, Samples: r.Samples, Differences: r.Differences, Unexplained: r.Unexplained,
		}
		if len(r.Causes) == 0 {
			all = append(all, one)
		}
		for i := range r.Causes {
			c := &r.Causes[i]
			one.Cause, one.Times, one.Differs, one.Advice = c.String(), c.Times, strings.Join(c.Differs, ", "), c.Advice
			one.Leaks = c.Kind != audit.Time
			all = append(all, one)
		}
	}
	return all
}

func mean(d cachette.Durations) float64 {
	if d.Count == 0 {
		return 0
	}
	return milliseconds(d.Sum) / float64(d.Count)
}

// within returns the bound that 95 % took at most, or -1 where they took more than the last.
func within(d cachette.Durations) float64 {
	var sum uint64
	for i, bound := range cachette.DurationBounds() {
		if sum += d.Buckets[i]; sum*100 >= d.Count*95 {
			return milliseconds(bound)
		}
	}
	return -1
}
