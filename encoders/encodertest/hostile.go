package encodertest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// garbage is data that few codecs could have written: noise, and for each common format a few bytes that promise
// gigabytes, or that nest deeper than a stack is high.
var garbage = [][]byte{
	nil,
	{0},
	{0xFF},
	[]byte(" "),
	[]byte("\xFF\xFE\xFD"),
	[]byte("None"),
	[]byte("null"),
	[]byte("[1,2"),
	[]byte(`{"a":`),
	[]byte(`"\ud800"`),
	[]byte("1e999999999"),
	[]byte("99999999999999999999999999999999"),
	[]byte(",,,\n\"\n"),
	bytes.Repeat([]byte{0}, 1000),
	bytes.Repeat([]byte{0xC1}, 1000),
	[]byte(strings.Repeat("9", 1000)),
	[]byte(strings.Repeat(",", 1000)),

	// MessagePack: strings, binaries, lists, maps and extensions of 4 GiB.
	{0xDB, 0xFF, 0xFF, 0xFF, 0xFF},
	{0xC6, 0xFF, 0xFF, 0xFF, 0xFF},
	{0xDD, 0xFF, 0xFF, 0xFF, 0xFF},
	{0xDF, 0xFF, 0xFF, 0xFF, 0xFF},
	{0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 1},
	{0xDD, 0x7F, 0xFF, 0xFF, 0xFF, 0xDD, 0x7F, 0xFF, 0xFF, 0xFF},

	// Pickle: texts, bytes and integers of terabytes, a memo far away, a stack that is empty.
	[]byte("\x80\x04\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F."),
	[]byte("\x80\x04\x8E\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F."),
	[]byte("\x80\x04\x8B\xFF\xFF\xFF\x7F."),
	[]byte("\x80\x04Kr\xFF\xFF\xFF\x7F."),
	[]byte("\x80\x04]q\x00h\x00a."),
	[]byte("\x80\x04\x85."),
	[]byte("cos\nsystem\n(S'true'\ntR."),

	// Arrow and Parquet: a magic number, and lengths that lead out of the data.
	[]byte("ARROW1\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7FARROW1"),
	[]byte("ARROW1\x00\x00\xFF\xFF\xFF\x7FARROW1"),
	[]byte("PAR1\xFF\xFF\xFF\x7FPAR1"),
	[]byte("PAR1\x15\x00\x04\x00\x00\x00PAR1"),

	// One value inside another, 100,000 deep.
	bytes.Repeat([]byte{'['}, 100_000),
	bytes.Repeat([]byte(`{"a":`), 100_000),
	bytes.Repeat([]byte{0x91}, 100_000),
	bytes.Repeat([]byte{0x81}, 100_000),
	bytes.Repeat([]byte{'('}, 100_000),
}

