package serve

import (
	"hash/maphash"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
)

// Of several responses that suit a request the most recent one is to be used (RFC 9111 §4). A fill may end long after a later one has
// been stored, as it waits for a client that reads slowly: then it neither replaces nor removes what is newer than its own answer.

// tracks are what the fills under way know of one another, by the key of their target, without a variant.
type tracks struct {
	seed   maphash.Seed
	shards [32]trackShard
}

type trackShard struct {
	mu    sync.Mutex
	all   map[string]*track
	spare *track // for the next key: most fills are the only one of theirs
}

// track is what has come of the fills of one target since the oldest of those under way began. A fill that begins later makes a later
// answer, so what came before is of no concern.
type track struct {
	key   string
	shard *trackShard
	fills int // under the shard's lock

	mu     sync.Mutex
	stamps []stamp   // in the order in which they were made
	floor  time.Time // the latest of those that were dropped
	room   [1]stamp  // what stamps has its room from at first
}

// stamp says that an answer was stored, or has taken back what was.
type stamp struct {
	made    time.Time
	vary    []string
	variant string
	part    bool // the answer is a part, and replaces nothing but parts
}

// maxStamps bounds the stamps of a track, since clients choose variants. An answer that is older than a stamp which was dropped is not
// stored.
const maxStamps = 64

func newTracks() *tracks { return &tracks{seed: maphash.MakeSeed()} }

// enter returns the track of a key for a fill that begins. leave must be called when nothing is stored by it any more.
func (t *tracks) enter(key string) *track {
	shard := &t.shards[maphash.String(t.seed, key)%uint64(len(t.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	at := shard.all[key]
	if at == nil {
		at = shard.begin(key)
	}
	at.fills++
	return at
}

// begin makes the track of a key. The shard is locked.
func (s *trackShard) begin(key string) *track {
	at := s.spare
	if s.spare = nil; at == nil {
		at = &track{shard: s}
	}
	at.key, at.stamps, at.floor = key, at.room[:0], time.Time{}
	if s.all == nil {
		s.all = make(map[string]*track)
	}
	s.all[key] = at
	return at
}

// leave is called by a fill that has entered.
func (t *track) leave() {
	s := t.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.fills--; t.fills == 0 {
		delete(s.all, t.key)
		t.key, t.room = "", [1]stamp{}
		s.spare = t
	}
}

// later tells whether there is a stamp that is later than m and concerns the same request. The track is locked.
func (t *track) later(m *stamp, request http.Header) bool {
	return t.floor.After(m.made) || slices.ContainsFunc(t.stamps, func(other stamp) bool {
		return other.made.After(m.made) && (m.part || !other.part) && entries.Selects(other.vary, other.variant, request)
	})
}

// add notes a stamp, in place of older ones for the same. The track is locked.
func (t *track) add(m *stamp) {
	t.stamps = slices.DeleteFunc(t.stamps, func(other stamp) bool {
		return other.part == m.part && other.variant == m.variant && slices.Equal(other.vary, m.vary)
	})
	if len(t.stamps) == maxStamps {
		if dropped := t.stamps[0].made; dropped.After(t.floor) {
			t.floor = dropped
		}
		t.stamps = slices.Delete(t.stamps, 0, 1)
	}
	t.stamps = append(t.stamps, *m)
}

// enterTrack enters the track of an exchange's target.
func (x *exchange) enterTrack() { x.track = x.s.tracks.enter(x.target.Key) }

// leaveTrack leaves it.
func (x *exchange) leaveTrack() {
	x.track.leave()
	x.track = nil
}

// moveTrack enters the track of the key under which the answer is to be kept, where that is another one by what it declares of the query: fills of other
// targets may make something for it as well, until this one's body is complete.
func (x *exchange) moveTrack() {
	key := x.target.For(response.ValuesOf(x.draft.Fields, "No-Vary-Search"))
	if was := x.track; key != was.key && !x.made.Partial {
		x.track = x.s.tracks.enter(key)
		was.leave()
	}
}

// stampOf is the stamp of an exchange's answer that comes in the place of e.
func (x *exchange) stampOf(e *response.Entry, variant string) *stamp {
	return &stamp{made: x.made.ResponseTime, vary: e.Meta.Vary, variant: variant, part: e.Asked != ""}
}

// late tells whether a later answer has been stored, or has taken back what was.
func (x *exchange) late() bool {
	x.track.mu.Lock()
	defer x.track.mu.Unlock()
	return x.track.later(&stamp{made: x.made.ResponseTime, part: x.made.Partial}, x.request.Header)
}

// unlessLate does what an exchange's answer does to what is stored, or to what waits for the store, unless a later one has done so. Nothing
// comes in between, and nothing is waited for: another store gets the writes of one key in their order.
func (x *exchange) unlessLate(m *stamp, do func()) {
	x.track.mu.Lock()
	defer x.track.mu.Unlock()
	if !x.track.later(m, x.request.Header) {
		x.track.add(m)
		do()
	}
}
