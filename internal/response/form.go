package response

import (
	"hash/crc32"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// The bodies that are coded: a smaller one takes one packet either way, and a larger one would keep a processor for too long.
const (
	leastCoded = 1 << 10 // bytes
	mostCoded  = 8 << 20
)

// Form is the content of entries in a content coding. It never changes.
type Form struct {
	Coding string // as Content-Encoding has it
	Body   []byte // nil where the coding makes the content hardly smaller, and it is served as it is
	length string // of the body
	suffix string // of the strong entity tags of entries that are served in this form
}

// suffixSum is how many digits of a checksum a suffix has.
const suffixSum = 8

// NewForm returns the form of a content of so many bytes that a coding has made.
func NewForm(coding string, body []byte, of int) *Form {
	if len(body) > of-of/8 {
		return &Form{Coding: coding}
	}
	// A strong tag is one of certain bytes (RFC 9110 §8.8.1): another release of a library may make others.
	sum := strconv.FormatUint(uint64(crc32.Checksum(body, castagnoli))|1<<32, 16)[1:]
	return &Form{Coding: coding, Body: body, length: strconv.Itoa(len(body)), suffix: "-" + coding + "-" + sum + `"`}
}

// Size returns what the form weighs in memory, in bytes, but for its key.
func (f *Form) Size() int {
	const overhead = 256
	return overhead + cap(f.Body)
}

// tagOf returns the entity tag of an entry in the form, which has one. A weak one is that of all forms (RFC 9110 §8.8.3.3).
func (f *Form) tagOf(tag string) string {
	if strings.HasPrefix(tag, `"`) && len(tag) > 1 {
		return tag[:len(tag)-1] + f.suffix
	}
	return tag
}

// heldTag returns the strong entity tag of the form, coded or not, in which a client has an entry that may be coded, by the lines of its If-None-Match.
func (e *Entry) heldTag(lines []string) (tag string, held bool) {
	own := e.validators.ETag
	if e.Content == "" || !strings.HasPrefix(own, `"`) || len(own) < 2 {
		return "", false
	}
	return rfc9111.HeldTag(lines, func(tag string) bool { return tag == own || isCoded(tag, own[:len(own)-1]) })
}

// isCoded tells whether an entity tag is one that a form gives an entry whose own begins so.
func isCoded(tag, begins string) bool {
	rest, ok := strings.CutPrefix(tag, begins+"-")
	coding, sum, _ := strings.Cut(rest, "-")
	return ok && coding != "" && len(sum) == suffixSum+len(`"`) && sum[suffixSum] == '"' &&
		strings.Trim(sum[:suffixSum], "0123456789abcdef") == ""
}

// codable tells whether the entry may be served in a coding: its content is of a type and size that become smaller, is in none yet, and nothing
// that is said of it is said of its bytes as they are.
func (e *Entry) codable() bool {
	if e.Bare || e.Whole > 0 || e.Status == http.StatusPartialContent || len(e.Body) < leastCoded || len(e.Body) > mostCoded {
		return false
	}
	shrinks := false
	for i := range e.Fields {
		f := &e.Fields[i]
		switch name := rfc9111.Canonical(f.Name); name {
		case "Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest", "Signature":
			if f.Change != Remove {
				return false
			}
		case "Cache-Control":
			if rfc9111.NoTransform(http.Header{name: f.Values}) {
				return false
			}
		case "Content-Type", "Content-Length", "Etag":
			if f.Name != name || f.Change == Append { // a handler can write to the header map as it likes
				return false
			}
			if name == "Content-Type" {
				shrinks = f.Change == Replace && len(f.Values) == 1 && compressible(f.Values[0])
			}
		}
	}
	return shrinks
}

// compressible tells whether content of a type becomes smaller as a rule.
func compressible(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	kind, subtype, _ := strings.Cut(media, "/")
	switch {
	case kind == "text":
		return subtype != "event-stream"
	case strings.HasSuffix(subtype, "+json"), strings.HasSuffix(subtype, "+xml"), strings.HasSuffix(subtype, "+yaml"):
		return true
	case kind == "application":
		switch subtype {
		case "json", "javascript", "x-javascript", "ecmascript", "xml", "yaml", "x-ndjson", "jsonl", "json-seq", "wasm", "rtf", "sql", "graphql",
			"vnd.ms-fontobject", "x-protobuf", "protobuf", "vnd.google.protobuf", "msgpack", "x-msgpack", "cbor", "geo+json":
			return true
		}
	case kind == "font":
		return subtype == "ttf" || subtype == "otf" || subtype == "collection"
	case kind == "image":
		return subtype == "bmp" || subtype == "x-icon" || subtype == "vnd.microsoft.icon"
	}
	return false
}

// EncodeForm returns a form of a content as bytes.
func EncodeForm(content string, f *Form) []byte {
	meta := make(writer, 0, 64)
	meta.array(formFields)
	meta.str(content)
	meta.str(f.Coding)
	return frame(magicForm, meta, f.Body)
}

// formFields is how many values the metadata of a form has.
const formFields = 2

// DecodeForm reads what EncodeForm wrote of a content of so many bytes and a coding; nil where it is another.
func DecodeForm(data []byte, content, coding string, of int) *Form {
	magic, meta, body, ok := unframe(data)
	if !ok || magic != magicForm {
		return nil
	}
	more := meta.tuple(formFields)
	same := meta.str() == content && meta.str() == coding
	meta.skip(more)
	if !same || !meta.complete() {
		return nil
	}
	return NewForm(coding, body, of)
}
