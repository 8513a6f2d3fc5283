package main

import "fmt"

// observing are the figures of what a cache costs that is watched, and of compression.
var observing = []standard{
	{"two that are the same: how far apart they are here", "Metrics/itself", timeRatio, "%.2f", ""},
	{"metrics/prometheus, scraped each 50,000 hits", "Metrics/prometheus", timeRatio, "%.2f", "at most 1.15"},
	{"metrics/otel as the observer", "Metrics/otel", timeRatio, "%.2f", "at most 1.15"},
	{"both, and audits", "Metrics/all", timeRatio, "%.2f", "at most 1.15"},
	{"the same in a recorded span of the service's, to the hit in such a span", "Metrics/all_in_a_span", timeRatio, "%.2f", "at most 1.15"},
	{"to the hit in such a span on which somebody else sets two attributes", "Metrics/all_in_a_span_beside_its_attributes", timeRatio, "%.2f", ""},
	{"two attributes alone, to the hit in such a span", "Metrics/attributes_of_a_span", timeRatio, "%.2f", ""},
	{"a hit in such a span, to one in none: what the tracer costs", "Metrics/a_span", timeRatio, "%.2f", ""},
	{"hits that are not audited, of a cache that audits some", "Audit/short", timeRatio, "%.2f", "1.00"},
	{"the same behind a handler", "Audit/behind_a_handler", timeRatio, "%.2f", "1.00"},
	{"a hit of 100 KB as gzip: time to that as it is", "Compression/as_it_is/gzip", timeRatio, "%.2f", "at most 1.10"},
	{"as zstd", "Compression/as_it_is/zstd", timeRatio, "%.2f", "at most 1.10"},
	{"as br", "Compression/as_it_is/br", timeRatio, "%.2f", "at most 1.10"},
	{"a hit of 100 KB as gzip: how many times as fast as one that gin-contrib/gzip compresses outside", "Compression/gzip_outside/gzip", speedTo("raw/s"), "%.0f", "at least 500"},
	{"as zstd", "Compression/gzip_outside/zstd", speedTo("raw/s"), "%.0f", "at least 500"},
	{"as br", "Compression/gzip_outside/br", speedTo("raw/s"), "%.0f", "at least 500"},
}

// writeObserving writes what it costs hits that somebody watches.
func writeObserving(turns map[string][]result) {
	fmt.Print(`
## Watched, and compressed

What a hit in memory takes to the same one that is not watched, in turns, back and forth, in one run; "goal" is what it is held to. The spans are of the SDK, all of them
recorded, and exported into memory.

| | now | goal |
| --- | ---: | ---: |
`)
	for _, s := range observing {
		fmt.Printf("| %s | %s | %s |\n", s.what, s.cell(turns[s.benchmark]), s.goal)
	}
}
