package response

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// The format of a response in a store of bytes, whatever codec values use: a magic number that ends in the version of the
// format, a checksum of all that follows (CRC-32C, big-endian), the length of the metadata as a uvarint, the metadata in msgpack
// (an array of what writer.entry writes, or EncodeVariants), and the body as it is. Times are nanoseconds since the epoch.
//
// Each array may become longer: what a program does not know at its end, it skips. So only what may be ignored is added there.
// Any other change takes a new version, and a version that a program does not know is a miss for it.
const (
	magicEntry    = "ccr\x05"
	magicVariants = "ccv\x04"
	magicForm     = "ccf\x01"
	magicDeclared = "ccd\x01"
	sumSize       = 4
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFormat says that bytes are no response that this version wrote.
var errFormat = errors.New("cachette: not a stored response")

// How many values the arrays have: the metadata, and what is in it.
const (
	entryFields    = 20
	lateFields     = 4 // that came later, and are left out where they are zero
	laterFields    = 1 // that came still later
	variantsFields = 4
	basisFields    = 2
	markFields     = 5
	fieldFields    = 3
)

// Encode returns an entry as bytes.
func Encode(e *Entry) []byte {
	return frame(magicEntry, metaOf(e), e.Body)
}

// EncodedSize returns how many bytes Encode makes of an entry.
func EncodedSize(e *Entry) int {
	meta := len(metaOf(e))
	return len(magicEntry) + sumSize + len(binary.AppendUvarint(nil, uint64(meta))) + meta + len(e.Body)
}

func metaOf(e *Entry) writer {
	meta := make(writer, 0, 512)
	meta.entry(e)
	return meta
}

// EncodeVariants returns variants as bytes.
func EncodeVariants(v *Variants) []byte {
	meta := make(writer, 0, 256)
	meta.array(variantsFields)
	meta.str(v.Key)
	meta.strs(v.Fields)
	meta.basis(&v.Basis)
	meta.integer(v.Expires.UnixNano())
	return frame(magicVariants, meta, nil)
}

func frame(magic string, meta, body []byte) []byte {
	const head = len(magicEntry) + sumSize
	b := make([]byte, head, head+binary.MaxVarintLen64+len(meta)+len(body))
	copy(b, magic)
	b = binary.AppendUvarint(b, uint64(len(meta)))
	b = append(b, meta...)
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[len(magic):], crc32.Checksum(b[head:], castagnoli))
	return b
}

// entry writes the metadata of an entry.
func (w *writer) entry(e *Entry) {
	later := e.Content != ""
	late := later || e.Meta.Patience > 0 || e.Meta.Early > 0 || e.Ends || e.Meta.Took > 0
	switch {
	case later:
		w.array(entryFields + lateFields + laterFields)
	case late:
		w.array(entryFields + lateFields)
	default:
		w.array(entryFields)
	}
	w.str(e.Key)
	w.integer(int64(e.Status))
	w.fields(e.Fields)
	w.boolean(e.Bare)
	w.boolean(e.Made)
	w.str(e.Variant)
	w.basis(&e.Basis)
	w.str(e.Asked)
	w.integer(e.Start)
	w.integer(e.Whole)
	w.integer(int64(len(e.Body))) // one that was cut off is none

	m := &e.Meta
	w.integer(m.ResponseTime.UnixNano())
	w.integer(int64(m.InitialAge))
	w.integer(int64(m.Lifetime))
	w.boolean(m.NoCache)
	w.boolean(m.MustRevalidate)
	w.boolean(m.Shareable)
	w.integer(int64(m.StaleWhileRevalidate))
	w.integer(int64(m.StaleIfError))
	w.strs(m.Vary)
	if late {
		w.integer(int64(m.Patience))
		w.integer(int64(m.Early))
		w.boolean(e.Ends)
		w.integer(m.Took.Microseconds()) // nanoseconds would take twice the bytes
	}
	if later {
		w.str(e.Content)
	}
}

// entry reads what writer.entry wrote, and the length of the body.
func (r *reader) entry() (e *Entry, length int64) {
	more := r.tuple(entryFields)
	e = &Entry{Key: r.str(), Status: int(r.integer()), Fields: r.fields(), Bare: r.boolean(), Made: r.boolean(),
		Variant: r.str(), Basis: r.basis(), Asked: r.str(), Start: r.integer(), Whole: r.integer()}
	length = r.integer()
	e.Meta = rfc9111.Metadata{ResponseTime: time.Unix(0, r.integer()), InitialAge: r.duration(), Lifetime: r.duration(),
		NoCache: r.boolean(), MustRevalidate: r.boolean(), Shareable: r.boolean(),
		StaleWhileRevalidate: r.duration(), StaleIfError: r.duration(), Vary: r.strs()}
	if more >= lateFields {
		e.Meta.Patience, e.Meta.Early, e.Ends = r.duration(), r.duration(), r.boolean()
		e.Meta.Took = time.Duration(r.integer()) * time.Microsecond
		more -= lateFields
	}
	if more >= laterFields {
		e.Content = r.str()
		more -= laterFields
	}
	r.skip(more)
	return e, length
}

