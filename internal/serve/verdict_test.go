package serve

import (
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// asked are facts that are known. Those of most answers are none.
type asked struct {
	purged, later, cookie, large, has, other bool
	change                                   rfc9111.Refusal
}

func (f asked) unpurged() bool           { return !f.purged }
func (f asked) answersLater() bool       { return f.later }
func (f asked) cookieOutside() bool      { return f.cookie }
func (f asked) fits() bool               { return !f.large }
func (f asked) clientHas() bool          { return f.has }
func (f asked) same() bool               { return !f.other }
func (f asked) updated() rfc9111.Refusal { return f.change }

// row is an answer and what becomes of it.
type row struct {
	section string
	change  func(a *answered)
	facts   asked
	want    verdict
}

// of returns the answer of a row: 200, for which others wait, and which ends well, unless the row says otherwise.
func (r row) of() *answered {
	a := &answered{status: http.StatusOK, followed: true, usable: true, whole: true, facts: r.facts}
	if r.change != nil {
		r.change(a)
	}
	return a
}

// refused returns a change for an answer that is refused, by its status, where something is stored.
func refused(status int, why rfc9111.Refusal, more ...func(a *answered)) func(a *answered) {
	return func(a *answered) {
		a.status, a.refused, a.found, a.foundAs = status, why, true, http.StatusOK
		for _, change := range more {
			change(a)
		}
	}
}

func TestJudge(t *testing.T) {
	const (
		pass, capture, swallow = response.Pass, response.Capture, response.Swallow
		stored                 = rfc9111.Stored
		noStore, private       = rfc9111.RefusedNoStore, rfc9111.RefusedPrivate
		credentials, status    = rfc9111.RefusedCredentials, rfc9111.RefusedStatus
		method, cookie         = rfc9111.RefusedMethod, rfc9111.RefusedSetCookie
	)
	foreign := func(a *answered) { a.foreign, a.credentials = true, true }
	for _, row := range []row{
		{"9111 §3", nil, asked{}, verdict{stored, storable, capture, waitOn, untouched, nothing}},
		{"9111 §3: none that follows", func(a *answered) { a.followed = false }, asked{}, verdict{stored, storable, capture, waitOn, untouched, nothing}},
		{"9111 §5.2.2.5", refused(200, noStore), asked{}, verdict{noStore, unstored, pass, stayAlone, withdrawn, nothing}},
		{"9111 §5.2.2.7", refused(200, private), asked{}, verdict{private, unstored, pass, stayAlone, withdrawn, nothing}},
		{"9111 §4.1", refused(200, rfc9111.RefusedVary), asked{}, verdict{rfc9111.RefusedVary, unstored, pass, stayAlone, withdrawn, nothing}},
		{"9111 §5.2.2.7: its client had left", refused(200, private, func(a *answered) { a.left = true }), asked{},
			verdict{private, unstored, pass, oneLeads, untouched, nothing}},
		{"9111 §5.2.2.7: to a request for a part", refused(200, private, func(a *answered) { a.ranged = true }), asked{},
			verdict{private, unstored, pass, moreLead, withdrawn, nothing}},
		{"9111 §5.2.1.5", refused(200, rfc9111.RefusedRequest), asked{}, verdict{rfc9111.RefusedRequest, unstored, pass, moreLead, untouched, nothing}},
		{"9111 §3.5", refused(200, credentials, foreign), asked{}, verdict{credentials, unstored, pass, moreLead, untouched, nothing}},
		{"9111 §3.5: private", refused(200, private, foreign), asked{}, verdict{private, unstored, pass, moreLead, untouched, nothing}},
		{"9110 §15.5.5: to whomever it is said", refused(404, private, foreign), asked{}, verdict{private, unstored, pass, moreLead, withdrawn, nothing}},
		{"9110 §15.5.5", refused(404, status), asked{}, verdict{status, unstored, pass, moreLead, withdrawn, nothing}},
		{"9110 §15.5.11", refused(410, status), asked{}, verdict{status, unstored, pass, moreLead, withdrawn, nothing}},
		{"9110 §15.5.1", refused(400, status), asked{}, verdict{status, unstored, pass, moreLead, untouched, nothing}},
		{"9110 §15.6.1", refused(500, status), asked{}, verdict{status, unstored, pass, oneLeads, untouched, nothing}},
		{"5861 §4", refused(500, status, func(a *answered) { a.standsIn = true }), asked{}, verdict{stored, failed, swallow, untold, untouched, nothing}},
		{"5861 §4: not what was purged", refused(500, status, func(a *answered) { a.standsIn = true }), asked{purged: true},
			verdict{status, unstored, pass, oneLeads, untouched, nothing}},
		{"5861 §4: not for an error of the client's", refused(404, status, func(a *answered) { a.standsIn = true }), asked{},
			verdict{status, unstored, pass, moreLead, withdrawn, nothing}},
		{"9111 §4.3.3", refused(304, status, func(a *answered) { a.validates = true }), asked{}, verdict{stored, confirmed, swallow, untold, untouched, nothing}},
		{"9111 §4.3.3: nothing was to be validated", refused(304, status), asked{}, verdict{status, unstored, pass, moreLead, untouched, nothing}},
		{"9110 §13.2", nil, asked{has: true}, verdict{stored, storable, response.NotModified, waitOn, untouched, nothing}},
		{"9110 §13.2: not stored", refused(200, noStore), asked{has: true}, verdict{noStore, unstored, response.NotModified, stayAlone, withdrawn, nothing}},
		{"9110 §14.2: the whole for a part", func(a *answered) { a.ranged, a.entire, a.small = true, true, true }, asked{},
			verdict{stored, storable, response.Withhold, waitOn, untouched, nothing}},
		{"9110 §14.2: of which it has the whole", func(a *answered) { a.ranged, a.entire, a.small = true, true, true }, asked{has: true},
			verdict{stored, storable, response.NotModified, waitOn, untouched, nothing}},
		{"9110 §14.2: another status", func(a *answered) { a.status, a.ranged, a.entire = 404, true, true }, asked{},
			verdict{stored, storable, capture, waitOn, untouched, nothing}},
		{"9110 §14.2: Range is taken no notice of", func(a *answered) { a.ranged, a.neutral = true, true }, asked{},
			verdict{stored, storable, capture, waitOn, untouched, makesWhole}},
		{"9110 §14.3: parts are made", func(a *answered) { a.neutral, a.parts = true, true }, asked{},
			verdict{stored, storable, capture, waitOn, untouched, makesParts}},
		{"9111 §3.3: a part", func(a *answered) { a.status, a.ranged, a.partial, a.parts = 206, true, true, true }, asked{},
			verdict{stored, storable, capture, moreLead, untouched, makesParts}},
		{"9110 §9.3.2: too large to make it for a HEAD", func(a *answered) { a.small = true }, asked{large: true},
			verdict{refusedTooLarge, unstored, pass, goAlone, untouched, makesParts}},
		{"9111 §4.3.3: too large", refused(200, stored), asked{large: true}, verdict{refusedTooLarge, unstored, pass, goAlone, withdrawn, nothing}},
		{"too large, and no store", func(a *answered) { a.usable = false }, asked{large: true},
			verdict{refusedTooLarge, unstored, pass, goAlone, untouched, nothing}},
		{"no store", func(a *answered) { a.usable = false }, asked{}, verdict{refusedStore, lent, capture, waitOn, untouched, nothing}},
		{"no store, and none that follows", func(a *answered) { a.usable, a.followed = false, false }, asked{},
			verdict{refusedStore, unstored, pass, oneLeads, untouched, nothing}},
		{"no store, a part", func(a *answered) { a.status, a.usable, a.ranged, a.partial = 206, false, true, true }, asked{},
			verdict{refusedStore, unstored, pass, oneLeads, untouched, nothing}},
		{"a cookie from outside", refused(200, stored), asked{cookie: true}, verdict{cookie, unstored, pass, stayAlone, withdrawn, nothing}},
		{"aborted", refused(200, stored, func(a *answered) { a.aborted = true }), asked{}, verdict{refusedAborted, unstored, pass, moreLead, withdrawn, nothing}},
		{"its client had left", refused(200, stored, func(a *answered) { a.left = true }), asked{}, verdict{refusedAborted, unstored, pass, oneLeads, untouched, nothing}},
		{"9110 §9.3.3", func(a *answered) { a.posted = true }, asked{later: true}, verdict{stored, storable, capture, untold, untouched, nothing}},
		{"9110 §9.3.3: not of this URI", func(a *answered) { a.posted = true }, asked{}, verdict{method, unstored, pass, untold, untouched, nothing}},
		{"9110 §9.3.3: too large", func(a *answered) { a.posted = true }, asked{later: true, large: true},
			verdict{refusedTooLarge, unstored, pass, untold, untouched, nothing}},
		{"9110 §9.3.3: a precondition is the handler's", func(a *answered) { a.posted = true }, asked{later: true, has: true},
			verdict{stored, storable, capture, untold, untouched, nothing}},
		{"9110 §9.3.3: no store", func(a *answered) { a.posted, a.followed, a.usable = true, false, false }, asked{later: true},
			verdict{refusedStore, unstored, pass, untold, untouched, nothing}},
	} {
		if got := judge(row.of()); got != row.want {
			t.Errorf("%s: %+v; want %+v", row.section, got, row.want)
		}
	}
}

func TestConclude(t *testing.T) {
	const stored, noStore, private, method = rfc9111.Stored, rfc9111.RefusedNoStore, rfc9111.RefusedPrivate, rfc9111.RefusedMethod
	over := func(why rfc9111.Refusal, to waiting, what change) verdict {
		return verdict{refusal: why, waiting: to, stored: what}
	}
	for _, row := range []struct {
		row
		was fate
	}{
		{row{"9111 §3.3", nil, asked{}, verdict{fate: storable}}, storable},
		{row{"no store", nil, asked{}, verdict{fate: lent}}, lent},
		{row{"9111 §3.3: not the whole", func(a *answered) { a.whole = false }, asked{}, verdict{refusal: refusedIncomplete}}, storable},
		{row{"9111 §3.3: its client has left", func(a *answered) { a.gone = true }, asked{}, verdict{}}, storable},
		{row{"no room", func(a *answered) { a.starved = true }, asked{}, verdict{}}, storable},
		{row{"too large", refused(200, stored, func(a *answered) { a.tooLarge = true }), asked{}, over(refusedTooLarge, goAlone, withdrawn)}, storable},
		{row{"too large to make it for a part", func(a *answered) { a.small, a.tooLarge, a.ranged, a.entire = true, true, true, true }, asked{},
			verdict{refusal: refusedTooLarge, waiting: goAlone, learned: makesParts}}, storable},
		{row{"9111 §5.2.2.5: behind it", refused(200, stored, func(a *answered) { a.unwanted = true }), asked{}, over(noStore, stayAlone, withdrawn)}, storable},
		{row{"9111 §5.2.2.5: to be lent", refused(200, stored, func(a *answered) { a.unwanted = true }), asked{}, over(noStore, stayAlone, withdrawn)}, lent},
		{row{"9111 §5.2.2.7: a part of it", refused(200, stored, func(a *answered) { a.parted = true }), asked{}, over(private, stayAlone, withdrawn)}, storable},
		{row{"9111 §4.3.3: aborted behind it", refused(200, stored, func(a *answered) { a.aborted = true }), asked{}, over(refusedAborted, moreLead, withdrawn)}, storable},
		{row{"an error behind it", refused(200, stored, func(a *answered) { a.aborted, a.erred = true, true }), asked{}, over(refusedAborted, untold, untouched)}, storable},
		{row{"9110 §9.3.3", func(a *answered) { a.posted = true }, asked{}, verdict{fate: storable}}, storable},
		{row{"9110 §9.3.3: nothing written", func(a *answered) { a.posted, a.bare = true, true }, asked{}, verdict{refusal: method}}, storable},
		{row{"9110 §15.3.5: nothing written", func(a *answered) { a.bare = true }, asked{}, verdict{fate: storable}}, storable},
		{row{"as the header went out", nil, asked{}, verdict{refusal: rfc9111.RefusedVary}}, unstored},
		{row{"9111 §4.3.4", nil, asked{}, verdict{fate: confirmed, stored: freshened}}, confirmed},
		{row{"9111 §4.3.4: it is not to be stored any more", refused(200, noStore), asked{},
			verdict{refusal: noStore, fate: confirmed, waiting: stayAlone, stored: withdrawn}}, confirmed},
		{row{"5861 §4", nil, asked{}, verdict{fate: failed, waiting: oneLeads}}, failed},
	} {
		was := verdict{fate: row.was, mode: response.Capture}
		if row.was == unstored {
			was.refusal, was.waiting = rfc9111.RefusedVary, stayAlone
		}
		if got := conclude(was, row.of()); got != row.want {
			t.Errorf("%s: %+v; want %+v", row.section, got, row.want)
		}
	}
}

func TestCompare(t *testing.T) {
	const stored, noStore, private, stale = rfc9111.Stored, rfc9111.RefusedNoStore, rfc9111.RefusedPrivate, rfc9111.RefusedStale
	const credentials, status = rfc9111.RefusedCredentials, rfc9111.RefusedStatus
	tells := func(a *answered) { a.tells = true }
	for _, row := range []struct {
		row
		why rfc9111.Refusal
	}{
		{row{"9111 §4.3.5", refused(200, stored, tells), asked{}, verdict{stored: freshened}}, stored},
		{row{"9111 §4.3.5: nothing shows that it is the same", refused(200, stored), asked{}, verdict{}}, stored},
		{row{"9111 §4.3.5: another one", refused(200, stored, tells), asked{other: true}, verdict{stored: withdrawn}}, stored},
		{row{"9111 §4.3.5: it says nothing of its freshness", refused(200, stale, tells, func(a *answered) { a.silent = true }), asked{}, verdict{stored: freshened}}, stale},
		{row{"9111 §4.2: it is stale", refused(200, stale, tells), asked{}, verdict{refusal: stale, stored: withdrawn}}, stale},
		{row{"9111 §5.2.2.5", refused(200, noStore, tells), asked{}, verdict{refusal: noStore, stored: withdrawn}}, noStore},
		{row{"9111 §4.3.4: as it changes what is stored", refused(200, stored, tells), asked{change: private}, verdict{stored: withdrawn}}, stored},
		{row{"9111 §3.5: another's page", refused(200, credentials, tells), asked{other: true, change: credentials}, verdict{refusal: credentials}}, credentials},
		{row{"9111 §3.5: of what is not for it", refused(404, status, func(a *answered) { a.foundAs, a.foreign = 0, true }), asked{},
			verdict{refusal: credentials, stored: withdrawn}}, status},
		{row{"9111 §3.5: nor what is not for it", refused(200, stored, tells, func(a *answered) { a.foundAs, a.foreign = 0, true }), asked{},
			verdict{refusal: credentials}}, stored},
		{row{"9110 §15.5.2: for these credentials", refused(401, status, func(a *answered) { a.credentials = true }), asked{}, verdict{refusal: credentials}}, status},
		{row{"9110 §15.5.2", refused(401, status), asked{}, verdict{refusal: status, stored: withdrawn}}, status},
		{row{"9110 §15.5.5", refused(404, status), asked{}, verdict{refusal: status, stored: withdrawn}}, status},
		{row{"9110 §15.5.2: nor is its page compared", refused(401, status, tells, func(a *answered) { a.credentials = true }), asked{other: true}, verdict{refusal: credentials}}, stored},
		{row{"9110 §15.5.5: that may be stored", refused(404, stored), asked{}, verdict{refusal: status, stored: withdrawn}}, stored},
		{row{"9110 §15.5.6", refused(405, status), asked{}, verdict{refusal: status}}, status},
		{row{"9110 §15.6.4", refused(503, status), asked{}, verdict{refusal: status}}, status},
		{row{"aborted", refused(200, stored, tells, func(a *answered) { a.aborted = true }), asked{}, verdict{refusal: refusedAborted, stored: withdrawn}}, stored},
		{row{"an error", refused(200, stored, tells, func(a *answered) { a.aborted, a.erred = true, true }), asked{}, verdict{}}, stored},
	} {
		if got := compare(row.why, row.of()); got != row.want {
			t.Errorf("%s: %+v; want %+v", row.section, got, row.want)
		}
	}
}

// TestLateAsEarly: why an answer is not stored does the same whether it is known by its header or turns out behind that.
func TestLateAsEarly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		a := anyAnswer(r)
		late, early := *a, *a
		late.refused, late.left, late.aborted, late.tooLarge, late.starved, late.bare, late.parted = "", false, false, false, false, false, false
		switch r.IntN(4) {
		case 0:
			late.unwanted, early.refused = true, rfc9111.RefusedNoStore
		case 1:
			late.unwanted, late.parted, early.refused = false, true, rfc9111.RefusedPrivate
		case 2:
			late.unwanted, late.aborted, late.erred, early.refused = false, true, false, refusedAborted
		case 3:
			late.tooLarge, early.refused = true, refusedTooLarge
		}
		early.left, early.validates, early.standsIn = false, false, false
		behind, before := conclude(verdict{fate: storable}, &late), judge(&early)
		before.mode = behind.mode
		if behind != before {
			t.Fatalf("%+v behind the header, and %+v before it: %+v", behind, before, *a)
		}
	}
}