// plainTypes are destinations for which every codec has an answer, if only a refusal.
var plainTypes = []reflect.Type{
	reflect.TypeFor[any](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[int](),
	reflect.TypeFor[uint8](), reflect.TypeFor[float64](), reflect.TypeFor[bool](), reflect.TypeFor[*int](),
	reflect.TypeFor[[]any](), reflect.TypeFor[[]string](), reflect.TypeFor[[3]int](), reflect.TypeFor[map[string]any](),
	reflect.TypeFor[struct {
		A int
		B string
	}](),
}

// changes are what is done to a byte.
var changes = []byte{0x01, 0x80, 0x20, 0xFF}

// mutations are data cut short at each byte, and with each of its bytes changed in turn. Of long data, places at even
// distances are taken, and half of the changes at each, in turn.
func mutations(data []byte, places int) [][]byte {
	var all [][]byte
	step := max(1, len(data)/places)
	for i := 0; i < len(data); i += step {
		all = append(all, bytes.Clone(data[:i]))
		for k, change := range changes {
			if step > 1 && (i/step+k)%2 > 0 {
				continue
			}
			changed := bytes.Clone(data)
			changed[i] ^= change
			all = append(all, changed)
		}
	}
	return append(all, append(bytes.Clone(data), 0), append(bytes.Clone(data), data...))
}

// checkHostile: data that the codec did not write is no panic, and where it is an error the destination is unchanged.
func checkHostile(s Suite, report reporter) {
	types := append([]reflect.Type{}, plainTypes...)
	for _, c := range s.Cases {
		types = append(types, c.dstType())
	}
	for _, t := range types {
		s.feed(garbage, nil, t, report)
	}
	for _, c := range s.encodeAll() {
		changed := mutations(c.data, 256)
		s.feed(changed, c.data, c.dstType(), report)
		s.feed(changed, nil, reflect.TypeFor[any](), report)
	}
}

// feed decodes each of all into a value of type t, over what the last one that was no error has left there. What is an error is decoded
// once more, into what valid decodes to, so that a half-written change shows; where there is no valid, into a zero.
func (s Suite) feed(all [][]byte, valid []byte, t reflect.Type, report reporter) {
	fill := func() reflect.Value {
		dst := reflect.New(t)
		if valid != nil {
			_ = s.decode(valid, dst.Interface()) // an error is for the round trip to report
		}
		return dst
	}
	before, last, dst := fill().Elem().Interface(), fill(), fill()
	for _, data := range all {
		err := s.decode(bytes.Clone(data), last.Interface())
		if err == nil {
			continue
		}
		if again := s.decode(bytes.Clone(data), dst.Interface()); again != nil {
			err = again
		}
		if panicked := new(panicError); errors.As(err, &panicked) {
			report("Decode(%s) into a *%v: %v", excerpt(data), t, err)
		}
		if !equal(dst.Elem().Interface(), before) {
			report("Decode(%s) into a *%v gave an error (%v) and changed the value to %#v", excerpt(data), t, err, dst.Elem())
			dst = fill()
		}
	}
}

func excerpt(data []byte) string {
	if len(data) <= 100 {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%q… (%d bytes)", data[:100], len(data))
}

// checkConcurrency: many goroutines may use one encoder. Run it with -race.
func checkConcurrency(s Suite, report reporter) {
	all := s.encodeAll()
	var wait sync.WaitGroup
	var mutex sync.Mutex
	locked := func(format string, args ...any) {
		mutex.Lock()
		defer mutex.Unlock()
		report(format, args...)
	}
	start := make(chan struct{})
	for worker := range 8 {
		wait.Go(func() {
			<-start
			for round := range 8 {
				for i := range all {
					c := all[(i+worker+round)%len(all)]
					data, err := s.encode(c.Value)
					if err != nil || !bytes.Equal(data, c.data) {
						locked("%s: Encode beside others = %q, want %q (%v)", c.label, data, c.data, err)
						return
					}
					got, err := s.decodeNew(data, c.dstType())
					if err != nil || !equal(got, c.want()) {
						locked("%s: Decode beside others = %#v, want %#v (%v)", c.label, got, c.want(), err)
						return
					}
				}
			}
		})
	}
	close(start)
	wait.Wait()
}

// checkMemory: what Decode allocates is bounded by how much data there is, not by what the data says.
func checkMemory(s Suite, report reporter) {
	perByte, base := s.AllocPerByte, s.AllocBase
	if perByte == 0 {
		perByte = 256
	}
	if base == 0 {
		base = 64 << 10
	}
	try := func(data []byte, t reflect.Type) {
		bound := uint64(base + perByte*len(data))
		var used uint64
		// What other goroutines allocate is counted too; it is not there each time.
		for range 3 {
			if used = s.allocated(data, t); used <= bound {
				return
			}
		}
		report("Decode(%s) into a *%v allocated %d bytes, want at most %d", excerpt(data), t, used, bound)
	}

	types := append([]reflect.Type{}, plainTypes...)
	for _, c := range s.Cases {
		types = append(types, c.dstType())
	}
	for _, t := range types {
		for _, data := range garbage {
			try(data, t)
		}
	}
	for _, c := range s.encodeAll() {
		try(c.data, c.dstType())
		for _, data := range mutations(c.data, 32) {
			try(data, c.dstType())
		}
	}
}

// allocated measures how many bytes of memory one Decode asks for.
func (s Suite) allocated(data []byte, t reflect.Type) uint64 {
	data, dst := bytes.Clone(data), reflect.New(t).Interface()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = s.decode(data, dst)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
