package figures

import "github.com/gin-cachette/cachette"

var ofRequests = []Figure{
	{"requests", Counter, "", []string{"route", "outcome"}, "Requests by what became of them.",
		byRoute(func(route string, r *cachette.RouteStats, each func(Sample)) {
			for outcome, n := range r.All() {
				each(Sample{Labels: []string{route, outcome}, Value: float64(n)})
			}
		})},
	{"refused", Counter, "", []string{"route", "reason"}, "Responses that were not stored, by why, in the words of Cache-Status.",
		byReason(func(r *cachette.RouteStats) map[string]uint64 { return r.Refused })},
	{"bypassed", Counter, "", []string{"route", "reason"}, "Requests for which nothing was looked up, by why, in the words of Cache-Status.",
		byReason(func(r *cachette.RouteStats) map[string]uint64 { return r.Bypasses })},
	{"fill.duration", Histogram, "s", []string{"route"}, "How long handlers ran to make what might be stored.",
		byRoute(func(route string, r *cachette.RouteStats, each func(Sample)) {
			each(Sample{Labels: []string{route}, Durations: r.Fills})
		})},
	{"refreshes", Counter, "", []string{"route"}, "Runs of handlers in the background.",
		byRoute(func(route string, r *cachette.RouteStats, each func(Sample)) {
			each(Sample{Labels: []string{route}, Value: float64(r.Refreshes)})
		})},
	{"saved", Counter, "s", []string{"route"}, "What handlers had taken to make what was served in place of running them.",
		byRoute(func(route string, r *cachette.RouteStats, each func(Sample)) {
			each(Sample{Labels: []string{route}, Value: r.Saved.Seconds()})
		})},
	{"near.hits", Counter, "", nil, "Requests that near copies answered; they are among the requests of their routes.",
		plain(func(s *cachette.Stats) uint64 { return s.NearHits })},
}

var ofResponses = []Figure{
	{"stored", Counter, "", nil, "Responses that the store has taken.", plain(func(s *cachette.Stats) uint64 { return s.Stored })},
	{"too_large", Counter, "", nil, "Responses that were not stored because they are too large.",
		plain(func(s *cachette.Stats) uint64 { return s.TooLarge })},
	{"dropped", Counter, "", nil, "Responses that were not stored because the store failed, or did not take them as fast as they came.",
		plain(func(s *cachette.Stats) uint64 { return s.Dropped })},
	{"untagged", Counter, "", nil, "Responses and values that were not stored because their tags could not be kept.",
		plain(func(s *cachette.Stats) uint64 { return s.Untagged })},
	{"uncaptured", Counter, "", nil, "Responses that were not stored because too much was being captured.",
		plain(func(s *cachette.Stats) uint64 { return s.Uncaptured })},
	{"cut_off", Counter, "", nil, "Clients that were cut off because they did not read what they had asked for.",
		plain(func(s *cachette.Stats) uint64 { return s.CutOff })},
	{"waiting", Level, "", nil, "Writes of responses that wait for the store.", plain(func(s *cachette.Stats) int64 { return s.Waiting })},
	{"waiting.size", Level, "By", nil, "What writes that wait for the store take in memory.",
		plain(func(s *cachette.Stats) int64 { return s.WaitingBytes })},
	{"owed", Level, "", nil, "Purges and removals that the store has not taken yet.", plain(func(s *cachette.Stats) int { return s.Owed })},
}

var ofCodings = []Figure{
	{"coded.made", Counter, "", []string{"coding"}, "Forms of responses in content codings that were made in this process.",
		byCoding(func(c cachette.CodingStats) uint64 { return c.Made })},
	{"coded.content", Counter, "By", []string{"coding"}, "What they were made of.", byCoding(func(c cachette.CodingStats) uint64 { return c.Content })},
	{"coded.size", Counter, "By", []string{"coding"}, "What they became.", byCoding(func(c cachette.CodingStats) uint64 { return c.Bytes })},
	{"coded.found", Counter, "", []string{"coding"}, "Forms that were found in the store, where another process had made them.",
		byCoding(func(c cachette.CodingStats) uint64 { return c.Found })},
	{"coded.served", Counter, "", []string{"coding"}, "Requests that were answered in a coding; they are among the requests of their routes.",
		byCoding(func(c cachette.CodingStats) uint64 { return c.Served })},
}

var ofStore = []Figure{
	{"store.operations", Counter, "", []string{"operation", "result"}, "Operations on the store, by how they ended.",
		byOperation(func(kind string, o *cachette.OperationStats, each func(Sample)) {
			for result, n := range o.All() {
				each(Sample{Labels: []string{kind, result}, Value: float64(n)})
			}
		})},
	{"store.operation.duration", Histogram, "s", []string{"operation"}, "How long operations on the store took; none in memory.",
		byOperation(func(kind string, o *cachette.OperationStats, each func(Sample)) {
			each(Sample{Labels: []string{kind}, Durations: o.Took})
		})},
	{"store.transferred", Counter, "By", []string{"operation"}, "Bytes of the values that were read from the store or written to it.",
		byOperation(func(kind string, o *cachette.OperationStats, each func(Sample)) {
			each(Sample{Labels: []string{kind}, Value: float64(o.Bytes)})
		})},
	{"store.failures", Counter, "", nil, "Reads, writes and removals that the store failed, or did not carry out in time.",
		plain(func(s *cachette.Stats) uint64 { return s.StoreFailures })},
	{"store.state", State, "", []string{"operation"}, "Whether operations go to the store (0), one tries it (1), or they are refused (2), since it has been failing.",
		func(s *cachette.Stats, each func(Sample)) {
			for operation, o := range map[string]*cachette.OperationStats{"read": &s.Store.Reads, "write": &s.Store.Writes, "removal": &s.Store.Removals} {
				each(Sample{Labels: []string{operation}, Value: state(o.State)})
			}
		}},
	{"store.server.state", State, "", []string{"operation", "server"}, "The state of each server, where the store has several, as of store.state.",
		func(s *cachette.Stats, each func(Sample)) {
			for server, states := range fewServers(s.Store.Servers) {
				for operation, is := range map[string]float64{"read": state(states.Reads), "write": state(states.Writes), "removal": state(states.Removals)} {
					each(Sample{Labels: []string{operation, server}, Value: is})
				}
			}
		}},
}

var ofMemory = []Figure{
	{"memory.entries", Level, "", []string{"tier"}, "Entries that are held in this process.",
		byTier(func(m cachette.MemoryStats) float64 { return float64(m.Entries) })},
	{"memory.used", Level, "By", []string{"tier"}, "What they take.", byTier(func(m cachette.MemoryStats) float64 { return float64(m.Bytes) })},
	{"memory.limit", Level, "By", []string{"tier"}, "What they may take.", byTier(func(m cachette.MemoryStats) float64 { return float64(m.Limit) })},
	{"memory.evictions", Counter, "", []string{"tier"}, "Entries that were removed to make room for others.",
		byTier(func(m cachette.MemoryStats) float64 { return float64(m.Evictions) })},
}

// state returns the number of a state: the larger, the worse.
func state(name string) float64 {
	switch name {
	case "open":
		return 2
	case "trying":
		return 1
	}
	return 0
}