// TestVerdictsHold: whatever is known of an answer, what must never be does not become of it.
func TestVerdictsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		a := anyAnswer(r)
		v := judge(a)
		last := conclude(v, a)
		for name, broken := range map[string]bool{
			"it is kept though it may not be":           v.captures() && a.refused != rfc9111.Stored || last.captures() && (a.unwanted || a.parted || a.aborted || !a.whole),
			"it is kept though it was not captured":     last.captures() && !v.captures(),
			"it is captured for nothing":                !v.captures() && (v.mode == response.Capture || v.mode == response.Withhold),
			"it is kept from the client, with no other": v.mode == response.Swallow && v.fate != confirmed && v.fate != failed,
			"a POST concerns others":                    a.posted && v.fate != confirmed && v.fate != failed && (v.waiting != untold || v.stored != untouched || last.waiting != untold),
			"they wait for what they cannot have":       v.waiting == waitOn && !v.captures(),
			"nothing that is stored is taken back":      !a.found && (v.stored != untouched || v.fate != confirmed && last.stored != untouched),
			"one that has left takes something back":    a.left && v.stored == withdrawn,
		} {
			if broken {
				t.Fatalf("%s: %+v, and then %+v, of %+v", name, v, last, *a)
			}
		}
	}
}

// anyAnswer returns an answer of which anything holds.
func anyAnswer(r *rand.Rand) *answered {
	yes := func() bool { return r.IntN(2) == 0 }
	rarely := func() bool { return r.IntN(8) == 0 }
	statuses := []int{200, 200, 200, 204, 206, 301, 304, 400, 401, 404, 410, 500, 503}
	refusals := []rfc9111.Refusal{"", "", "", "", "", "", rfc9111.RefusedNoStore, rfc9111.RefusedPrivate, rfc9111.RefusedStatus, rfc9111.RefusedCredentials}
	a := &answered{
		status: statuses[r.IntN(len(statuses))], refused: refusals[r.IntN(len(refusals))],
		posted: rarely(), credentials: yes(), identified: yes(), ranged: yes(), entire: yes(), small: yes(), neutral: yes(), followed: yes(),
		found: yes(), foreign: yes(), validates: yes(), standsIn: yes(), foundAs: 200,
		usable: !rarely(), left: rarely(), aborted: rarely(), erred: yes(), partial: rarely(), parts: rarely(),
		bare: yes(), tooLarge: rarely(), starved: rarely(), unwanted: rarely(), parted: rarely(), gone: rarely(), whole: !rarely(),
		facts: asked{purged: yes(), later: yes(), cookie: rarely(), large: rarely(), has: rarely()},
	}
	if a.posted { // nothing is looked up for it
		a.followed, a.found = false, false
	}
	return a
}
