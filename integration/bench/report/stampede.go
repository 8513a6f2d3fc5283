package main

import "fmt"

// writeStampede writes how long clients wait when a page that all ask for has ended.
func writeStampede(results map[string]result) {
	fmt.Print(`
## Stampedes

500 clients, each on a socket of its own, of one page in memory that is fresh for a second; they share the two processors with its server.
"waited" is how many requests no stored page has answered, "runs" how often the handler ran.

| | requests | median ms | longest ms | waited | runs |
| --- | ---: | ---: | ---: | ---: | ---: |
`)
	for _, row := range []struct{ what, benchmark string }{
		{"all ask at once behind its end, the handler hangs for 5 s, with patience of 100 ms", "Stampede/patience"},
		{"each asks ten times a second for 5 s, the handler works for 50 ms, with early refresh (beta 1)", "Stampede/early"},
		{"the same without", "Stampede/late"},
	} {
		if r := results[row.benchmark]; r != nil {
			fmt.Printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", row.what, r["requests"], r["median-ms"], r["longest-ms"], r["waited"], r["runs"])
		}
	}
}
