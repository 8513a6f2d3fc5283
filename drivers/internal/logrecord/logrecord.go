// Package logrecord has what the logs of all stores share: the form of a record, and the search for a position.
//
// A record is kept as its word, which is random and its alone, a byte that tells what it is, and what was appended. A log is
// such records in their order. The first may be one that only begins the log, so that there is a word before the first record.
package logrecord

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

const (
	wordSize = 16

	begins   = 0
	appended = 1
)

// Check returns an error unless keep and ttl are positive.
func Check(keep int, ttl time.Duration) error {
	if keep <= 0 {
		return fmt.Errorf("the number of records to keep is %d: it must be positive", keep)
	}
	return CheckTTL(ttl)
}

// CheckTTL returns an error unless ttl is positive.
func CheckTTL(ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("the time to live is %v: it must be positive", ttl)
	}
	return nil
}

// Room is how many records are stored of a log that is to hold the last keep: one more, as the record before them is
// looked for.
func Room(keep int) int { return max(keep, keep+1) }

// Begin returns a record that begins a log.
func Begin() []byte { return pack(begins, nil) }

// Pack returns a record of data.
func Pack(data []byte) []byte { return pack(appended, data) }

// PackAll returns a record of each of data.
func PackAll(data [][]byte) [][]byte {
	records := make([][]byte, len(data))
	for i := range data {
		records[i] = Pack(data[i])
	}
	return records
}

func pack(kind byte, data []byte) []byte {
	record := make([]byte, wordSize+1, wordSize+1+len(data))
	_, _ = rand.Read(record[:wordSize]) // which never fails (crypto/rand)
	record[wordSize] = kind
	return append(record, data...)
}

// ErrForeign says that something else lies where a record should. It matches [drivers.ErrAnswered].
var ErrForeign error = marked.Error{
	Err:  errors.New("what lies under the key is no log: another program, or another version, must have written it"),
	Kind: drivers.ErrAnswered,
}

// Position returns the position behind a record.
func Position(record []byte) (drivers.Position, error) {
	if len(record) <= wordSize {
		return "", ErrForeign
	}
	return drivers.Position(base64.RawURLEncoding.EncodeToString(record[:wordSize])), nil
}

// Since returns what was appended behind from, and the position behind that; false if no record is before from. The slices
// are parts of records. Of two records with one word, which the repetition of a write might leave, the first counts: then
// records are returned twice, and none is left out.
func Since(records [][]byte, from drivers.Position) (data [][]byte, end drivers.Position, complete bool, err error) {
	word, err := base64.RawURLEncoding.DecodeString(string(from))
	if err != nil || len(word) != wordSize {
		return nil, "", false, nil // it is of another store
	}
	at := slices.IndexFunc(records, func(record []byte) bool { return bytes.HasPrefix(record, word) })
	if at < 0 {
		return nil, "", false, nil
	}
	for _, record := range records[at+1:] {
		switch {
		case len(record) <= wordSize:
			return nil, "", false, ErrForeign
		case record[wordSize] == appended:
			data = append(data, record[wordSize+1:])
		}
	}
	end, err = Position(records[len(records)-1])
	return data, end, err == nil, err
}
