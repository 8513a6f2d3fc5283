package serve

import (
	"encoding/json"
	"time"

	"github.com/gin-cachette/cachette/internal/entries"
)

// Stored is cachette.StoredResponse.
type Stored struct {
	Status       int       `json:"status"`
	Bytes        int       `json:"bytes"`
	Tier         string    `json:"tier"`
	CacheControl string    `json:"cacheControl,omitempty"`
	Coded        string    `json:"coded,omitempty"`
	Validatable  bool      `json:"validatable"`
	Tags         []string  `json:"tags,omitempty"`
	Received     time.Time `json:"received"`

	Age      time.Duration `json:"-"`
	Lifetime time.Duration `json:"-"`
	From     string        `json:"from"`
	Fresh    time.Duration `json:"-"`

	StaleWhileRevalidate time.Duration `json:"-"`
	StaleIfError         time.Duration `json:"-"`
	Took                 time.Duration `json:"-"`
}

// Stored returns what is stored for the request; nil for nothing.
func (e *Explained) Stored() *Stored {
	entry := e.Told.Entry
	if entry == nil {
		return nil
	}
	m := &entry.Meta
	return &Stored{
		Status: entry.Status, Bytes: len(entry.Body), Tier: string(e.Tier), CacheControl: e.CacheControl(), Coded: e.Coded, Validatable: entry.Validatable(),
		Tags: entries.TagsOf(entry), Received: m.ResponseTime, Age: m.Age(e.Now), Lifetime: m.Lifetime, From: e.Origin(), Fresh: m.Fresh(e.Now),
		StaleWhileRevalidate: m.StaleWhileRevalidate, StaleIfError: m.StaleIfError, Took: m.Took,
	}
}

// Tell tells it to a person, line by line.
func (s *Stored) Tell(line func(what, format string, args ...any)) {
	line("stored", "status %d, %d bytes, in the tier %s, received %s", s.Status, s.Bytes, s.Tier, s.Received.UTC().Format(time.RFC3339))
	line("freshness", "%v of lifetime (%s) - %v of age = %v (RFC 9111 §4.2)", Short(s.Lifetime), s.From, Short(s.Age), Short(s.Fresh))
	if s.StaleWhileRevalidate > 0 || s.StaleIfError > 0 {
		line("", "stale-while-revalidate %v (RFC 5861 §3), stale-if-error %v (§4)", s.StaleWhileRevalidate, s.StaleIfError)
	}
	if s.Coded != "" {
		line("coded", "%s", s.Coded)
	}
	if len(s.Tags) > 0 {
		line("tags", "%q", s.Tags)
	}
}

// storedJSON is its form as JSON, in which a number of milliseconds stands for each duration, under a name that says so.
type storedJSON struct {
	*storedFields
	Age                  millis `json:"ageMs"`
	Lifetime             millis `json:"lifetimeMs"`
	Fresh                millis `json:"freshMs"`
	StaleWhileRevalidate millis `json:"staleWhileRevalidateMs,omitempty"`
	StaleIfError         millis `json:"staleIfErrorMs,omitempty"`
	Took                 millis `json:"tookMs,omitempty"`
}

type storedFields Stored

// millis is a number of milliseconds.
type millis float64

func millisOf(d time.Duration) millis { return millis(d.Microseconds()) / 1000 }

func (m millis) duration() time.Duration { return time.Duration(m * millis(time.Millisecond)) }

// MarshalJSON implements json.Marshaler.
func (s Stored) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedJSON{
		(*storedFields)(&s), millisOf(s.Age), millisOf(s.Lifetime), millisOf(s.Fresh), millisOf(s.StaleWhileRevalidate), millisOf(s.StaleIfError), millisOf(s.Took),
	})
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Stored) UnmarshalJSON(text []byte) error {
	form := storedJSON{storedFields: (*storedFields)(s)}
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	s.Age, s.Lifetime, s.Fresh = form.Age.duration(), form.Lifetime.duration(), form.Fresh.duration()
	s.StaleWhileRevalidate, s.StaleIfError, s.Took = form.StaleWhileRevalidate.duration(), form.StaleIfError.duration(), form.Took.duration()
	return nil
}
