package response

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// full is an entry in which everything is set.
func full() *Entry {
	e := &Entry{
		Key: "cachette:~r:hq//example.com/päge?a=1\x00", Status: http.StatusPartialContent,
		Fields: []Field{
			{Name: "Content-Type", Values: []string{"text/plain"}},
			{Name: "Date", Values: []string{"Thu, 01 Jan 2026 00:00:00 GMT"}},
			{Name: "Etag", Values: []string{`"v1"`}},
			{Name: "Last-Modified", Values: []string{"Thu, 01 Jan 2015 00:00:00 GMT"}},
			{Name: "Vary", Values: []string{"X-A", ""}, Change: Append},
			{Name: "X-Gone", Change: Remove},
		},
		Body: []byte("body\x00\xff"), Bare: true, Made: true, Ends: true, Asked: "bytes=0-5", Start: 3, Whole: 100, Content: "content",
		Variant: "variant", Basis: basis(),
		Meta: rfc9111.Metadata{
			ResponseTime: time.Unix(1767225600, 123456789), InitialAge: time.Second, Lifetime: time.Minute, NoCache: true,
			MustRevalidate: true, Shareable: true, StaleWhileRevalidate: time.Hour, StaleIfError: 2 * time.Hour, Patience: time.Minute, Early: time.Second, Took: 7 * time.Millisecond,
			Vary: []string{"X-A", "X-B"},
		},
	}
	e.prepare(true)
	return e
}

// basis is one in which everything is set that goes into a store.
func basis() purge.Basis {
	return purge.Basis{Place: "place", Marks: []purge.Mark{
		{Scope: purge.OfHostPath("example.com", "/päge"), Word: "word", Hard: "hard"}, {Scope: purge.Scope{Kind: purge.All}},
	}}
}

// What is read is what was written, every field of it.
func TestRoundTrip(t *testing.T) {
	for _, change := range []func(e *Entry){
		func(*Entry) {},
		func(e *Entry) { e.Body = nil },
		func(e *Entry) { e.Fields, e.Meta.Vary = nil, nil; e.prepare(false) },
		func(e *Entry) { e.Body = make([]byte, 1<<20) },
		func(e *Entry) { e.Meta.Patience = 0 },
		func(e *Entry) { e.Meta.Early = 0 },
		func(e *Entry) { e.Meta.Patience, e.Meta.Early = 0, 0 },
	} {
		e := full()
		change(e)
		got, variants, err := Decode(Encode(e))
		if err != nil || variants != nil {
			t.Fatal(variants, err)
		}
		if !bytes.Equal(got.Body, e.Body) {
			t.Errorf("body of %d bytes, want %d", len(got.Body), len(e.Body))
		}
		if got.Validators().ETag != e.Validators().ETag || !got.Validators().LastModified.Equal(e.Validators().LastModified) {
			t.Errorf("validators %v, want %v", got.Validators(), e.Validators())
		}
		// Compare the rest field by field, so that a field added to Entry and not to the format is noticed.
		a, b := reflect.ValueOf(got).Elem(), reflect.ValueOf(e).Elem()
		for i := range a.NumField() {
			field := a.Type().Field(i)
			if !field.IsExported() || field.Name == "Body" {
				continue
			}
			if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
				t.Errorf("%s is %v, want %v", field.Name, x, y)
			}
			if field.Name != "Fields" && full().value(i).IsZero() {
				t.Errorf("the test leaves %s at its zero value", field.Name)
			}
		}
	}
	for meta, i := reflect.ValueOf(full().Meta), 0; i < meta.NumField(); i++ {
		if meta.Field(i).IsZero() {
			t.Errorf("the test leaves %s at its zero value", meta.Type().Field(i).Name)
		}
	}
	v := &Variants{Key: "key", Fields: []string{"X-A", "X-B"}, Basis: basis(), Expires: time.Unix(1767225600, 5)}
	e, got, err := Decode(EncodeVariants(v))
	if err != nil || e != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("variants: %v, %v, %v", e, got, err)
	}
}

func (e *Entry) value(field int) reflect.Value { return reflect.ValueOf(e).Elem().Field(field) }

// Bytes that were cut off, added to, written by another version or by somebody else are no response.
func TestForeignBytes(t *testing.T) {
	whole := Encode(full())
	for n := range whole {
		if e, v, err := Decode(whole[:n]); !errors.Is(err, errFormat) || e != nil || v != nil {
			t.Fatalf("cut off behind %d of %d bytes: %v, %v, %v", n, len(whole), e, v, err)
		}
	}
	huge := func(size uint64) []byte {
		return signed(magicEntry, append(binary.AppendUvarint(nil, size), "rest"...))
	}
	status := func(code int) []byte {
		e := full()
		e.Status = code
		return Encode(e)
	}
	for name, data := range map[string][]byte{
		"more behind it":                signed(magicEntry, append(bytes.Clone(whole[8:]), 0)),
		"another magic number":          append([]byte("xcr\x05"), whole[4:]...),
		"the version before":            append([]byte("ccr\x04"), whole[8:]...),
		"another version":               append([]byte("ccr\x06"), whole[4:]...),
		"the other kind":                append([]byte(magicVariants), whole[4:]...),
		"a value":                       []byte("hello"),
		"metadata of 2^63 bytes":        huge(1 << 63),
		"metadata of 2^64 - 1 bytes":    huge(1<<64 - 1),
		"metadata of 2^31 bytes":        huge(1 << 31),
		"a length that does not end":    signed(magicEntry, bytes.Repeat([]byte{0x80}, 20)),
		"no status":                     status(0),
		"a status that net/http panics": status(1000),
		"an interim status":             status(103),
		"a negative status":             status(-200),
	} {
		if e, v, err := Decode(data); !errors.Is(err, errFormat) || e != nil || v != nil {
			t.Errorf("%s: %v, %v, %v", name, e, v, err)
		}
	}
}

