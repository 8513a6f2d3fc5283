package cachette

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Explanation is what would become of a request, and why. [Cache.Explain] gives it.
type Explanation struct {
	Route string `json:"route"` // the pattern of its route, as "/products/:id"

	// Outcome is a name of [Outcomes.All], of which miss stands for validated and stale-on-error, too: what the handler would say is not known. It is
	// collapsed where a refresh is waited for ([WithPatience]); if that takes too long, it will be stale. It is empty where the
	// request would come to no [Cached]: its route has none, or something before it answers with Status, such as a guard.
	Outcome string `json:"outcome"`
	Status  int    `json:"status,omitempty"`

	Forward   string   `json:"forward,omitempty"`   // why the handler would run, as fwd in Cache-Status (RFC 9211 §2.2)
	Bypass    string   `json:"bypass,omitempty"`    // why nothing would be looked up, as detail in Cache-Status
	Rule      string   `json:"rule"`                // what has decided, with its section
	Advice    []string `json:"advice,omitempty"`    // what would have to change for a hit
	Validates bool     `json:"validates,omitempty"` // the handler would be asked whether what is stored is still good (RFC 9111 §4.3)

	Parts  *KeyParts          `json:"parts,omitempty"`  // what the key is made of
	Key    string             `json:"key,omitempty"`    // under which its response is stored; parts of it that are not text are escaped
	Vary   []string           `json:"vary,omitempty"`   // the request fields that its response is known to vary by
	Stored *StoredResponse    `json:"stored,omitempty"` // what is stored for it, whether it answers or not
	Tried  []RefusalOfRoute   `json:"tried,omitempty"`  // why responses of the route were not stored, the latest first
	Marks  []ExplanationScope `json:"marks,omitempty"`  // what the stored response stands on
}

// KeyParts are what a key is made of. Of what stands in it as a digest, it is only told whether it is there.
type KeyParts struct {
	Scheme     string   `json:"scheme"` // http or https, as the request counts
	Host       string   `json:"host"`
	Path       string   `json:"path"`
	Query      string   `json:"query,omitempty"`      // as much of it as counts
	Declared   string   `json:"declared,omitempty"`   // what responses say of the query in No-Vary-Search, by which queries are equivalent
	Came       string   `json:"came,omitempty"`       // the path that the client has asked for, where the route sees another one
	Namespaces []string `json:"namespaces,omitempty"` // of which the first is in the key
	Service    bool     `json:"service,omitempty"`    // it has the service and its version
	Identity   bool     `json:"identity,omitempty"`   // it has whom the response is for: see [WithIdentity]
	Content    bool     `json:"content,omitempty"`    // it has the content of the request: of a QUERY, and see [WithBodyKey]
	Part       bool     `json:"part,omitempty"`       // it has what a function or a field says: see [WithKeyPart], [WithCookie] and [WithVary]
	Varies     bool     `json:"varies,omitempty"`     // behind it, the key has the request fields of Vary
}

// StoredResponse is what is stored for a request. As JSON its durations are numbers of milliseconds.
type StoredResponse struct {
	Status       int           `json:"status"`
	Bytes        int           `json:"bytes"`                  // of its body
	Tier         string        `json:"tier"`                   // memory, near, queue (it waits for the store) or store
	CacheControl string        `json:"cacheControl,omitempty"` // what it says
	Coded        string        `json:"coded,omitempty"`        // in which content coding it would be served, or why in none: see [WithCompression]
	Validatable  bool          `json:"validatable"`            // it has a validator of its handler's
	Tags         []string      `json:"tags,omitempty"`
	Received     time.Time     `json:"received"`
	Age          time.Duration `json:"ageMs"`      // RFC 9111 §4.2.3
	Lifetime     time.Duration `json:"lifetimeMs"` // RFC 9111 §4.2.1
	From         string        `json:"from"`       // what gives it that lifetime
	Fresh        time.Duration `json:"freshMs"`    // Lifetime less Age: for how long it stays fresh; negative when it is stale

	StaleWhileRevalidate time.Duration `json:"staleWhileRevalidateMs,omitempty"` // RFC 5861 §3
	StaleIfError         time.Duration `json:"staleIfErrorMs,omitempty"`         // RFC 5861 §4
	Took                 time.Duration `json:"tookMs,omitempty"`                 // that its handler ran
}

// MarshalJSON implements [json.Marshaler].
func (s StoredResponse) MarshalJSON() ([]byte, error) { return json.Marshal(serve.Stored(s)) }

// UnmarshalJSON implements [json.Unmarshaler].
func (s *StoredResponse) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, (*serve.Stored)(s))
}

// ExplanationScope is something that a response stands on, which a purge can name, and what purges have left of it.
type ExplanationScope struct {
	Scope string `json:"scope"`
	State string `json:"state"` // good; purged softly; purged, or lost
}

// RefusalOfRoute is a reason why responses of a route were not stored, or why nothing was looked up for its requests.
type RefusalOfRoute struct {
	Route  string           `json:"route"`  // its pattern
	Reason string           `json:"reason"` // as detail in Cache-Status
	Bypass bool             `json:"bypass"` // nothing was looked up
	Count  uint64           `json:"count"`
	Last   time.Time        `json:"last"`
	Recent []RefusedRequest `json:"recent"` // the last of them, at most eight, the latest first
}

