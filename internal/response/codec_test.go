package response

import (
	"bytes"
	"encoding/binary"
	"errors"
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
		Body: []byte("body\x00\xff"), Bare: true, Made: true, Asked: "bytes=0-5", Start: 3, Whole: 100,
		Variant: "variant", Basis: basis(),
		Meta: rfc9111.Metadata{
			ResponseTime: time.Unix(1767225600, 123456789), InitialAge: time.Second, Lifetime: time.Minute, NoCache: true,
			MustRevalidate: true, Shareable: true, StaleWhileRevalidate: time.Hour, StaleIfError: 2 * time.Hour,
			Vary: []string{"X-A", "X-B"},
		},
	}
	e.prepare(true)
	return e
}

// basis is one in which everything is set that goes into a store.
func basis() purge.Basis {
	return purge.Basis{Place: "place", Marks: []purge.Mark{
		{Scope: purge.OfHostPath("example.com", "/päge"), Word: "word"}, {Scope: purge.Scope{Kind: purge.All}.Softly()},
	}}
}

// What is read is what was written, every field of it.
func TestRoundTrip(t *testing.T) {
	for _, change := range []func(e *Entry){
		func(*Entry) {},
		func(e *Entry) { e.Body = nil },
		func(e *Entry) { e.Fields, e.Meta.Vary = nil, nil; e.prepare(false) },
		func(e *Entry) { e.Body = make([]byte, 1<<20) },
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
			if field.Name != "Fields" && field.Name != "Meta" && full().value(i).IsZero() {
				t.Errorf("the test leaves %s at its zero value", field.Name)
			}
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
		return append(binary.AppendUvarint([]byte(magicEntry), size), "rest"...)
	}
	status := func(code int) []byte {
		e := full()
		e.Status = code
		return Encode(e)
	}
	for name, data := range map[string][]byte{
		"more behind it":                append(bytes.Clone(whole), 0),
		"another magic number":          append([]byte("xcr\x01"), whole[4:]...),
		"another version":               append([]byte("ccr\x01"), whole[4:]...),
		"the other kind":                append([]byte(magicVariants), whole[4:]...),
		"a value":                       []byte("hello"),
		"metadata of 2^63 bytes":        huge(1 << 63),
		"metadata of 2^64 - 1 bytes":    huge(1<<64 - 1),
		"metadata of 2^31 bytes":        huge(1 << 31),
		"a length that does not end":    append([]byte(magicEntry), bytes.Repeat([]byte{0x80}, 20)...),
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

// No bytes bring a program down: not when they are read, and not when what was read is replayed.
func FuzzDecode(f *testing.F) {
	f.Add(Encode(full()), "bytes=0-1")
	f.Add(EncodeVariants(&Variants{Key: "key", Fields: []string{"X-A"}}), "")
	f.Add([]byte(magicEntry), "bytes=-1")
	plain := full()
	plain.Status, plain.Bare = http.StatusOK, false
	f.Add(Encode(plain), "bytes=0-0,2-3")
	gin.SetMode(gin.TestMode)
	f.Fuzz(func(t *testing.T, data []byte, ask string) {
		e, v, err := Decode(data)
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
		e.Replay(c.Writer, r, time.Now(), nil)
		c, _ = gin.CreateTestContext(httptest.NewRecorder())
		e.ReplayPart(c.Writer, r, time.Now(), &rfc9111.CacheStatus{Hit: true})
	})
}