// basis writes what an entry stands on in a store that several processes share.
func (w *writer) basis(b *purge.Basis) {
	w.array(basisFields)
	w.str(string(b.Place))
	w.array(len(b.Marks))
	for i := range b.Marks {
		m := &b.Marks[i]
		w.array(markFields)
		w.integer(int64(m.Scope.Kind))
		w.str(m.Scope.Host)
		w.str(m.Scope.Name)
		w.str(m.Word)
		w.str(m.Hard)
	}
}

func (r *reader) basis() (b purge.Basis) {
	more := r.tuple(basisFields)
	b.Place, b.Marks = purge.Position(r.str()), r.marks()
	r.skip(more)
	if r.broken {
		return purge.Basis{}
	}
	return b
}

func (r *reader) marks() []purge.Mark {
	n, _ := r.array()
	if n == 0 {
		return nil
	}
	const least = 6 // the bytes that a mark takes
	marks := make([]purge.Mark, 0, min(n, len(r.text)/least))
	for range n {
		more := r.tuple(markFields)
		scope := purge.Scope{Kind: purge.Kind(r.integer()), Host: r.str(), Name: r.str()}
		marks = append(marks, purge.Mark{Scope: scope, Word: r.str(), Hard: r.str()})
		r.skip(more)
		if r.broken {
			return nil
		}
	}
	return marks
}

func (w *writer) fields(fields []Field) {
	if fields == nil {
		*w = append(*w, wireNil)
		return
	}
	w.array(len(fields))
	for _, f := range fields {
		w.array(fieldFields)
		w.str(f.Name)
		w.strs(f.Values)
		w.integer(int64(f.Change))
	}
}

func (r *reader) fields() []Field {
	n, ok := r.array()
	if !ok {
		return nil
	}
	const least = 4 // the bytes that a field takes: as many fields as there may be, and no more, are made room for
	fields := make([]Field, 0, min(n, len(r.text)/least))
	for range n {
		more := r.tuple(fieldFields)
		fields = append(fields, Field{Name: r.str(), Values: r.strs(), Change: Change(r.integer())})
		r.skip(more)
		if r.broken {
			return nil
		}
	}
	return fields
}

// Sum returns the checksum that data has in it, which tells what Encode or EncodeVariants wrote apart as a rule; 0 where it is too short.
func Sum(data []byte) uint32 {
	const head = len(magicEntry) + sumSize
	if len(data) < head {
		return 0
	}
	return binary.BigEndian.Uint32(data[len(magicEntry):head])
}

// Decode reads what Encode or EncodeVariants wrote, and returns the one that it was. The entry keeps a reference to data.
func Decode(data []byte) (*Entry, *Variants, error) {
	magic, meta, body, ok := unframe(data)
	if !ok {
		return nil, nil, errFormat
	}
	switch magic {
	case magicEntry:
		e, length := meta.entry()
		if !meta.complete() || length != int64(len(body)) || e.Status < 200 || e.Status > 999 { // net/http panics on a status that is none
			return nil, nil, errFormat
		}
		e.Body = body
		e.prepare(true)
		return e, nil, nil
	case magicVariants:
		more := meta.tuple(variantsFields)
		v := &Variants{Key: meta.str(), Fields: meta.strs(), Basis: meta.basis(), Expires: time.Unix(0, meta.integer())}
		meta.skip(more)
		if !meta.complete() {
			return nil, nil, errFormat
		}
		return nil, v, nil
	}
	return nil, nil, errFormat
}

// unframe takes apart what frame has made. ok is false where it is not that.
func unframe(data []byte) (magic string, meta reader, body []byte, ok bool) {
	const head = len(magicEntry) + sumSize
	if len(data) < head {
		return "", meta, nil, false
	}
	magic, sum, rest := string(data[:len(magicEntry)]), data[len(magicEntry):head], data[head:]
	if magic != magicEntry && magic != magicVariants && magic != magicForm && magic != magicDeclared || binary.BigEndian.Uint32(sum) != crc32.Checksum(rest, castagnoli) {
		return "", meta, nil, false
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return "", meta, nil, false
	}
	return magic, reader{text: string(rest[n : n+int(size)])}, rest[n+int(size):], true
}

// complete tells whether all was what it was read as, and nothing is left.
func (r *reader) complete() bool { return !r.broken && r.text == "" }
