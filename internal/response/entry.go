package response

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Entry is a stored response. It is shared between requests and never changes; only what it remembers of its last
// replay does.
type Entry struct {
	Key    string // the full key that it is stored under
	Status int
	Fields []Field // with Date, and with an ETag where there would be no validator
	Body   []byte
	Bare   bool // the handler wrote nothing: the engine commits, and may add a body of its own
	Made   bool // its ETag is this cache's own: the handler would not know it
	Ends   bool // it is fresh no longer than what it was made of, so neither is what is made of it

	Content string // tells its content from others, where it may be served in a coding; else empty

	// Of a 206 (RFC 9111 §3.3): the Range that it answers, where its body begins, and how long the whole is.
	Asked string
	Start int64
	Whole int64

	Meta    rfc9111.Metadata
	Variant string // what its request's selecting fields come to (rfc9111.VariantKey)

	Basis purge.Basis // the purges that it stands on, as they were when its fill began

	validators rfc9111.Validators
	lines      int  // how many values a replay puts on a header
	plain      bool // its fields are
	recent     atomic.Pointer[moment]
}

// Variants says that what is stored under a key depends on request fields: the responses themselves are stored
// under the key and their variant key.
type Variants struct {
	Key     string
	Fields  []string    // canonical, sorted
	Basis   purge.Basis // as for an entry
	Expires time.Time   // when the last of them is gone
}

// With returns variants that are told apart by what those of an older record are, too, and last as long. changed tells whether that is more
// than the older record says.
func (v *Variants) With(old *Variants) (both *Variants, changed bool) {
	both = &Variants{Key: v.Key, Fields: slices.Concat(old.Fields, v.Fields), Basis: v.Basis, Expires: v.Expires}
	slices.Sort(both.Fields)
	both.Fields = slices.Compact(both.Fields)
	if old.Expires.After(both.Expires) {
		both.Expires = old.Expires
	}
	return both, both.Expires.After(old.Expires) || !slices.Equal(both.Fields, old.Fields)
}

// moment is what a replay adds to the stored fields. It changes once a second, so hits within one share it.
type moment struct {
	seconds time.Duration // the age, in whole seconds
	age     string
	status  string
}

// Draft is what an entry is made of; its key comes with being stored.
type Draft struct {
	Status int
	Fields []Field // that Keep has left; the entry takes them over
	Body   []byte  // the entry takes it over
	Bare   bool
	Coded  bool // it may be served in a coding, if its header and size allow that
	Meta   rfc9111.Metadata
}

// New makes an entry. It adds Date where the handler set none (RFC 9110 §6.6.1), and makes an ETag for a 200 that has no
// validator.
func New(d *Draft) *Entry {
	e := &Entry{Status: d.Status, Fields: d.Fields, Body: d.Body, Bare: d.Bare, Meta: d.Meta}
	has := survey(e.Fields)
	if !has.date.there() {
		e.Fields = put(e.Fields, Field{Name: "Date", Values: dateLines(d.Meta.ResponseTime)})
	}
	e.Made = has.etag == nil && !has.modified.there() && e.Status == http.StatusOK && !e.Bare
	codable := d.Coded && e.codable()
	if !e.Made && !codable {
		e.prepare(has.date.there())
		return e
	}
	digest := e.digest()
	if codable {
		e.Content = digest
	}
	if e.Made {
		// It is a weak tag, since middleware outside may code the content in several ways: no bytes of one are then put after those of
		// another (RFC 9110 §8.8.3.3, §13.1.5).
		e.Fields = put(e.Fields, Field{Name: "Etag", Values: []string{`W/"` + digest + `"`}, Change: Default})
	}
	e.prepare(has.date.there())
	return e
}

// digest returns a digest of the content: representations that differ in their bytes, or in how the bytes are to be read, have different
// ones, in every process.
func (e *Entry) digest() string {
	hash := sha256.New()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language"} {
		values, _ := lookup(e.Fields, name)
		for _, value := range values {
			hash.Write([]byte(value))
			hash.Write([]byte{0})
		}
		hash.Write([]byte{1})
	}
	hash.Write(e.Body)
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(hash.Sum(sum[:0])[:digestSize])
}

