package purge

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Kind is what kind of thing a scope names. Its numbers stand in stored entries and in digests, so they stay as they are.
type Kind byte

// The kinds of scope.
const (
	All       Kind = 'a' // everything; it has no name
	Path      Kind = 'p' // a path, on every host
	HostPath  Kind = 'h' // a path on one host: see [OfHostPath]
	Namespace Kind = 'n'
	Tag       Kind = 't'
	Group     Kind = 'g' // of RFC 9875; with its origin in the name
	Identity  Kind = 'i'
	Part      Kind = 'k' // of a key
	Value     Kind = 'v' // a value by its name, which is that of a path to what is about servers
	Prefix    Kind = 'x' // the paths that begin so; only a purge names it, for an entry stands on its path

	// ownPath and ownHostPath are marks beside those of a path: what a request leaves alone whose own response is to outlive the
	// purge that it causes. See Shared.PurgeBy.
	ownPath     Kind = 'P'
	ownHostPath Kind = 'H'

	// stored is the key under which an entry is stored: a near copy of it stands on that, beside what the entry stands on.
	stored Kind = 'e'

	// lease is a lease of a fill: those that wait for it are told of its end as near tiers are of purges.
	lease Kind = 'w'
)

// Scope is what a purge can name, and what an entry stands on.
type Scope struct {
	Kind Kind
	Host string // of a HostPath; of a Tag, the service that it is of, as keys have it; else empty
	Name string
	Soft bool // of a purge: what stands on the scope is stale, and not gone. What an entry stands on is neither soft nor hard
}

// OfHostPath returns the scope of a path on one host.
func OfHostPath(host, path string) Scope { return Scope{Kind: HostPath, Host: host, Name: path} }

// Softly returns the scope for a soft purge.
func (s Scope) Softly() Scope { s.Soft = true; return s }

// id tells scopes apart: 120 bits of a digest, for names are long and the marks of a store many and small. Names come from
// requests, so the digest is one for which no clash can be found.
type id [15]byte

func (s Scope) id() id {
	var buffer [128]byte
	b := append(buffer[:0], byte(s.Kind), '-')
	b = append(append(strconv.AppendInt(b, int64(len(s.Host)), 10), ':'), s.Host...) // with its length, so that no two pairs are one
	sum := sha256.Sum256(append(b, s.Name...))
	return id(sum[:])
}

// key returns the key of a scope's mark, of which base is the beginning: see [partition]. It is that of no value and no response, and of no
// other scope.
func (i id) key(base string) string { return i.keyWith(base, 'm') }

// hardKey returns the key of a scope's hard mark.
func (i id) hardKey(base string) string { return i.keyWith(base, 'd') }

func (i id) keyWith(base string, letter byte) string {
	var room [96]byte
	b := append(room[:0], base...)
	return string(base64.RawURLEncoding.AppendEncode(append(b, letter), i[:]))
}

const (
	hardly, softly = "!", "~" // end what a log has of a hard purge, and of a soft one

	loggedSize = len(id{}) + len(softly)
	mostLogged = 32 // purges in one record: a store may write each record by itself
)

// logged returns what a log has of a purge.
func (i id) logged(soft bool) string {
	if soft {
		return string(i[:]) + softly
	}
	return string(i[:]) + hardly
}

// recordsOf returns the records of purges, each of as many as may be.
func recordsOf(logged []string) (records []string) {
	for some := range slices.Chunk(logged, mostLogged) {
		records = append(records, strings.Join(some, ""))
	}
	return records
}

// purgesIn is the sequence of what records have of purges.
func purgesIn(records []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, record := range records {
			for ; len(record) >= loggedSize; record = record[loggedSize:] {
				if !yield(record[:loggedSize]) {
					return
				}
			}
		}
	}
}

// onPath tells whether the scope is of one path, or of what stands for one.
func (s *Scope) onPath() bool {
	return s.Kind == Path || s.Kind == HostPath || s.Kind == Value || s.isOwn()
}

// late tells whether scopes of the kind may become known only when the handler has run, so that their purges stand in the log.
func (k Kind) late() bool { return k == Tag || k == Group }

// rare tells whether purges of the kind have no mark but a record, since they concern what no mark can be read for.
func (k Kind) rare() bool { return k == All || k == Prefix }

// own returns the scope that tells the purges of others from a request's own, where the scope has one.
func (s Scope) own() (Scope, bool) {
	switch s.Kind {
	case Path:
		return Scope{Kind: ownPath, Name: s.Name}, true
	case HostPath:
		return Scope{Kind: ownHostPath, Host: s.Host, Name: s.Name}, true
	}
	return Scope{}, false
}

// isOwn tells whether the scope is one that own returns.
func (s *Scope) isOwn() bool { return s.Kind == ownPath || s.Kind == ownHostPath }

// record is a purge of everything or of a prefix.
type record struct {
	prefix string // empty for everything
	soft   bool
}

// MaxPrefix bounds what is kept of a prefix, in bytes. A longer one is cut, and so purges more.
const MaxPrefix = 1024

func recordOf(s Scope) record {
	r := record{soft: s.Soft}
	if s.Kind == Prefix {
		r.prefix = s.Name[:min(len(s.Name), MaxPrefix)]
	}
	return r
}

func (r record) encode() string {
	if r.soft {
		return "s" + r.prefix
	}
	return "h" + r.prefix
}

// decodeRecord reads what encode made. What it cannot read counts as a purge of everything.
func decodeRecord(text string) record {
	if text == "" || text[0] != 's' && text[0] != 'h' {
		return record{}
	}
	return record{prefix: text[1:], soft: text[0] == 's'}
}

// covers tells whether the record concerns what stands on a path.
func (r record) covers(path string) bool { return strings.HasPrefix(path, r.prefix) }

// replaces tells whether an older record says nothing beside this one.
func (r record) replaces(older record) bool {
	return (older.soft || !r.soft) && strings.HasPrefix(older.prefix, r.prefix)
}
