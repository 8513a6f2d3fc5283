package main

import "fmt"

// invalidation are the figures that tags and purges are held to.
var invalidation = []standard{
	{"a hit in memory with 8 tags: time to that without", "Tags/memory/8", timeRatio, "%.2f", "at most 1.10"},
	{"with 32", "Tags/memory/32", timeRatio, "%.2f", "at most 1.10"},
	{"a hit on Redis with 8 tags, to 64 clients: time to that without", "Tags/redis-sockets/8", timeRatio, "%.2f", "at most 1.10"},
	{"with 32", "Tags/redis-sockets/32", timeRatio, "%.2f", "at most 1.25"},
	{"the same with 8 tags, one request after the other, without sockets", "Tags/redis/8", timeRatio, "%.2f", "at most 1.10"},
	{"with 32", "Tags/redis/32", timeRatio, "%.2f", "at most 1.25"},
	{"Invalidate in memory, of a tag of 100,000 pages: time to that of 100", "Invalidate/memory", timeRatio, "%.2f", "at most 1.20"},
	{"on Redis", "Invalidate/redis", timeRatio, "%.2f", "at most 1.20"},
	{"hits in memory during purges of other tags, to those during purges elsewhere", "Purges/memory", speedTo("raw/s"), "%.2f", "at least 0.95"},
	{"to those during none", "Purges/memory", speedTo("quiet/s"), "%.2f", ""},
	{"purges a second", "Purges/memory", purgesASecond, "%.0f", "10,000"},
	{"hits on Redis during purges of other tags, to those during purges elsewhere", "Purges/redis", speedTo("raw/s"), "%.2f", "at least 0.95"},
	{"to those during none", "Purges/redis", speedTo("quiet/s"), "%.2f", ""},
	{"purges a second", "Purges/redis", purgesASecond, "%.0f", "10,000"},
	{"a value in memory that Remember finds: time to that of Fetch", "Remember/plain", timeRatio, "%.2f", "at most 1.10"},
	{"with 8 tags", "Remember/8_tags", timeRatio, "%.2f", "at most 1.10"},
	{"a hit near the process, in front of Redis: time to that in memory", "Near/page", timeRatio, "%.2f", "at most 1.05"},
	{"with 8 tags", "Near/8_tags", timeRatio, "%.2f", "at most 1.05"},
	{"a value near the process that Remember finds: time to that in memory", "Near/Remember", timeRatio, "%.2f", "at most 1.05"},
}

func purgesASecond(runs []result) float64 { return median(runs, "raw/s")["purges/s"] }

// writeInvalidation writes what tags cost hits, and purges those who are not concerned.
func writeInvalidation(turns map[string][]result) {
	fmt.Print(`
## Invalidation, and values that are remembered

Each figure is of turns, back and forth, in one run; "goal" is what it is held to. Pages have 1 KB of JSON, and those that are purged a few bytes
and 32 tags each. Every request of the page beside the purges was a hit, of 8 tags. Those are carried out by another cache of the page's service,
in memory by its own; "elsewhere" is as many by a cache of another store, or with other keys on the same server, which take the
same from the two processors that clients, caches and Redis share: what is left of their difference is what purges do to a page that they do not name.

| | now | goal |
| --- | ---: | ---: |
`)
	for _, s := range invalidation {
		fmt.Printf("| %s | %s | %s |\n", s.what, s.cell(turns[s.benchmark]), s.goal)
	}
}