// RefusedRequest is a request whose response was not stored, or for which nothing was looked up. It has nothing that a client can make up.
type RefusedRequest struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"` // GET, HEAD, POST or QUERY
	Status int       `json:"status"` // that the client got
}

func refusalsOf(refused []serve.Refusal) (all []RefusalOfRoute) {
	for _, r := range refused {
		one := RefusalOfRoute{Route: r.Route, Reason: r.Reason, Bypass: r.Bypass, Count: r.Count, Last: r.Last}
		for _, recent := range r.Recent {
			one.Recent = append(one.Recent, RefusedRequest(recent))
		}
		all = append(all, one)
	}
	return all
}

// Explain tells what would become of a GET, HEAD or QUERY, or of a POST on a route with [WithBodyKey], and why: what its key is, what is stored, for how long that is fresh, which rule of which section
// decides, and what would have to change for a hit. r is a request as a server has it, with the fields of a client, or one of [http.NewRequest]
// with a URL that has a host. Its content, where that is in the key, is read, and put back.
//
// The request goes the way of a client's (see [Cache.Refresh]) up to the [Cached] that decides, where it ends: what stands before, as guards and loggers,
// runs, and no handler behind the last Cached does. Of a route without a Cached nothing runs. Nothing is stored, refreshed, purged or counted by it, but that the store is asked. A context that ends
// is an error, and so are a URL that no client can ask for, and a question on the way of a request that is being explained.
func (c *Cache) Explain(ctx context.Context, r *http.Request) (*Explanation, error) {
	asked, err := c.server.Asked(argument.Context(ctx), r)
	if err != nil {
		return nil, c.fail("explain", "", err)
	}
	e, err := c.server.Explain(asked)
	if err != nil {
		return nil, c.fail("explain", asked.URL.Path, err)
	}
	return c.explanation(e), nil
}

// Refusals returns the reasons why responses were not stored, and why nothing was looked up, by route, the latest first.
func (c *Cache) Refusals() []RefusalOfRoute { return refusalsOf(c.server.Refusals()) }

func (c *Cache) explanation(e *serve.Explained) *Explanation {
	refused := c.server.Refusals()
	x := &Explanation{
		Route: e.Route, Status: e.Status, Outcome: e.Outcome.String(), Forward: string(e.Forward), Bypass: string(e.Bypass), Rule: e.Rule(),
		Advice: e.Advice(refused), Validates: e.Validates, Key: strings.Trim(strconv.Quote(e.Key), `"`),
	}
	if e.Reached {
		x.Tried = slices.DeleteFunc(refusalsOf(refused), func(r RefusalOfRoute) bool { return r.Route != e.Route })
	}
	if e.Key != "" {
		parts := KeyParts(e.Parts)
		x.Parts = &parts
	}
	if e.Told.Variants != nil {
		x.Vary = e.Told.Variants.Fields
	}
	for _, m := range e.Told.Marks {
		x.Marks = append(x.Marks, ExplanationScope{m.Scope.String(), m.State.String()})
	}
	x.Stored = (*StoredResponse)(e.Stored())
	return x
}

// String tells the explanation to a person, in several lines.
func (x *Explanation) String() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s "+format+"\n", append([]any{what}, args...)...)
	}
	outcome := x.Outcome
	if outcome == "" {
		outcome = "nothing"
	}
	if x.Status != 0 {
		outcome = fmt.Sprintf("nothing: answered with %d", x.Status)
	}
	line("route", "%s", x.Route)
	line("outcome", "%s", outcome)
	line("because", "%s", x.Rule)
	if x.Validates {
		line("", "the handler is asked whether what is stored is still good (RFC 9111 §4.3)")
	}
	for _, advice := range x.Advice {
		line("for a hit", "%s", advice)
	}
	if x.Key != "" {
		line("key", "%s", x.Key)
	}
	if x.Parts != nil {
		line("made of", "%s", x.Parts)
	}
	if len(x.Vary) > 0 {
		line("varies by", "%s", strings.Join(x.Vary, ", "))
	}
	if s := x.Stored; s != nil {
		(*serve.Stored)(s).Tell(line)
	}
	for _, m := range x.Marks {
		line("stands on", "%s: %s", m.Scope, m.State)
	}
	return b.String()
}

// String tells the parts to a person, in one line.
func (p *KeyParts) String() string { return (*serve.KeyParts)(p).String() }

// maxDebug is how many bytes of a field are taken up by an explanation.
const maxDebug = 4096

// describe puts an explanation into a field of a response: without what the request has said, and bounded.
func (c *Cache) describe(e *serve.Explained) string {
	x := c.explanation(e)
	x.Key, x.Parts, x.Tried, x.Marks = "", nil, nil, nil
	if e.Failed != nil { // what the store has said is for the log
		x.Advice = nil
	}
	if x.Stored != nil {
		x.Stored.Tags = nil
	}
	text, _ := json.Marshal(x) // it has nothing that JSON does not take
	if len(text) > maxDebug {
		text, _ = json.Marshal(Explanation{Route: x.Route, Outcome: x.Outcome, Rule: x.Rule})
	}
	return serve.FieldOf(string(text))
}
