package purge_test

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
	"github.com/gin-cachette/cachette/internal/target"
)

// sharded tells whether the store has several servers.
func (p *plan) sharded() bool { return p.servers > 1 }

// key is the key of the mark that a page stands on for a scope.
func (f *fleet) key(s purge.Scope, page int) string {
	return purge.KeyOf(s, pathOf(page), f.plan.sharded())
}

// server is the one, of a list, that has a key: all keys with one tag are on the same.
func (p *plan) server(list []int, key string) int {
	if from := strings.IndexByte(key, '{'); from >= 0 {
		key = key[from:][:strings.IndexByte(key[from:], '}')]
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(strconv.FormatUint(p.salt, 16) + key))
	return list[hash.Sum64()>>7%uint64(len(list))]
}

// spread has a process know several servers: all that there are, or some of them in some order.
func (f *fleet) spread(q *process, o *purge.Options) {
	list := make([]int, f.plan.servers)
	for i := range list {
		list[i] = i
	}
	o.Sharded, o.Server = true, f.lot(q)
	if f.plan.lists {
		f.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if f.chance(60) {
			list = list[:1+f.rng.IntN(len(list))]
		}
		q.store.Place = func(key string, server int) string { return key + at + strconv.Itoa(server) }
		text := ""
		for _, server := range list {
			text += strconv.Itoa(server)
		}
		f.w.Say("process %d has the servers %s", q.number, text)
		teller := &sim.Teller{World: f.w, Arrangements: &f.known, List: text, Every: every, Fails: func() bool { return f.chance(f.plan.untold) }}
		o.Arrangement = teller.Arrangement
	}
	q.store.Server = func(key string) int { return f.plan.server(list, key) }
	f.w.Quiet = quiet
}

// at stands between a key and its server where processes do not agree on which one that is.
const at = "@"

// place is where one of the processes has a key.
func (f *fleet) place(key string) string {
	if f.plan.lists {
		return key + at + strconv.Itoa(f.rng.IntN(f.plan.servers))
	}
	return key
}

// quiet tells whether a key is of a partition in which there is no page, so that it does not matter what becomes of it.
func quiet(key string) bool {
	rest, tagged := strings.CutPrefix(key, "~r:{")
	return tagged && !purge.IsNear(key) && !slices.ContainsFunc(tagsOfPages[:], func(tag string) bool { return strings.HasPrefix(rest, tag[1:]) })
}

var tagsOfPages = [pages]string{target.Tag(target.Partition(pathOf(0))), target.Tag(target.Partition(pathOf(1)))}

// lot returns what has a purge of several servers carried out in lots: each server's, or, so that the partitions of two pages on one server
// are apart too, those of what has no page and of each page.
func (f *fleet) lot(q *process) func(key string) string {
	if f.chance(50) {
		return func(key string) string { return strconv.Itoa(q.store.Server(key)) }
	}
	return func(key string) string {
		if quiet(key) {
			return "quiet"
		}
		return key
	}
}

// beside does several things side by side: those of lots. The others are those of one lot.
func (f *fleet) beside(q *process) func(n int, do func(i int)) {
	return func(n int, do func(i int)) {
		if n == 1 || n > max(servers, pages+1) {
			for i := range n {
				do(i)
			}
			return
		}
		left := n
		for i := range n {
			q.actors = append(q.actors, f.w.Go(f.w.Running().Name, func() { do(i); left-- }))
		}
		f.w.Until(func() bool { return left == 0 })
	}
}

// server is the one that has a page.
func (q *process) server(page int) int {
	if q.store.Server == nil {
		return 0
	}
	return q.store.Server("~r:" + tagsOfPages[page])
}

// at is where a page is stored, as a process sees it.
func (f *fleet) at(q *process, page int) **entry { return &f.stored[q.server(page)][page] }

// addServersEvents has servers be down or hang for a while, and processes begin anew with other lists.
func (f *fleet) addServersEvents() {
	w := f.w
	if f.chance(70) && !f.plan.alone {
		var away [servers]sim.Fault
		w.Away = func(server int) sim.Fault { return away[server] }
		for range 1 + f.rng.IntN(2) {
			server, how := f.rng.IntN(f.plan.servers), []sim.Fault{sim.Refused, sim.Late, sim.Lost}[f.rng.IntN(3)]
			w.Events = append(w.Events,
				func() { w.Say("server %d is away: %d", server, how); away[server] = how; f.failures++ },
				func() { w.Say("server %d is back", server); away[server] = sim.Fine })
		}
	}
	if f.plan.alone {
		for q := range f.plan.processes {
			f.act("hits", q, 0, func(q *process, page int) {
				for range 6 {
					f.hit(q, page, true)
				}
			})
		}
	}
	if f.plan.lists {
		for range 1 + f.rng.IntN(4) {
			w.Events = append(w.Events, func() { f.restart(f.rng.IntN(len(f.procs))) })
		}
	}
}
