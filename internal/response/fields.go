package response

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Field is one header field of a stored response, as a change to the header that it is replayed onto: what
// middleware outside of the cache has set for this request is there already.
type Field struct {
	Name   string // canonical
	Values []string
	Change Change
}

// Change is what replaying a field does.
type Change uint8

// What replaying a field does.
const (
	Replace Change = iota // the values stand instead of what is there
	Append                // the values follow what is there
	Remove                // what is there goes
	Default               // the values stand where nothing is there
)

// Baseline is a header as it was when the cache began: what middleware outside of it had set.
type Baseline map[string]before

// before is one field of a baseline: its values, and the very slice that held them.
type before struct {
	values []string
	held   []string
}

// TakeBaseline copies a header.
func TakeBaseline(h http.Header) Baseline {
	if len(h) == 0 {
		return nil
	}
	b := make(Baseline, len(h))
	for name, values := range h {
		b[name] = before{slices.Clone(values), values}
	}
	return b
}

// Restore brings a header back to the baseline.
func (b Baseline) Restore(h http.Header) {
	clear(h)
	for name, was := range b {
		h[name] = slices.Clone(was.values)
	}
}

// untouched tells whether values are those of the baseline, in the slice that held them then. A handler that sets a
// field to what it is already has set it all the same: middleware outside may do otherwise the next time.
func (w before) untouched(values []string) bool {
	return slices.Equal(w.values, values) && (len(values) == 0 || &w.held[0] == &values[0])
}

// Changes returns how a header differs from the baseline; the values are copies. A field whose
// values were added to is an Append of what was added.
func (b Baseline) Changes(h http.Header) []Field {
	fields, copies := roomFor(len(h))
	for name, values := range h {
		change := Replace
		if was, ok := b[name]; ok {
			if was.untouched(values) {
				continue
			}
			if n := len(was.values); n > 0 && len(values) > n && slices.Equal(was.values, values[:n]) {
				change, values = Append, values[n:]
			}
		}
		start := len(copies)
		copies = append(copies, values...)
		fields = append(fields, Field{Name: name, Values: copies[start:len(copies):len(copies)], Change: change})
	}
	for name := range b {
		if _, still := h[name]; !still {
			fields = append(fields, Field{Name: name, Change: Remove})
		}
	}
	return fields
}

// few is room for the fields of most responses, and a Date and an ETag.
type few struct {
	fields [6]Field
	copies [4]string
}

// roomFor returns room for so many fields of one value each, and for two fields more.
func roomFor(n int) ([]Field, []string) {
	if n > len(few{}.copies) {
		return make([]Field, 0, n+2), make([]string, 0, n)
	}
	room := new(few)
	return room.fields[:0], room.copies[:0]
}

// governing are the fields by which middleware outside of the cache, too, says whether a response may be stored, and
// what it depends on: a handler that finds its own Vary there already need not say it again. A type shows a stream.
var governing = []string{"Cache-Control", "Cdn-Cache-Control", "Content-Type", "Expires", "Vary"}

// governs tells whether a field is one of them.
func governs(name string) bool { return slices.Contains(governing, name) }

// Governing returns copies of the fields of a header that govern whether a response is stored, also when they are set outside.
func Governing(h http.Header) http.Header {
	fields := make(http.Header)
	for name, values := range h {
		if name = rfc9111.Canonical(name); governs(name) {
			fields[name] = append(fields[name], values...)
		}
	}
	return fields
}

// canonical tells whether all names are: a handler can write to the header map as it likes.
func canonical(fields []Field) bool {
	for i := range fields {
		if rfc9111.Canonical(fields[i].Name) != fields[i].Name {
			return false
		}
	}
	return true
}

