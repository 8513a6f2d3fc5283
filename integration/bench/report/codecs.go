package main

import "fmt"

var codecs = []string{
	"vanilla", "vanilla-bytes", "json", "json-any", "json-text", "orjson", "orjson-any", "orjson-text",
	"msgpack", "msgpack-any", "msgpack-text", "pickle-any", "pickle-text",
	"csv", "feather", "feather-zstd", "feather-none", "parquet",
}

// writeCodecs writes how the codecs compare with the libraries that do the same.
func writeCodecs(turns map[string][]result) {
	fmt.Print(`
## Codecs

What a codec takes to what the bare library takes for the same, on one goroutine, in turns of a millisecond, back and forth; less
than 1 is faster. The name alone is structs, or for vanilla a string, -any is maps and slices, and an any to decode into, -text is
one long string. The libraries are a conversion, encoding/json, sonic, msgpack/v5, og-rek, arrow/csv, arrow/ipc and pqarrow.

| codec | encode 1 KB | decode 1 KB | encode 1 MB | decode 1 MB |
| --- | ---: | ---: | ---: | ---: |
`)
	for _, codec := range codecs {
		fmt.Printf("| %s |%s |\n", codec, cells(turns, "Codec/"+codec))
	}
	fmt.Print(`
orjson to json: how many times its speed.

| into | encode 1 KB | decode 1 KB | encode 1 MB | decode 1 MB |
| --- | ---: | ---: | ---: | ---: |
`)
	for _, shape := range []string{"structs", "any"} {
		fmt.Printf("| %s |%s |\n", shape, inverse(turns, "Orjson/"+shape))
	}
	fmt.Print(`
A fetch of a feather file of 1,000,000 rows and 8 columns from memory, beside arrow/ipc reading the same bytes.

| compression | ms | arrow/ipc | ratio |
| --- | ---: | ---: | ---: |
`)
	for _, compression := range []string{"none", "lz4", "zstd"} {
		if runs := turns["FeatherFetch/"+compression]; len(runs) > 0 {
			r := median(runs, "raw/s")
			fmt.Printf("| %s | %.1f | %.1f | %.2f |\n", compression, 1000/r[ours], 1000/r["raw/s"], r["raw/s"]/r[ours])
		}
	}
}

// cells are the ratios of time of a benchmark's sizes and directions.
func cells(turns map[string][]result, benchmark string) string {
	return row(turns, benchmark, func(r result) float64 { return r["raw/s"] / r[ours] })
}

// inverse are the ratios of speed.
func inverse(turns map[string][]result, benchmark string) string {
	return row(turns, benchmark, func(r result) float64 { return r[ours] / r["raw/s"] })
}

func row(turns map[string][]result, benchmark string, ratio func(result) float64) (cells string) {
	for _, size := range []string{"1KB", "1MB"} {
		for _, direction := range []string{"encode", "decode"} {
			runs := turns[benchmark+"/"+size+"/"+direction]
			if len(runs) == 0 {
				cells += " |"
				continue
			}
			cells += fmt.Sprintf(" %.2f |", ratio(median(runs, "raw/s")))
		}
	}
	return cells[:len(cells)-2]
}
