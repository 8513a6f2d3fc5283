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

// lives are the marks that this process has lengthened, with their hard marks. What is forgotten costs a round trip.
type lives [16]livesPart

type livesPart struct {
	mu    sync.Mutex
	known map[markID]lengthened
}

// lengthened is until when a mark lives at least, with the words that it and the hard mark had then.
type lengthened struct {
	until      time.Time
	word, hard string
}

// markID tells marks apart: one scope has several, each in a partition of its own.
type markID struct {
	id
	part uint8
}

// in returns the mark that a scope has in a partition.
func (i id) in(part *partition) markID { return markID{i, uint8(part.number)} }

const maxLives = 512 // in each part

// partOf returns the part of the lives that a mark's is in.
func (l *lives) partOf(i markID) *livesPart { return &l[(i.id[0]+i.part)%16] }

func (l *lives) note(i markID, now lengthened) {
	part := l.partOf(i)
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.known == nil || len(part.known) >= maxLives {
		part.known = make(map[markID]lengthened)
	}
	part.known[i] = now
}

// of returns until when a mark with a word lives at least, and the word that the hard mark had with it; empty where that is not known. A hard
// mark that was lost since has another one, which costs no more than a miss behind a soft purge.
func (l *lives) of(i markID, word string) (hard string, until time.Time) {
	until = lifeOf(word)
	part := l.partOf(i)
	part.mu.Lock()
	defer part.mu.Unlock()
	known := part.known[i]
	if known.until.After(until) {
		until = known.until
	}
	if known.word == word {
		hard = known.hard
	}
	return hard, until
}
