package identity_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// What requests are made of. The texts of tenants and kinds run into one another where a key does not keep them apart.
var (
	tenants    = []string{"a", "ab", "1:a"}
	kinds      = []string{"", "b", "bc", "c", "1:b"}
	pages      = []string{"/0", "/1", "/2", "/a%2Fb", "/a/b"}
	hosts      = []string{"h.example", "h.example", "h.example", "i.example"}
	schemes    = []string{"http", "http", "http", "http", "http", "http", "https"}
	queries    = []string{"", "", "", "", "?q=1", "?q=2&x=1", "?x=2&q=2", "?q=1%26x=1"}
	directives = []string{"no-cache", "no-store", "max-age=0", "max-age=30", "max-stale", "only-if-cached", "min-fresh=1"}
	ranges     = []string{"bytes=0-99", "bytes=100-", "bytes=-50", "bytes=0-9,50-59", "bytes=999999-", "bytes=20-30"}
	faults     = append([]string{"panic", "cut off", "403", "500", "503"}, lateFaults...)
	lateFaults = []string{"short", "late panic", "half panic", "late error", "no store"} // behind what others must not have then
)

// ask chooses what to ask for, how, and as whom.
func (u *person) ask(n int) *ask {
	a := &ask{run: fmt.Sprintf("%s-%d", u.name, n), fields: make(http.Header), leaves: -1}
	a.method = http.MethodGet
	u.aim(a, n)
	u.present(a)
	u.perform(a)
	u.precondition(a)
	if u.one(15) {
		u.steal(a)
	}
	u.obstruct(a)
	a.fields.Set("X-Run", a.run)
	a.path, a.came = pathOf(a.page), a.url
	if !a.socket && u.one(25) { // as to a proxy (RFC 9112 §3.2.2)
		a.came = a.scheme + "://" + a.host + a.url
	}
	return a
}

// aim chooses a page. In each burst most users go for about the same one: that is what makes them meet. Each route has its turn.
func (u *person) aim(a *ask, n int) {
	where := u.random
	a.rule = pick(where, u.rules)
	if !u.one(6) {
		turn := u.seed + uint64(n/burst)
		where = rand.New(rand.NewPCG(u.seed, turn))
		a.rule = u.rules[turn%uint64(len(u.rules))]
	}
	page := pick(where, pages)
	a.way = ways[0]
	if w := u.near(where, 2*len(ways)); w < len(ways) {
		a.way = ways[w]
	}
	a.scheme = schemes[u.near(where, len(schemes))]
	a.host = hosts[u.near(where, len(hosts))]
	a.page = "/" + a.rule.name + page + queries[u.near(where, len(queries))]
	a.tenant = tenants[u.near(where, len(tenants))]
	a.url = a.way.mount + a.way.prefix + a.page
	if a.way.tenant {
		a.url = a.way.mount + a.way.prefix + "/" + a.tenant + a.page
	} else {
		a.tenant = pick(u.random, tenants)
	}
}

// near returns one of n numbers: mostly the one that the others choose, too.
func (u *person) near(where *rand.Rand, n int) int {
	i := where.IntN(n)
	if u.one(9) {
		return u.random.IntN(n)
	}
	return i
}

// present chooses what the request says of its client. A few users are at several devices at once.
func (u *person) present(a *ask) {
	name := u.name
	if u.one(2) {
		name = nameOf(u.random.IntN(6))
	}
	switch n := u.random.IntN(20); {
	case n < 7:
		a.cookie = "session=" + name
	case n < 8:
		a.cookie = "session=" + name + "; theme=dark"
	case n < 9:
		a.cookie = "session=" + name + "; session=" + nameOf(u.random.IntN(users))
	case n < 14:
		a.authorization = "Bearer " + name
	case n < 16:
		a.authorization, a.cookie = "Bearer "+name, "session="+name
	}
	a.kind = pick(u.random, kinds)
	sent := a.tenant
	if a.way.tenant {
		sent = pick(u.random, tenants) // the path says which one counts
	}
	for name, value := range map[string]string{
		"Authorization": a.authorization, "Cookie": a.cookie, "X-Tenant": sent, "X-Kind": a.kind,
	} {
		if value != "" {
			a.fields.Set(name, value)
		}
	}
}

// perform chooses what is to be done.
func (u *person) perform(a *ask) {
	switch n := u.random.IntN(100); {
	case n < 2, n < 20 && a.rule.posts:
		a.method = pick(u.random, unsafeMethods)
		if u.one(3) {
			a.fields.Set("X-Other", "/"+pick(u.random, u.rules).name+pick(u.random, pages))
		}
	case n < 10:
		a.method = http.MethodHead
	case n < 18, n < 70 && a.rule.ranges:
		a.fields.Set("Range", pick(u.random, ranges))
	case n < 19:
		a.fields.Set("If-Match", `"none"`)
	}
	if u.one(12) {
		a.fields.Set("Cache-Control", pick(u.random, directives))
	}
	if u.one(10) {
		a.fields.Set("X-Skip", "1")
	}
}

// precondition has the client tell what it has of the page.
func (u *person) precondition(a *ask) {
	tag := u.tags[a.host+a.url]
	ranged := a.fields.Get("Range") != ""
	switch {
	case tag != "" && ranged && u.one(2):
		a.fields.Set("If-Range", tag)
	case tag != "" && !ranged && u.one(3):
		a.tags = []string{tag}
		a.fields.Set("If-None-Match", tag)
	case u.one(50):
		a.fields.Set("If-Modified-Since", "Thu, 01 Jan 2054 00:00:00 GMT")
	}
}

// steal goes for a page that another user got, with the tag of what that one got.
func (u *person) steal(a *ask) {
	l := u.stolen[u.random.IntN(len(u.stolen))].Load()
	if l == nil || a.method != http.MethodGet {
		return
	}
	a.rule, a.way, a.scheme, a.host, a.page, a.url = l.of.rule, l.of.way, l.of.scheme, l.of.host, l.of.page, l.of.url
	if a.way.tenant {
		a.tenant = l.of.tenant
	} else {
		a.tenant = a.fields.Get("X-Tenant")
	}
	if a.fields.Get("Range") != "" {
		a.fields.Set("If-Range", l.tag)
		return
	}
	a.tags = append(a.tags, l.tag)
	a.fields.Set("If-None-Match", strings.Join(a.tags, ", "))
}

// obstruct chooses what goes wrong, and what takes time.
func (u *person) obstruct(a *ask) {
	if u.one(15) || a.rule.spoils && u.one(3) {
		a.fault = pick(u.random, faults)
		a.fields.Set("X-Fault", a.fault)
	}
	if u.one(20) {
		a.leaves = u.random.IntN(1500)
		if u.one(4) {
			a.leaves = 0
		}
		a.breaks = u.one(2)
	}
	if u.one(2) || a.rule.breaks {
		a.fields.Set("X-Slow", strconv.Itoa(u.random.IntN(10)))
	}
	if u.one(5) {
		a.slow = u.random.IntN(4)
	}
	a.socket = a.scheme == "http" && u.one(10)
}
