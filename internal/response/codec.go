package response

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// The format of a response in a store of bytes, whatever codec values use: a magic number that ends in the version of the
// format, the length of the metadata as a uvarint, the metadata in msgpack, and the body as it is. A version that a
// program does not know is a miss for it.
const (
	magicEntry    = "ccr\x01"
	magicVariants = "ccv\x01"
)

// errFormat says that bytes are no response that this version wrote.
var errFormat = errors.New("cachette: not a stored response")

// record is the metadata of an entry, written as an array of its fields in their order. Times are nanoseconds since the
// epoch.
type record struct {
	Key     string
	Status  int
	Fields  []Field
	Bare    bool
	Made    bool
	Variant string
	Mark    string
	Asked   string
	Start   int64
	Whole   int64
	Size    int // of the body: one that was cut off is none

	ResponseTime         int64
	InitialAge           time.Duration
	Lifetime             time.Duration
	NoCache              bool
	MustRevalidate       bool
	Shareable            bool
	StaleWhileRevalidate time.Duration
	StaleIfError         time.Duration
	Vary                 []string
}

// variantsRecord is the metadata of a Variants, written in the same way.
type variantsRecord struct {
	Key     string
	Fields  []string
	Mark    string
	Expires int64
}

// Encode returns an entry as bytes.
func Encode(e *Entry) []byte {
	m := &e.Meta
	return frame(magicEntry, &record{
		Key: e.Key, Status: e.Status, Fields: e.Fields, Bare: e.Bare, Made: e.Made, Variant: e.Variant, Mark: e.Mark,
		Asked: e.Asked, Start: e.Start, Whole: e.Whole, Size: len(e.Body),
		ResponseTime: m.ResponseTime.UnixNano(), InitialAge: m.InitialAge, Lifetime: m.Lifetime, NoCache: m.NoCache,
		MustRevalidate: m.MustRevalidate, Shareable: m.Shareable, StaleWhileRevalidate: m.StaleWhileRevalidate,
		StaleIfError: m.StaleIfError, Vary: m.Vary,
	}, e.Body)
}

// EncodeVariants returns variants as bytes.
func EncodeVariants(v *Variants) []byte {
	return frame(magicVariants, &variantsRecord{
		Key: v.Key, Fields: v.Fields, Mark: v.Mark, Expires: v.Expires.UnixNano(),
	}, nil)
}

func frame(magic string, meta any, body []byte) []byte {
	var buffer bytes.Buffer
	encoder := msgpack.NewEncoder(&buffer)
	encoder.UseArrayEncodedStructs(true)
	if err := encoder.Encode(meta); err != nil {
		panic(fmt.Sprintf("cachette: a response's metadata does not encode: %v", err)) // it holds plain data only
	}
	packed := buffer.Bytes()
	b := make([]byte, 0, len(magic)+binary.MaxVarintLen64+len(packed)+len(body))
	b = append(b, magic...)
	b = binary.AppendUvarint(b, uint64(len(packed)))
	b = append(b, packed...)
	return append(b, body...)
}

// Decode reads what Encode or EncodeVariants wrote, and returns the one that it was. The entry keeps a reference to data.
func Decode(data []byte) (*Entry, *Variants, error) {
	if len(data) < len(magicEntry) {
		return nil, nil, errFormat
	}
	magic, rest := string(data[:len(magicEntry)]), data[len(magicEntry):]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return nil, nil, errFormat
	}
	packed, body := rest[n:n+int(size)], rest[n+int(size):]
	switch magic {
	case magicEntry:
		var r record
		if err := unpack(packed, &r); err != nil {
			return nil, nil, err
		}
		if r.Size != len(body) || r.Status < 200 || r.Status > 999 { // net/http panics on a status that is none
			return nil, nil, errFormat
		}
		return r.entry(body), nil, nil
	case magicVariants:
		var r variantsRecord
		if err := unpack(packed, &r); err != nil {
			return nil, nil, err
		}
		return nil, &Variants{Key: r.Key, Fields: r.Fields, Mark: r.Mark, Expires: time.Unix(0, r.Expires)}, nil
	}
	return nil, nil, errFormat
}

// unpack reads metadata. Bytes that anybody may have written must not bring a program down.
func unpack(packed []byte, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errFormat
		}
	}()
	if err := msgpack.Unmarshal(packed, into); err != nil {
		return fmt.Errorf("%w: %w", errFormat, err)
	}
	return nil
}

func (r *record) entry(body []byte) *Entry {
	e := &Entry{
		Key: r.Key, Status: r.Status, Fields: r.Fields, Body: body, Bare: r.Bare, Made: r.Made, Variant: r.Variant,
		Mark: r.Mark, Asked: r.Asked, Start: r.Start, Whole: r.Whole,
		Meta: rfc9111.Metadata{
			ResponseTime: time.Unix(0, r.ResponseTime), InitialAge: r.InitialAge, Lifetime: r.Lifetime,
			NoCache: r.NoCache, MustRevalidate: r.MustRevalidate, Shareable: r.Shareable,
			StaleWhileRevalidate: r.StaleWhileRevalidate, StaleIfError: r.StaleIfError, Vary: r.Vary,
		},
	}
	e.prepare(true)
	return e
}