// Header returns the header by which to decide on storing: the fields that the handler set, and those of the baseline
// that govern caching, all by their canonical names.
func (b Baseline) Header(fields []Field) http.Header {
	h := make(http.Header, len(fields)+1)
	for name, was := range b {
		if name = rfc9111.Canonical(name); governs(name) {
			h[name] = append(h[name], was.values...)
		}
	}
	for _, f := range fields { // what is gone, and what is replaced, first: a name can be there in two spellings
		if f.Change != Append {
			delete(h, rfc9111.Canonical(f.Name))
		}
	}
	for _, f := range fields {
		if f.Change != Remove {
			name := rfc9111.Canonical(f.Name)
			h[name] = append(slices.Clip(h[name]), f.Values...)
		}
	}
	return h
}

// lacking returns the values of a field that a header is to get. What varies by a request field says so once, whoever else has named the field.
func (f *Field) lacking(h http.Header) []string {
	if f.Name != "Vary" || len(h["Vary"]) == 0 {
		return f.Values
	}
	named, _ := rfc9111.VaryFields(h)
	return slices.DeleteFunc(slices.Clone(f.Values), func(name string) bool { return slices.Contains(named, name) })
}

// apply replays fields onto a header. Copies of the values go after those in array, which is returned: the header holds parts
// of it, and nothing of the fields themselves, so that what middleware does to them concerns no other request.
func apply(fields []Field, h http.Header, array []string) []string {
	for i := range fields {
		f := &fields[i]
		switch f.Change {
		case Append:
			h[f.Name] = append(slices.Clip(h[f.Name]), f.lacking(h)...)
			continue
		case Remove:
			delete(h, f.Name)
			continue
		case Default:
			if _, there := h[f.Name]; there {
				continue
			}
		}
		begin := len(array)
		array = append(array, f.Values...)
		h[f.Name] = array[begin:len(array):len(array)]
	}
	return array
}

// surveyed is what there is to know of fields, found in one pass.
type surveyed struct {
	date, etag, modified *Field // nil where there is none
	values               int    // of all fields
	plain                bool   // replaying them onto an empty header comes to setting each of them
}

func survey(fields []Field) (s surveyed) {
	s.plain = true
	for i := range fields {
		f := &fields[i]
		s.values += len(f.Values)
		s.plain = s.plain && (f.Change == Replace || f.Change == Default)
		switch f.Name {
		case "Date":
			s.date = f
		case "Etag":
			s.etag = f
		case "Last-Modified":
			s.modified = f
		case "Cache-Status":
			s.plain = false
		}
	}
	return s
}

// there tells whether a field has values to replay.
func (f *Field) there() bool { return f != nil && f.Change != Remove }

// lines returns these values.
func (f *Field) lines() []string {
	if !f.there() {
		return nil
	}
	return f.Values
}

// set does what apply does with plain fields and an empty header.
func set(fields []Field, h http.Header, array []string) []string {
	for i := range fields {
		f, begin := &fields[i], len(array)
		if len(f.Values) == 1 { // as most have: a copy of several is a call
			h[f.Name] = hold(&array, f.Values[0])
			continue
		}
		array = append(array, f.Values...)
		h[f.Name] = array[begin:len(array):len(array)]
	}
	return array
}

// Keep returns the fields that may be stored of a response with the given header: all but those of the connection, those
// named in omit, and Age, which every replay has of its own. It reuses fields.
func Keep(fields []Field, header http.Header, omit []string) []Field {
	unstored := rfc9111.Unstored(header, omit)
	kept := fields[:0]
	for _, f := range fields {
		if !unstored(f.Name) && !isAge(f.Name) {
			kept = append(kept, f)
		}
	}
	return kept
}

func isAge(name string) bool { return len(name) == len("Age") && strings.EqualFold(name, "Age") }

// index returns where fields have a name, or -1. They are few.
func index(fields []Field, name string) int {
	for i := range fields {
		if fields[i].Name == name {
			return i
		}
	}
	return -1
}

// lookup returns the values that fields give a name, and whether they do.
func lookup(fields []Field, name string) ([]string, bool) {
	i := index(fields, name)
	if i < 0 || fields[i].Change == Remove {
		return nil, false
	}
	return fields[i].Values, true
}

// put replaces or adds a field.
func put(fields []Field, f Field) []Field {
	if i := index(fields, f.Name); i >= 0 {
		fields[i] = f
		return fields
	}
	return append(fields, f)
}
