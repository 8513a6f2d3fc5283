// Package wiretest holds the format of stored responses against a library for msgpack. It is a package of its own, since
// a program that imports cachette alone would download what the tests of its packages import.
package wiretest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// cut parts a stored response into its magic number, its metadata and its body. Between the first two stands a checksum.
func cut(t *testing.T, data []byte) (magic, meta, body []byte) {
	t.Helper()
	const size, sum = 4, 4
	length, n := binary.Uvarint(data[size+sum:])
	if n <= 0 {
		t.Fatalf("no length in % x", data)
	}
	begin := size + sum + n
	end := begin + int(length)
	return data[:size], data[begin:end], data[end:]
}

// forms are how the library writes what it reads of data: integers in 9 bytes, and in as few as they need.
func forms(t *testing.T, data []byte) [][]byte {
	t.Helper()
	magic, meta, body := cut(t, data)
	decoder := msgpack.NewDecoder(bytes.NewReader(meta))
	decoder.UseLooseInterfaceDecoding(true) // integers as int64 and uint64
	values, err := decoder.DecodeSlice()
	if err != nil {
		t.Fatalf("a library does not read the metadata % x: %v", meta, err)
	}
	var all [][]byte
	for _, compact := range []bool{false, true} {
		var written bytes.Buffer
		encoder := msgpack.NewEncoder(&written)
		encoder.UseCompactInts(compact)
		if err := encoder.Encode(values); err != nil {
			t.Fatal(err)
		}
		rest := slices.Concat(binary.AppendUvarint(nil, uint64(written.Len())), written.Bytes(), body)
		sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)))
		all = append(all, slices.Concat(magic, sum, rest))
	}
	return all
}

// TestVariants: the library reads what is written, and what it writes of that is read: texts, lists and integers of each
// length that has a form of its own.
func TestVariants(t *testing.T) {
	var all []response.Variants
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		v := response.Variants{Key: strings.Repeat("x", n), Expires: time.Unix(0, 0)}
		if n > 0 {
			v.Fields = slices.Repeat([]string{"X-A"}, n)
		}
		all = append(all, v)
	}
	for _, n := range []int64{0, 1, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64,
		-1, -32, -33, -128, -129, -32768, -32769, math.MinInt32, math.MinInt32 - 1, math.MinInt64} {
		all = append(all, response.Variants{Key: "k", Fields: []string{"X-A", ""}, Expires: time.Unix(0, n)})
	}
	for i := range all {
		want := &all[i]
		for _, form := range forms(t, response.EncodeVariants(want)) {
			if _, got, err := response.Decode(form); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("variants %d in the form % .60x are read as %+v (%v), want %+v", i, form, got, err, want)
			}
		}
	}
}

// TestEntry does the same with an entry.
func TestEntry(t *testing.T) {
	entry := response.New(&response.Draft{Status: 200, Body: []byte("body\x00\xff"),
		Fields: []response.Field{{Name: "Content-Type", Values: []string{"text/plain"}}, {Name: "Vary", Values: []string{"X-A", ""}, Change: response.Append}},
		Meta: rfc9111.Metadata{ResponseTime: time.Unix(1767225600, 123456789), InitialAge: time.Second, Lifetime: time.Minute,
			NoCache: true, StaleIfError: -time.Hour, Vary: []string{"X-A", "X-B"}}})
	entry.Basis = purge.Basis{Place: "p", Marks: []purge.Mark{{Scope: purge.Scope{Kind: purge.Tag, Name: "t"}, Word: "w", Hard: "h"}}}
	entry.Key, entry.Start, entry.Whole = "cachette:~r:hq//example.com/päge?a=1\x00", 3, math.MaxInt64
	data := response.Encode(entry)
	for _, form := range forms(t, data) {
		got, _, err := response.Decode(form)
		if err != nil {
			t.Fatalf("% x: %v", form, err)
		}
		if again := response.Encode(got); !bytes.Equal(again, data) {
			t.Errorf("in the form % x it is read as\n% x, want\n% x", form, again, data)
		}
	}
}
