package encodertest

import (
	"bytes"
	"errors"
	"reflect"
	"runtime/metrics"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
)

// Fuzz feeds an encoder bytes that grow from those of seeds and from known garbage, and decodes them into the types of
// seeds and into plain ones. Decode must not panic, must not change the data, must not take memory far beyond it, and must
// leave the destination as it was when it returns an error. What it could decode it must be able to carry: encoded and
// decoded again, it is the same.
//
//	func FuzzDecode(f *testing.F) { encodertest.Fuzz(f, json.New(), "text", 5, map[string]any{"a": nil}) }
func Fuzz(f *testing.F, encoder encoders.Encoder, seeds ...any) {
	FuzzBounded(f, encoder, encoder, seeds...)
}

// FuzzBounded does what Fuzz does with an encoder whose Decode may use only so much memory. What comes close to that bound
// can be beyond it when it is encoded again: that is decoded by unbounded, the same encoder with more memory.
func FuzzBounded(f *testing.F, encoder, unbounded encoders.Encoder, seeds ...any) {
	suite, again := Suite{Encoder: encoder}, Suite{Encoder: unbounded}
	types := append([]reflect.Type{}, plainTypes...)
	for _, seed := range seeds {
		data, err := encoder.Encode(seed)
		if err != nil {
			f.Fatalf("seed %T: %v", seed, err)
		}
		f.Add(data)
		if seed != nil {
			types = append(types, reflect.TypeOf(seed))
		}
	}
	for _, data := range garbage {
		if len(data) <= 1000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range types {
			suite.fuzzOne(again, data, typ, t.Errorf)
		}
	})
}

// What decoding one input may allocate: far more than any codec should, for what other goroutines allocate is counted too.
const (
	fuzzAllocBase    = 64 << 20
	fuzzAllocPerByte = 4 << 10
)

// allocated is how many bytes the program has allocated. Unlike runtime.ReadMemStats it does not stop the program.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// fuzzOne tries one input on one type. What was decoded is encoded and decoded again by another suite.
func (s Suite) fuzzOne(other Suite, data []byte, typ reflect.Type, report reporter) {
	given := bytes.Clone(data)
	dst := reflect.New(typ)
	before := allocated()
	err := s.decode(given, dst.Interface())
	if took := allocated() - before; took > fuzzAllocBase+fuzzAllocPerByte*uint64(len(data)) {
		report("Decode(%q) into a *%v allocated %d bytes", data, typ, took)
	}
	if !bytes.Equal(given, data) {
		report("Decode(%q) into a *%v changed its data to %q", data, typ, given)
	}
	value := dst.Elem().Interface()
	if err != nil {
		if panicked := new(panicError); errors.As(err, &panicked) {
			report("Decode(%q) into a *%v: %v", data, typ, err)
		}
		if !equal(value, reflect.Zero(typ).Interface()) {
			report("Decode(%q) into a *%v gave an error (%v) and %#v", data, typ, err, value)
		}
		return
	}

	again, err := s.encode(value)
	if errors.Is(err, encoders.ErrUnsupportedType) {
		return // a codec may give back what it does not take: a nil pointer for a null
	}
	if err != nil {
		report("Decode(%q) gave %#v, which Encode cannot take: %v", data, value, err)
		return
	}
	if back, err := other.decodeNew(again, typ); err != nil || !equal(back, value) {
		report("Decode(%q) gave %#v; encoded as %q it came back as %#v (%v)", data, value, again, back, err)
	}
}
