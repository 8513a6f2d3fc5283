// Report reads the output of the benchmarks and writes the page of their results:
//
//	go test -run '^$' -bench . -count 10 ./bench | go run ./bench/report >bench/RESULTS.md
//
// Of several runs of a benchmark the fastest counts: whatever else a machine does can only make one slower.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
)

// result is the fastest run of one benchmark: its figures by unit.
type result map[string]float64

func main() {
	results, machine, err := read()
	if err != nil {
		log.Fatal(err)
	}
	write(results, machine)
}

// read reads benchmark lines from standard input.
func read() (results map[string]result, machine string, err error) {
	results = make(map[string]result)
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
				return nil, "", fmt.Errorf("%q: %w", lines.Text(), err)
			}
			run[fields[i+1]] = value
		}
		if best, ok := results[name]; !ok || run["ns/op"] < best["ns/op"] {
			results[name] = run
		}
	}
	return results, machine, lines.Err()
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

What `+"`make bench`"+` measured, the fastest of several runs each, on %s with two cores: the ratios count. All answer the same
1 KB of JSON through a gin engine to a writer that does nothing. "bare-handler" is a handler that writes the very header and
body of a hit (Content-Type, ETag, Cache-Control, Date, Age, Cache-Status) with nothing in between; "no-cache" is the
handler that the caches stand in front of; "chenyahui-gin-cache" is the memory store of github.com/chenyahui/gin-cache in
front of the same handler, without a limit; "cachette-full" is a cache that has reached its memory limit and evicts.
`, machine)
	for _, c := range comparisons {
		fmt.Printf("\n## %s\n\n| | ns | to %s | allocations | bytes |\n| --- | ---: | ---: | ---: | ---: |\n", c.title, c.base)
		base := results[c.benchmark+c.base]["ns/op"]
		for _, peer := range c.peers {
			r := results[c.benchmark+peer]
			fmt.Printf("| %s | %.0f | %.2f | %.0f | %.0f |\n", peer, r["ns/op"], r["ns/op"]/base, r["allocs/op"], r["B/op"])
		}
	}
	added := results["Miss/cachette"]["ns/op"] - results["Miss/no-cache"]["ns/op"]
	fmt.Printf("\nA miss adds %.1f µs to its handler: its response is looked up, captured and stored.\n", added/1000)
	memory := results["Memory"]
	fmt.Printf(`
## Memory

%.0f distinct responses of 1 KB, ten times the limit of 64 MiB, were put through a cache: its heap then takes %.1f %% of the
limit (bodies, header fields, keys and all overhead).
`, memory["responses"], memory["heap-%-of-limit"])
}
