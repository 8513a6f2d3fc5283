package parquet

import (
	"cmp"
	"fmt"
)

// start is where the library begins to read a chunk.
func (c chunk) start() int64 {
	if c.dictionary > 0 && c.data > c.dictionary {
		return c.dictionary
	}
	return c.data
}

// checkPages checks all pages of a chunk.
func (f *file) checkPages(c chunk) error {
	if name, known := codecNames[c.codec]; name != "" || !known {
		return fmt.Errorf("column %.100q is compressed by %s, which the codec does not read: write it with snappy, gzip, brotli, zstd or none",
			c.column, cmp.Or(name, fmt.Sprint("a method of number ", c.codec)))
	}
	named := int64(-1) // how many values the dictionary has
	return f.pages(c, func(p page, packed []byte) error {
		if p.kind == pageDictionary && named >= 0 {
			return errDamaged // the library goes on with the first
		}
		data, err := f.page(p, c, packed)
		if err != nil {
			return err
		}
		if p.kind == pageDictionary {
			named = p.values
		}
		switch {
		case p.hasIndexes():
			return p.checkIndexes(data, c.levels, named)
		case p.hasDeltas():
			return f.checkDeltas(p, data, c.levels)
		}
		return nil
	})
}

// perValue is what the library takes for a value in a page of a kind, about.
func (c chunk) perValue(kind int64) int64 {
	switch {
	case kind == pageDictionary && c.kind == valuesText:
		return perText
	case c.kind == valuesFixed:
		return perFixed
	case kind == pageDictionary:
		return perNamed
	}
	return perValue
}

// pages walks over the pages of a chunk.
func (f *file) pages(c chunk, each func(p page, packed []byte) error) error {
	start, size := c.start(), int64(len(f.data))
	if start < 0 || start > size || c.size < 0 || c.size > size-start || c.values < 0 {
		return errDamaged
	}
	f.mem.Take(2 * (c.size + maxPadding)) // the library reads all of it, and buffers what it reads
	rest := f.data[start : start+c.size]
	for values := int64(0); values < c.values; {
		p, size := readPage(rest)
		rest = rest[size:]
		if p.compressed < 0 || p.compressed > int64(len(rest)) || p.size < 0 {
			return errDamaged
		}
		if err := each(p, rest[:p.compressed]); err != nil {
			return err
		}
		rest = rest[p.compressed:]
		if p.kind != pageDictionary {
			values += p.values
		}
	}
	return nil
}

// The kinds of pages.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// A page is what the header of a page says.
type page struct {
	kind, size, compressed, values, encoding int64

	levels int64 // of a data page V2: the bytes that are never compressed
	packed bool

	definition, repetition int64 // of a data page V1: the encodings of its levels
}

// readPage reads the header of a page. Each field that the format requires must be there: where the library misses one,
// it takes ever more data for the header, up to megabytes.
func readPage(data []byte) (p page, size int) {
	t := &thrift{data: data}
	p.kind, p.packed = -1, true
	required, headers := 0, 0
	t.fields(func(id int, kind byte) bool {
		if id <= 3 && kind == kindI32 {
			required++
			return t.number(kind, kindI32, []*int64{&p.kind, &p.size, &p.compressed}[id-1])
		}
		if kind != kindStruct {
			return false
		}
		switch {
		case id == 5 && p.kind == pageData:
			headers++
			p.header(t, 4, 2)
		case id == 7 && p.kind == pageDictionary:
			headers++
			p.header(t, 2, 2)
		case id == 8 && p.kind == pageDataV2:
			headers++
			p.header(t, 6, 4)
		default:
			return false
		}
		return true
	})
	if required != 3 || headers != 1 {
		panic(errDamaged) // also a kind of page that is not known
	}
	return p, t.pos
}

// header reads what a page's header has for its kind: so many integers that are required, one of them the encoding.
func (p *page) header(t *thrift, integers, encoding int) {
	required := 0
	t.fields(func(id int, kind byte) bool {
		if id <= integers && kind == kindI32 {
			var n int64
			required++
			t.number(kind, kindI32, &n)
			switch {
			case id == 1:
				p.values = n
			case id == encoding:
				p.encoding = n
			case p.kind == pageData && id == 3:
				p.definition = n
			case p.kind == pageData && id == 4:
				p.repetition = n
			case p.kind == pageDataV2 && id >= 5:
				if n < 0 {
					panic(errDamaged)
				}
				p.levels += n
			}
			return true
		}
		if p.kind == pageDataV2 && id == 7 {
			p.packed = kind != kindFalse
		}
		return false
	})
	if required != integers {
		panic(errDamaged)
	}
}

// The encodings that are read.
const (
	encodingPlain           = 0
	encodingPlainDictionary = 2 // the old name of the other one
	encodingRLE             = 3
	encodingBitPacked       = 4 // of levels only
	encodingDelta           = 5
	encodingDeltaLength     = 6
	encodingRLEDictionary   = 8
)

// encodingNames are those of the others. What has prefixes of the value before can be far longer than its page, and the library
// does not know the other one.
var encodingNames = map[int64]string{7: "DELTA_BYTE_ARRAY", 9: "BYTE_STREAM_SPLIT"}

// page checks what a page says of itself, and returns the bytes of one that has indexes or differences, without the levels that are
// never compressed. They are valid until the next page is checked.
func (f *file) page(p page, c chunk, packed []byte) (data []byte, err error) {
	if p.values < 0 || p.levels > p.size || p.levels > p.compressed {
		return nil, errDamaged
	}
	switch p.encoding {
	case encodingPlain, encodingPlainDictionary, encodingRLE, encodingDelta, encodingDeltaLength, encodingRLEDictionary:
	default:
		return nil, fmt.Errorf("column %.100q has the encoding %s, which the codec does not read: write it as plain or with a dictionary, in DuckDB with parquet_version v1",
			c.column, cmp.Or(encodingNames[p.encoding], fmt.Sprint("of number ", p.encoding)))
	}
	// Each value of a dictionary takes a byte at least. Other pages may say one value a million times.
	if p.kind == pageDictionary && p.values > p.size {
		return nil, errDamaged
	}
	f.mem.Take(p.values*c.perValue(p.kind) + p.size)
	codec := c.codec
	if !p.packed {
		codec = codecNone
	}
	if p.kind == pageDataV2 && p.size == p.levels && p.compressed == p.levels && codec != codecNone && codec != codecZSTD {
		return nil, fmt.Errorf("column %.100q has a page of version 2 without values that is compressed, at which the Arrow library fails: write pages of version 1, or with zstd", c.column)
	}
	return f.unpack(codec, packed[p.levels:], p.size-p.levels, p.hasIndexes() || p.hasDeltas())
}

func (p page) hasIndexes() bool {
	return p.kind != pageDictionary && (p.encoding == encodingPlainDictionary || p.encoding == encodingRLEDictionary)
}

func (p page) hasDeltas() bool {
	return p.encoding == encodingDelta || p.encoding == encodingDeltaLength
}
