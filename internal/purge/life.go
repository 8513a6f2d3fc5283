package purge

import (
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// A mark must live as long as what stands on it, or as longestLife if that is less: an entry that is older is a miss. A look-up that reads it does not lengthen its life, and does not tell how long it
// is. So a word tells until when it was to live when it was made, and lives are remembered that this process has lengthened
// since. Where both are too short, a fill adds the mark, which lengthens its life. Clocks that differ cost a round trip, or a miss.
const (
	usualLife   = 24 * time.Hour // of an entry of which nothing is known
	leastLife   = time.Minute    // what a handler may take, and a write that waits
	longestLife = 30 * 24 * time.Hour
)

// wordSize is the bytes of a word: the minute until which it lives, and what makes it another than all others.
const wordSize = 4 + 12

// newWord makes a word that lives until a moment.
func newWord(until time.Time, random func([]byte)) string {
	var b [wordSize]byte
	binary.BigEndian.PutUint32(b[:], uint32(until.Unix()/60))
	random(b[4:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// lifeOf returns until when a word says that it lives. It is zero for a word that does not say.
func lifeOf(word string) time.Time {
	b, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil || len(b) != wordSize {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint32(b))*60, 0)
}

// lives are until when marks live that this process has lengthened. What is forgotten costs a round trip.
type lives [16]livesPart

type livesPart struct {
	mu    sync.Mutex
	until map[markID]time.Time
}

// markID tells marks apart: one scope has several, each in a partition of its own.
type markID struct {
	id
	part uint8
}

// in returns the mark that a scope has in a partition.
func (i id) in(part *partition) markID { return markID{i, uint8(part.number)} }

const maxLives = 512 // in each part

// of returns the part of the lives that a mark's is in.
func (l *lives) of(i markID) *livesPart { return &l[(i.id[0]+i.part)%16] }

func (l *lives) note(i markID, until time.Time) {
	part := l.of(i)
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.until == nil || len(part.until) >= maxLives {
		part.until = make(map[markID]time.Time)
	}
	part.until[i] = until
}

// end returns until when a mark with a word lives at least.
func (l *lives) end(i markID, word string) time.Time {
	until := lifeOf(word)
	part := l.of(i)
	part.mu.Lock()
	defer part.mu.Unlock()
	if longer := part.until[i]; longer.After(until) {
		return longer
	}
	return until
}