const (
	digestSize = 18 // bytes of a hash, so that no two contents are found with one digest

	// ContentSize is how long an entry's Content is, where there is one.
	ContentSize = digestSize / 3 * 4
)

// prepare fills in what is derived from the rest. dated is false where the Date is when the response was received.
func (e *Entry) prepare(dated bool) {
	has := survey(e.Fields)
	if !dated {
		has.date = nil
	}
	e.validators = rfc9111.ValidatorsOf(has.etag.lines(), has.modified.lines(), has.date.lines(), e.Meta.ResponseTime)
	e.plain = has.plain
	e.lines = 2 + has.values // Age and Cache-Status
}

// Page returns the entry's key without its variant.
func (e *Entry) Page() string {
	if e.Variant == "" {
		return e.Key
	}
	return strings.TrimSuffix(e.Key, "#"+e.Variant)
}

// Declares returns what the entry says in No-Vary-Search: in what the queries of URLs may differ that it answers.
func (e *Entry) Declares() []string { return ValuesOf(e.Fields, "No-Vary-Search") }

// Validators returns what tells the entry from other representations.
func (e *Entry) Validators() *rfc9111.Validators { return &e.validators }

// Validatable tells whether the handler can be asked whether the entry is still good: it gave it a validator.
func (e *Entry) Validatable() bool {
	return e.validators.ETag != "" && !e.Made || !e.validators.LastModified.IsZero()
}

// Condition sets the preconditions with which the handler is to validate the entry (RFC 9111 §4.3.1), in place of the
// client's own.
func (e *Entry) Condition(h http.Header) {
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "Range", "If-Range"} {
		delete(h, name)
	}
	if e.validators.ETag != "" && !e.Made {
		h["If-None-Match"] = []string{e.validators.ETag}
	}
	if values, ok := lookup(e.Fields, "Last-Modified"); ok && !e.validators.LastModified.IsZero() {
		h["If-Modified-Since"] = slices.Clone(values)
	}
}

// Freshen returns the entry with the fields that a validating response updates (RFC 9111 §4.3.4) and new metadata.
// changes and header are that response's; omit names fields that may not be stored, neither its own nor older ones.
func (e *Entry) Freshen(changes []Field, header http.Header, omit []string, meta rfc9111.Metadata) *Entry {
	meta.Took = e.Meta.Took
	updates := rfc9111.Updates(header)
	fields := Keep(slices.Clone(e.Fields), nil, omit)
	dated := false
	for _, f := range Keep(slices.Clone(changes), header, omit) {
		if f.Change != Remove && updates(f.Name) {
			fields = put(fields, f)
			dated = dated || f.Name == "Date"
		}
	}
	if !dated {
		fields = put(fields, Field{Name: "Date", Values: dateLines(meta.ResponseTime)})
	}
	fresh := &Entry{
		Key: e.Key, Status: e.Status, Fields: fields, Body: e.Body, Bare: e.Bare, Made: e.Made, Meta: meta,
		Variant: e.Variant,
	}
	if e.Content != "" && fresh.codable() {
		fresh.Content = e.Content
	}
	fresh.prepare(dated)
	return fresh
}

// Lingers tells whether the entry is of use when it is stale: it can be validated, or served stale.
func (e *Entry) Lingers() bool { return e.Validatable() || e.Meta.Lingers() }

// Ended returns the entry as one whose lifetime ends at a moment, or nil where it is then of no use.
func (e *Entry) Ended(now time.Time) *Entry {
	if !e.Lingers() {
		return nil
	}
	return e.with(e.Meta.Ended(now), e.Body, e.Basis)
}

// Near returns a copy of the entry that stands on basis, and keeps nothing of what it was decoded from.
func (e *Entry) Near(basis purge.Basis) *Entry {
	near := e.with(e.Meta, slices.Clip(slices.Clone(e.Body)), basis)
	// With a monotonic reading, as that of a response of this process has, an age takes a third of the time to tell.
	now := time.Now()
	if received := now.Add(e.Meta.ResponseTime.Sub(now)); received.Equal(e.Meta.ResponseTime) {
		near.Meta.ResponseTime = received
	}
	return near
}

