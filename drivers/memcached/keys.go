package memcached

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const (
	maxKey = 250 // the longest key that a server takes

	// keyMark begins the names of keys that a server does not take as they are. A key that begins with it is itself
	// mapped, so no mapped key is ever a plain one.
	keyMark = "cachette%"

	escapedMark = keyMark + "=" // and then the whole key, escaped
	hashedMark  = keyMark + "#" // and then the SHA-256 of the key, and as much of it, escaped, as there is room for

	hashLength = 43 // of a SHA-256, in base64
)

// A name is what a key is called on the server.
type name struct {
	text string

	// hashed says that text does not hold all of the key. Then the key stands before the value.
	hashed bool

	// spread is what picks the server: the key's tag, or text where it has none.
	spread string
}

// nameOf returns the name of key: key itself, if the server takes it.
func nameOf(key string) name {
	n := mapped(key)
	if n.spread = tagOf(key); n.spread == "" {
		n.spread = n.text
	}
	return n
}

// tagOf returns what stands between the first "{" of a key and the first "}" behind that: see drivers.Sharded.
func tagOf(key string) string {
	_, rest, _ := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(rest, "}")
	if !closed {
		return ""
	}
	return tag
}

// mapped returns the name of key, without what picks its server.
func mapped(key string) name {
	if isPlain(key) {
		return name{text: key}
	}
	if escaped, whole := escape(key, maxKey-len(escapedMark)); whole {
		return name{text: escapedMark + escaped}
	}
	sum := sha256.Sum256([]byte(key))
	hash := base64.RawURLEncoding.EncodeToString(sum[:])
	head, _ := escape(key, maxKey-len(hashedMark)-len(hash))
	return name{text: hashedMark + hash + head, hashed: true}
}

// isPlain reports whether key is its own name.
func isPlain(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if isControl(key[i]) {
			return false
		}
	}
	return !strings.HasPrefix(key, keyMark)
}

// isControl reports whether a key must not contain b. Bytes beyond ASCII are fine.
func isControl(b byte) bool {
	return b <= ' ' || b == 0x7f
}

const upperHex = "0123456789ABCDEF"

// escape percent-encodes what a key must not contain, and each %, until room bytes are full. It reports whether that
// is the whole of key.
func escape(key string, room int) (escaped string, whole bool) {
	var out strings.Builder
	for i := range len(key) {
		b := key[i]
		if !isControl(b) && b != '%' {
			if out.Len() == room {
				return out.String(), false
			}
			out.WriteByte(b)
			continue
		}
		if out.Len()+3 > room {
			return out.String(), false
		}
		out.Write([]byte{'%', upperHex[b>>4], upperHex[b&15]})
	}
	return out.String(), true
}

// unescape undoes percent-encoding. It reports whether text is well formed.
func unescape(text string) (string, bool) {
	if strings.IndexByte(text, '%') < 0 {
		return text, true
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out.WriteByte(text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		high, low := strings.IndexByte(upperHex, text[i+1]), strings.IndexByte(upperHex, text[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return out.String(), true
}

// An origin is what the name of an entry tells about its key.
type origin struct {
	head  string // what the key begins with
	whole bool   // whether that is all of it
}

// originOf returns what text, the name of an entry, tells about its key; false if no key has such a name.
func originOf(text string) (origin, bool) {
	if isPlain(text) {
		return origin{head: text, whole: true}, true
	}
	if escaped, found := strings.CutPrefix(text, escapedMark); found {
		key, ok := unescape(escaped)
		return origin{head: key, whole: true}, ok && mapped(key).text == text
	}
	if rest, found := strings.CutPrefix(text, hashedMark); found && len(rest) >= hashLength {
		head, ok := unescape(rest[hashLength:])
		return origin{head: head}, ok
	}
	return origin{}, false
}

// front is what stands before the value of an entry whose name does not hold its key.
func front(key string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(key))), key...)
}

// splitFront returns the key and the value of such an entry; false if it is none.
func splitFront(data []byte) (key, value []byte, ok bool) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) {
		return nil, nil, false
	}
	end := n + int(length)
	return data[n:end], data[end:], true
}
