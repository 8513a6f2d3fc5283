package main

import "fmt"

// A standard is a figure that cachette is held to.
type standard struct {
	what, benchmark string
	figure          func(runs []result) float64
	format          string
	goal            string
}

var standards = []standard{
	{"a hit in memory, one request after the other: time to the handler's", "Handler/hit", timeRatio, "%.2f", "at most 1.05"},
	{"allocations of the hit", "Handler/hit", allocations, "%.1f", "at most 1"},
	{"a hit in memory, on all processors at once: time to the handler's", "Handler/hit-parallel", timeRatio, "%.2f", "at most 0.90"},
	{"a miss in memory, stored: µs that it adds to the handler", "Handler/miss", addedMicroseconds, "%.1f", "at most 3.5"},
	{"allocations that the miss adds", "Handler/miss", addedAllocations, "%.1f", "at most 14"},
	{"a hit in Redis: requests a second to those of a handler with a GET", "Route", speedTo("handler-with-get/s"), "%.2f", "at least 1.70"},
	{"the same to a handler with an auto-pipelined GET", "Route", speedTo("handler-with-auto-pipelined-get/s"), "%.2f", "at least 0.95"},
	{"a miss whose store takes 300 ms to write: time of the first byte to the handler's", "Handler/slow-write/first-byte", timeRatio, "%.2f", "1.00"},
	{"time of the last byte to the handler's", "Handler/slow-write/last-byte", timeRatio, "%.2f", "1.00"},
}

func timeRatio(runs []result) float64 {
	r := median(runs, "raw/s")
	return r["raw/s"] / r[ours]
}

func speedTo(other string) func(runs []result) float64 {
	return func(runs []result) float64 {
		r := median(runs, other)
		return r[ours] / r[other]
	}
}

func addedMicroseconds(runs []result) float64 {
	r := median(runs, "raw/s")
	return 1e6/r[ours] - 1e6/r["raw/s"]
}

func allocations(runs []result) float64 { return median(runs, "raw/s")["cachette-allocs"] }

func addedAllocations(runs []result) float64 {
	return allocations(runs) - median(runs, "raw/s")["raw-allocs"]
}

// writeStandards writes what routes do to their handlers, and what they should.
func writeStandards(turns map[string][]result) {
	fmt.Print(`
## Beside the handler

Each figure is of turns, back and forth, in one run; "goal" is what it is held to. In memory the handler is one of a service: a
route with a parameter, a request with a query, six header fields of which it sets five by c.Header, 1 KB of JSON. A hit is
compared with that very handler, and writes Date, Age and Cache-Status on top. Each miss is for another query. Hits in Redis are
those of the last table under Stores. The last two are of a client on a socket; their handler works for 10 ms.

| | now | before | goal |
| --- | ---: | ---: | ---: |
`)
	for _, s := range standards {
		fmt.Printf("| %s | %s | %s | %s |\n", s.what, s.cell(turns[s.benchmark]), s.cell(turns["Before/"+s.benchmark]), s.goal)
	}
}

// cell is the figure, or nothing where nothing was measured.
func (s standard) cell(runs []result) string {
	if len(runs) == 0 {
		return ""
	}
	return fmt.Sprintf(s.format, s.figure(runs))
}
