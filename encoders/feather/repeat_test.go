package feather_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// repeat gives a file a footer that names its only batch n times, with so many bytes for each that nothing uses.
func repeat(data []byte, n, unused int) []byte {
	const tail, blockSize = 10, 24
	number := func(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }
	end := len(data) - tail
	start := end - number(data[end:])
	footer := bytes.Clone(data[start:end])
	table := number(footer)
	vtable := table - int(int32(number(footer[table:])))
	slot := table + int(binary.LittleEndian.Uint16(footer[vtable+4+2*3:]))
	blocks := slot + number(footer[slot:])
	block := footer[blocks+4 : blocks+4+blockSize]

	binary.LittleEndian.PutUint32(footer[slot:], uint32(len(footer)-slot))
	footer = append(binary.LittleEndian.AppendUint32(footer, uint32(n)), bytes.Repeat(block, n)...)
	data = append(bytes.Clone(data[:start]), make([]byte, n*unused)...)
	data = append(data, footer...)
	return append(binary.LittleEndian.AppendUint32(data, uint32(len(footer))), "ARROW1"...)
}

// TestOneBatchManyTimes: arrays are made of more bytes than there are, at little cost to the file's writer.
func TestOneBatchManyTimes(t *testing.T) {
	const many = 10_000
	ints := array.NewData(arrow.PrimitiveTypes.Int8, many, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, many))}, nil, 0, 0)
	none := array.NewData(arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int8}), 0, []*memory.Buffer{nil},
		[]arrow.ArrayData{array.NewData(arrow.PrimitiveTypes.Int8, 0, []*memory.Buffer{nil, memory.NewBufferBytes(nil)}, nil, 0, 0)}, 0, 0)
	codec := feather.New(feather.Options{})
	for name, column := range map[string]arrow.ArrayData{"buffers": ints, "fields": none} {
		data := encode(t, feather.None, rows(column))
		var table arrow.Table
		if err := codec.Take(repeat(data, 2, many), &table); err != nil || table.NumRows() != int64(2*column.Len()) {
			t.Errorf("%s: the batch twice: %v", name, err) // there are that many bytes
		}
		table = nil
		if err := codec.Take(repeat(data, 50, 0), &table); err == nil || table != nil {
			t.Errorf("%s: the batch fifty times: no error", name)
		}
	}
}

// TestLengthsThatAreLies: what a buffer becomes is believed only as far as its compression can make it.
func TestLengthsThatAreLies(t *testing.T) {
	const lie = 250 << 20
	ints := array.NewData(arrow.PrimitiveTypes.Int64, 100, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 800))}, nil, 0, 0)
	for name, test := range map[string]struct {
		compression feather.Compression
		magic       []byte
	}{"lz4": {feather.LZ4, []byte{0x04, 0x22}}, "zstd": {feather.ZSTD, []byte{0x28, 0xB5}}} {
		data := encode(t, test.compression, rows(ints))
		place := bytes.Index(data, append(binary.LittleEndian.AppendUint64(nil, 800), test.magic...))
		if place < 0 {
			t.Fatalf("%s: the buffer is not found", name)
		}
		binary.LittleEndian.PutUint64(data[place:], lie)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := feather.New(feather.Options{}).Decode(data, new(arrow.Table))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > lie/10 {
			t.Errorf("%s: %d bytes took %d bytes of memory (%v)", name, len(data), used, err)
		}
	}
}

// TestDictionaryOfManyBatches: a record joins batches, for which their dictionary is not compared with itself each time.
func TestDictionaryOfManyBatches(t *testing.T) {
	const values, batches = 1 << 15, 1 << 12
	words := array.NewData(arrow.BinaryTypes.String, values, []*memory.Buffer{nil,
		memory.NewBufferBytes(make([]byte, 4*(values+1))), memory.NewBufferBytes(nil)}, nil, 0, 0)
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	index := array.NewDataWithDictionary(typ, 1, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 8))}, 0, 0, words)
	codec := feather.New(feather.Options{Limit: values * batches / 4})

	var record arrow.Record
	if err := codec.Decode(repeat(encode(t, feather.LZ4, rows(index)), batches, 128), &record); err != nil || record.NumRows() != batches {
		t.Fatalf("a column: %v", err)
	}
	if got := record.Column(0).(*array.Dictionary); got.Len() != batches || got.Dictionary().Len() != values || got.ValueStr(batches-1) != "" {
		t.Errorf("it has %d rows, and %d values", got.Len(), got.Dictionary().Len())
	}

	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 1}))
	list := array.NewData(arrow.ListOf(typ), 1, []*memory.Buffer{nil, offsets}, []arrow.ArrayData{index}, 0, 0)
	record = nil
	err := codec.Decode(repeat(encode(t, feather.LZ4, rows(list)), batches, 256), &record)
	if limit := new(frame.LimitError); !errors.As(err, &limit) || record != nil {
		t.Errorf("lists: the error is %v", err) // the library compares them all
	}
}
