package mongodb

import (
	"fmt"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

// The fields of a document, see the package comment.
const (
	fieldID        = "_id"
	fieldKey       = "key"
	fieldValue     = "value"
	fieldExpires   = "expires"
	fieldExpiresAt = "expires_at"
)

const (
	// maxDocument is how large, in bytes, a document of MongoDB may be.
	// https://www.mongodb.com/docs/manual/reference/limits/#mongodb-limit-BSON-Document-Size
	maxDocument = 16 << 20

	// documentOverhead is the size, in bytes, of a document of an empty key and an empty value: its length, five
	// elements (each a type, a name that ends with a null, and what it takes besides), and a null.
	documentOverhead = 4 +
		1 + len(fieldID) + 1 + 12 + // an ObjectID
		1 + len(fieldKey) + 1 + 4 + 1 + // a length, and a null
		1 + len(fieldValue) + 1 + 4 + 1 + // a length, and a subtype
		1 + len(fieldExpires) + 1 + 8 +
		1 + len(fieldExpiresAt) + 1 + 8 +
		1
)

// tooLargeCodes are those by which servers refuse a document: BSONObjectTooLarge, and two older ones that an update has.
var tooLargeCodes = []int{10334, 17419, 17420}

// maxValue is the size of the largest value that fits into a document beside name; less than zero if none does.
func maxValue(name string) int {
	return max(-1, maxDocument-documentOverhead-len(name))
}

// marshal encodes what this package has composed. A client's own registry and options have no say in it: they could
// shorten integers, whose width means something here.
func marshal(document bson.D) bson.Raw {
	raw, err := bson.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("mongodb: a document of our own cannot be encoded: %v", err))
	}
	return raw
}

// fields are those that a write sets. end is in milliseconds since the epoch.
func fields(value []byte, end int64) bson.D {
	return bson.D{
		{Key: fieldValue, Value: bson.Binary{Data: value}},
		{Key: fieldExpires, Value: end / 1000},
		{Key: fieldExpiresAt, Value: bson.DateTime(end)},
	}
}

// An entry is a document as it was read. value is a part of it.
type entry struct {
	name  string // of the key, as encodeKey makes it
	value []byte
	end   int64 // in milliseconds since the epoch: from then on the entry is invisible
}

// parse reads a document of this package, or of fastapi-cachette.
func parse(document bson.Raw) (entry, error) {
	var e entry
	var ok bool
	if e.name, ok = document.Lookup(fieldKey).StringValueOK(); !ok {
		return entry{}, malformed(fieldKey, "a string")
	}
	if _, e.value, ok = document.Lookup(fieldValue).BinaryOK(); !ok {
		return entry{}, malformed(fieldValue, "binary")
	}
	e.value = e.value[:len(e.value):len(e.value)]
	if e.end, ok = endOf(document); !ok {
		return entry{}, malformed(fieldExpires, "a number")
	}
	return e, nil
}

func malformed(field, want string) error {
	return marked.Error{Err: fmt.Errorf("the document's field %q is not %s: another program must have written it", field, want), Kind: drivers.ErrAnswered}
}

// endOf returns the end of an entry, in milliseconds since the epoch. live says the same to the server.
func endOf(document bson.Raw) (int64, bool) {
	expires := document.Lookup(fieldExpires)
	seconds, ok := expires.AsInt64OK()
	if !ok {
		return 0, false
	}
	if expires.Type == bson.TypeInt64 {
		if exact, ok := document.Lookup(fieldExpiresAt).DateTimeOK(); ok && exact/1000 == seconds {
			return exact, true
		}
	}
	if seconds > math.MaxInt64/1000 {
		return math.MaxInt64, true
	}
	return max(0, seconds) * 1000, true
}

// live returns the conditions of which a live entry fulfils one. now is in milliseconds since the epoch.
func live(now int64) bson.A {
	second := now / 1000
	return bson.A{
		bson.D{{Key: fieldExpires, Value: bson.D{{Key: "$gt", Value: second}}}},
		// It ends in the course of this second.
		bson.D{
			{Key: fieldExpires, Value: bson.D{{Key: "$eq", Value: second}, {Key: "$type", Value: "long"}}},
			{Key: fieldExpiresAt, Value: bson.D{
				{Key: "$gt", Value: bson.DateTime(now)},
				{Key: "$lt", Value: bson.DateTime((second + 1) * 1000)},
			}},
		},
	}
}

// liveAnd matches what filter does and is live; deadAnd, what it does and is not, whatever its fields are.
func liveAnd(now int64, filter ...bson.E) bson.Raw {
	return marshal(append(filter, bson.E{Key: "$or", Value: live(now)}))
}

func deadAnd(now int64, filter ...bson.E) bson.Raw {
	return marshal(append(filter, bson.E{Key: "$nor", Value: live(now)}))
}

// expired matches documents whose end is past, and no others: not those that have none.
func expired(now int64) []bson.E {
	return []bson.E{
		{Key: fieldExpires, Value: bson.D{{Key: "$lte", Value: now / 1000}}},
	}
}
