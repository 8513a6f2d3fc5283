package response

import "time"

// Declared says what a response for a path has declared last of the queries that it answers (No-Vary-Search).
type Declared struct {
	Key     string
	Search  string // the value of the field
	Expires time.Time
}

const declaredFields = 3

// Size returns what it weighs in memory, in bytes, but for its key.
func (d *Declared) Size() int { return entryOverhead/4 + len(d.Search) }

// EncodeDeclared returns it as bytes.
func EncodeDeclared(d *Declared) []byte {
	meta := make(writer, 0, 256)
	meta.array(declaredFields)
	meta.str(d.Key)
	meta.str(d.Search)
	meta.integer(d.Expires.UnixNano())
	return frame(magicDeclared, meta, nil)
}

// DecodeDeclared reads what EncodeDeclared wrote under key; nil where it is anything else.
func DecodeDeclared(key string, data []byte) *Declared {
	magic, meta, _, ok := unframe(data)
	if !ok || magic != magicDeclared {
		return nil
	}
	more := meta.tuple(declaredFields)
	d := &Declared{Key: meta.str(), Search: meta.str(), Expires: time.Unix(0, meta.integer())}
	meta.skip(more)
	if !meta.complete() || d.Key != key {
		return nil
	}
	return d
}