// signed puts a magic number and the checksum before what stands behind them.
func signed(magic string, rest []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte(magic), crc32.Checksum(rest, castagnoli)), rest...)
}

// A bit that is another than was written, wherever it is, makes a miss: of a body no other rule would tell.
func TestDamagedBytes(t *testing.T) {
	for name, whole := range map[string][]byte{
		"an entry": Encode(full()), "variants": EncodeVariants(&Variants{Key: "key", Fields: []string{"X-A"}, Basis: basis()}),
	} {
		for i := range 8 * len(whole) {
			damaged := bytes.Clone(whole)
			damaged[i/8] ^= 1 << (i % 8)
			if e, v, err := Decode(damaged); !errors.Is(err, errFormat) || e != nil || v != nil {
				t.Fatalf("%s with another bit %d of %d bytes: %v, %v, %v", name, i, len(whole), e, v, err)
			}
		}
	}
}

// extended returns metadata of which each array that is a structure has one value more at its end.
func extended(t *testing.T, meta []byte, kind string) []byte {
	t.Helper()
	var w writer
	r := &reader{text: string(meta)}
	more := func() { w = append(w, kind...) }
	copied := func(values int) { // values that stay as they are
		from := r.text
		r.skip(values)
		w = append(w, from[:len(from)-len(r.text)]...)
	}
	list := func(each func()) {
		n, _ := r.array()
		w.array(n)
		for range n {
			each()
		}
	}
	theBasis := func() {
		r.tuple(basisFields)
		w.array(basisFields + 1)
		copied(1)
		list(func() { r.tuple(markFields); w.array(markFields + 1); copied(markFields); more() })
		more()
	}
	n, _ := r.array()
	w.array(n + 1)
	if n == variantsFields {
		copied(2)
		theBasis()
		copied(1)
	} else {
		copied(2)
		list(func() { r.tuple(fieldFields); w.array(fieldFields + 1); copied(fieldFields); more() })
		copied(3)
		theBasis()
		copied(entryFields + lateFields + laterFields - 7)
	}
	more()
	if !r.complete() {
		t.Fatal("the metadata is not as the test takes it to be")
	}
	return w
}

// What a later program adds behind what there is, of whatever kind, is skipped: the rest is read as it was written.
func TestFieldsMore(t *testing.T) {
	for _, kind := range kinds() {
		e, v := full(), &Variants{Key: "key", Fields: []string{"X-A"}, Basis: basis(), Expires: time.Unix(5, 0)}
		meta := extended(t, metaOf(e), kind)
		got, _, err := Decode(frame(magicEntry, meta, e.Body))
		if err != nil || !bytes.Equal(Encode(got), Encode(e)) {
			t.Errorf("an entry with % x more: %v, %v", kind, got, err)
		}
		whole := EncodeVariants(v)[8:]
		size, n := binary.Uvarint(whole)
		_, variants, err := Decode(frame(magicVariants, extended(t, whole[n:n+int(size)], kind), nil))
		if err != nil || !reflect.DeepEqual(variants, v) {
			t.Errorf("variants with % x more: %v, %v", kind, variants, err)
		}
	}
	short := metaOf(full())[3:] // behind the header of its array
	less := append([]byte{wireArray16, 0, entryFields - 1}, short...)
	if _, _, err := Decode(frame(magicEntry, less, full().Body)); !errors.Is(err, errFormat) {
		t.Errorf("an array that is too short: %v", err)
	}
}

// EncodedSize is what it says.
func TestEncodedSize(t *testing.T) {
	for _, body := range []int{0, 1, 127, 128, 1 << 20} {
		e := full()
		e.Body = make([]byte, body)
		if got, want := EncodedSize(e), len(Encode(e)); got != want {
			t.Errorf("a body of %d bytes: %d, want %d", body, got, want)
		}
	}
}

// No bytes bring a program down: not when they are read, and not when what was read is replayed.
func FuzzDecode(f *testing.F) {
	f.Add(Encode(full())[8:], false, "bytes=0-1")
	f.Add(EncodeVariants(&Variants{Key: "key", Fields: []string{"X-A"}})[8:], true, "")
	f.Add([]byte(nil), false, "bytes=-1")
	plain := full()
	plain.Status, plain.Bare = http.StatusOK, false
	f.Add(Encode(plain)[8:], false, "bytes=0-0,2-3")
	gin.SetMode(gin.TestMode)
	f.Fuzz(func(t *testing.T, rest []byte, variants bool, ask string) {
		if e, v, err := Decode(rest); err == nil {
			t.Fatalf("read without a checksum: %v, %v", e, v)
		}
		magic := magicEntry
		if variants {
			magic = magicVariants
		}
		e, v, err := Decode(signed(magic, rest))
		if err != nil {
			return
		}
		if v != nil {
			EncodeVariants(v)
			return
		}
		again, _, err := Decode(Encode(e))
		if err != nil || again.Key != e.Key || again.Status != e.Status || !bytes.Equal(again.Body, e.Body) {
			t.Fatalf("written and read again: %v, %v", again, err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if ask != "" && !strings.ContainsAny(ask, "\r\n") {
			r.Header.Set("Range", ask)
		}
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		e.Replay(c.Writer, r, &Answer{Now: time.Now()})
		c, _ = gin.CreateTestContext(httptest.NewRecorder())
		e.ReplayPart(c.Writer, r, time.Now(), &rfc9111.CacheStatus{Hit: true}, nil)
	})
}