func (e *Entry) with(meta rfc9111.Metadata, body []byte, basis purge.Basis) *Entry {
	return &Entry{
		Key: e.Key, Status: e.Status, Fields: e.Fields, Body: body, Bare: e.Bare, Made: e.Made, Ends: e.Ends, Content: e.Content,
		Asked: e.Asked, Start: e.Start, Whole: e.Whole, Meta: meta, Variant: e.Variant, Basis: basis,
		validators: e.validators, lines: e.lines, plain: e.plain,
	}
}

// ReplayOwn puts on a header what a validating response has for its own client alone: cookies, and other fields that the
// entry may not have.
func (e *Entry) ReplayOwn(changes []Field, h http.Header) {
	var own []Field
	for _, f := range Keep(slices.Clone(changes), nil, nil) {
		if index(e.Fields, f.Name) < 0 && !contentField(f.Name) {
			own = append(own, f)
		}
	}
	apply(own, h, nil)
}

// UpdatedHeader returns the entry's header as a validating response would leave it: the one by which to decide for how
// long the entry is fresh again. It shares no values with the entry.
func (e *Entry) UpdatedHeader(header http.Header) http.Header {
	h := make(http.Header, len(e.Fields)+len(header))
	for _, f := range e.Fields {
		if f.Change != Remove {
			h[rfc9111.Canonical(f.Name)] = slices.Clone(f.Values)
		}
	}
	delete(h, "Date") // the old one would make the freshened entry as old as it was
	updates := rfc9111.Updates(header)
	for name, values := range header {
		if updates(name) {
			h[name] = values
		}
	}
	return h
}

// entryOverhead is what an entry weighs beside its fields and body, in bytes: its structures, the header of each
// slice and string in them, and what purges keep of its path and host.
const (
	entryOverhead = 912
	fieldOverhead = 56
	valueOverhead = 16
)

// Size returns what the entry weighs in memory, in bytes, but for its key.
func (e *Entry) Size() int {
	return entryOverhead + cap(e.Body) + len(e.Variant) + len(e.Content) + sizeOf(e.Fields, e.Meta.Vary)
}

// Size returns what an entry of the draft will weigh as Entry's Size does, at most, but for its body and variant.
func (d *Draft) Size() int {
	const made = 300 + ContentSize // more than the Date and the ETag take that an entry gets if it has none
	return entryOverhead + made + sizeOf(d.Fields, d.Meta.Vary)
}

// sizeOf returns what fields and names weigh.
func sizeOf(fields []Field, names []string) (size int) {
	for i := range fields {
		f := &fields[i]
		size += fieldOverhead + len(f.Name)
		for _, v := range f.Values {
			size += valueOverhead + len(v)
		}
	}
	for _, name := range names {
		size += valueOverhead + len(name)
	}
	return size
}

// Size returns what the variants weigh in memory, in bytes, but for their key.
func (v *Variants) Size() int {
	size := entryOverhead / 2
	for _, name := range v.Fields {
		size += valueOverhead + len(name)
	}
	return size
}

// at returns what a replay at a given age adds to the stored fields.
func (e *Entry) at(now time.Time) *moment {
	age := e.Meta.Age(now)
	if m := e.recent.Load(); m != nil && age >= m.seconds && age < m.seconds+time.Second {
		return m
	}
	age = age.Truncate(time.Second)
	status := rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: e.Meta.Lifetime - age}
	m := &moment{seconds: age, age: strconv.FormatInt(int64(age/time.Second), 10), status: status.String()}
	e.recent.Store(m)
	return m
}

// contentField tells whether a field describes the content that a 304 leaves out (RFC 9110 §15.4.5).
func contentField(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Range", "Content-Md5":
		return true
	}
	return strings.HasPrefix(name, "Content-Digest")
}
