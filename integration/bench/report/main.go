// Report reads the output of the benchmarks and writes the page of their results:
//
//	go test -run '^$' -bench . -count 10 ./bench | go run ./bench/report >bench/RESULTS.md
//
// Of several runs of a benchmark the fastest counts: whatever else a machine does can only make one slower. Where one
// benchmark measures several ways in turns, the run counts whose ratio is the median.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
)

// result is the fastest run of one benchmark: its figures by unit.
type result map[string]float64

func main() {
	results, turns, machine, err := read()
	if err != nil {
		log.Fatal(err)
	}
	write(results, machine)
	writeStandards(turns)
	writeTurns(turns)
	writeInvalidation(turns)
	writeObserving(turns)
	writeStampede(results)
	writeCodecs(turns)
}

// read reads benchmark lines from standard input: the fastest run of each benchmark, and every run of those that measure in
// turns.
func read() (results map[string]result, turns map[string][]result, machine string, err error) {
	results, turns = make(map[string]result), make(map[string][]result)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if cpu, ok := strings.CutPrefix(lines.Text(), "cpu: "); ok {
			machine = cpu
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i] // the number of processors
			}
		}
		run := make(result)
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, nil, "", fmt.Errorf("%q: %w", lines.Text(), err)
			}
			run[fields[i+1]] = value
		}
		if _, ok := run[ours]; ok {
			turns[name] = append(turns[name], run)
		} else if best, ok := results[name]; !ok || run["ns/op"] < best["ns/op"] {
			results[name] = run
		}
	}
	return results, turns, machine, lines.Err()
}

// ours is the unit of what cachette does in turns with others.
const ours = "cachette/s"

// median returns the run whose ratio of ours to another's is the median.
func median(runs []result, other string) result {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b result) int { return cmp.Compare(a[ours]/a[other], b[ours]/b[other]) })
	return runs[len(runs)/2]
}

// writeTurns writes what was measured in turns, beside the stores' own clients.
func writeTurns(turns map[string][]result) {
	fmt.Print(`
## Stores

64 clients at a time, over loopback, on the servers of ` + "`make test`" + `; what is compared was done in turns of 4,000, back and
forth. The servers share the two cores. "raw" is the store's own client and its plain get of the same 1 KB, with as many
connections.

| Fetch | a second | raw | ratio |
| --- | ---: | ---: | ---: |
`)
	writeStores(turns, "Fetch/", 1)
	fmt.Print(`
100 values of 1 KB, by one goroutine: all by one FetchMany, and by a Fetch each. "ratio" is how many times as fast the first is. The
stand-in for MongoDB, FerretDB on SQLite, goes through all that it has for each reading.

| FetchMany | values a second | Fetch | ratio |
| --- | ---: | ---: | ---: |
`)
	writeStores(turns, "FetchMany/", 100)
	fmt.Print(`
A page of 1 KB from Redis, over sockets: a route with Cached, gin handlers that do one go-redis GET and answer what they get with
the same header fields, and the Redis store of github.com/chenyahui/gin-cache. A plain GET is a round trip of its own on one of
the client's connections; auto-pipelined ones of several requests go in one, as the cache's own commands do. "ratio" is what the
cached route serves to what the other serves.

| | requests a second | ratio |
| --- | ---: | ---: |
`)
	runs := turns["Route"]
	if len(runs) == 0 {
		return
	}
	fmt.Printf("| cachette | %.0f | |\n", median(runs, "handler-with-get/s")[ours])
	for _, other := range []string{"handler-with-get", "handler-with-auto-pipelined-get", "chenyahui-gin-cache"} {
		r := median(runs, other+"/s")
		fmt.Printf("| %s | %.0f | %.2f |\n", other, r[other+"/s"], r[ours]/r[other+"/s"])
	}
}

// writeStores writes the rows of a table of what was measured on each store, of operations that count for so many.
func writeStores(turns map[string][]result, benchmark string, each float64) {
	for _, store := range []string{"redis", "memcached", "mongodb", "dynamodb"} {
		if runs := turns[benchmark+store]; len(runs) > 0 {
			r := median(runs, "raw/s")
			fmt.Printf("| %s | %.0f | %.0f | %.2f |\n", store, each*r[ours], each*r["raw/s"], r[ours]/r["raw/s"])
		}
	}
}

// comparison is a table of what one thing costs in several ways.
type comparison struct {
	title, benchmark string
	base             string // what the others are compared with
	peers            []string
}

var comparisons = []comparison{
	{"A hit, one request after the other", "Hit/serial/", "bare-handler", []string{"cachette", "bare-handler", "chenyahui-gin-cache"}},
	{"A hit, on all processors at once", "Hit/parallel/", "bare-handler", []string{"cachette", "bare-handler", "chenyahui-gin-cache"}},
	{"A miss", "Miss/", "no-cache", []string{"cachette", "cachette-full", "no-cache", "chenyahui-gin-cache"}},
}

func write(results map[string]result, machine string) {
	fmt.Printf(`# Benchmarks

What `+"`make bench`"+` measured, the fastest of several runs each, on %s with two cores: the ratios count. All
answer the same 1 KB of JSON through a gin engine to a writer that does nothing. It counts as one of net/http's, as that of a
server does: a cache is more careful with writers of middleware, and slower. "bare-handler" is a handler that writes the very
header and body of a hit (Content-Type, Content-Length, ETag, Cache-Control, Date, Age, Cache-Status) with nothing in between;
"no-cache" is the handler that the caches stand in front of; "chenyahui-gin-cache" is the memory store of
github.com/chenyahui/gin-cache in front of the same handler, without a limit; "cachette-full" is a cache that has reached its
memory limit and evicts. A miss is looked up, captured and stored. "before" is an older commit, run in turns with this one, by
the same benchmarks where they build with it. The collector runs as seldom as in a service, whose heap is some tens of megabytes.
`, machine)
	for _, c := range comparisons {
		fmt.Printf("\n## %s\n\n| | ns | to %s | allocations | bytes |\n| --- | ---: | ---: | ---: | ---: |\n", c.title, c.base)
		base := results[c.benchmark+c.base]["ns/op"]
		row := func(name string, r result) {
			if r != nil {
				fmt.Printf("| %s | %.0f | %.2f | %.0f | %.0f |\n", name, r["ns/op"], r["ns/op"]/base, r["allocs/op"], r["B/op"])
			}
		}
		for _, peer := range c.peers {
			row(peer, results[c.benchmark+peer])
			row(peer+", before", results["Before/"+c.benchmark+peer])
		}
	}
	memory := results["Memory"]
	fmt.Printf(`
## Memory

%.0f distinct responses of 1 KB, ten times the limit of 64 MiB, were put through a cache: its heap then takes %.1f %% of the
limit (bodies, header fields, keys and all overhead).
`, memory["responses"], memory["heap-%-of-limit"])
}
