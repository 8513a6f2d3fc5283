package dynamodb

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of an item.
const (
	attrKey       = "key"
	attrValue     = "value"
	attrExpires   = "expires"
	attrExpiresMS = "expires_ms"
	attrKeyBytes  = "key_bytes"
)

const (
	// maxItem is how many bytes an item may have, names of attributes and all.
	maxItem = 400 << 10

	// maxKey is how many bytes a hash key may have.
	maxKey = 2048

	// marker begins the stored form of keys that cannot be stored as they are.
	marker = "cachette-sha256:"

	// absentKey is a hash key that no key is stored under.
	absentKey = marker + "none"

	// The largest sizes of the two times, of 11 and 14 digits: a byte for each two digits, one more if they begin in the
	// middle of a pair, and one for the exponent.
	sizeExpires   = 8
	sizeExpiresMS = 9
)

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: s}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func binary(b []byte) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: b}
}

// isPlain reports whether key can stand in the table as it is.
func isPlain(key string) bool {
	return key != "" && len(key) <= maxKey && utf8.ValidString(key) && !strings.HasPrefix(key, marker)
}

// hashKey returns the form in which key stands in the table.
func hashKey(key string) string {
	if isPlain(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return marker + hex.EncodeToString(sum[:])
}

func keyOf(key string) attributes {
	return attributes{attrKey: text(hashKey(key))}
}

// originalKey returns the key that item was stored under, and false if no driver can have stored it.
func originalKey(item attributes) (string, bool) {
	stored, ok := item[attrKey].(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	if isPlain(stored.Value) {
		return stored.Value, true
	}
	original, ok := item[attrKeyBytes].(*types.AttributeValueMemberB)
	if !ok || hashKey(string(original.Value)) != stored.Value {
		return "", false
	}
	return string(original.Value), true
}

// newItem returns the item of an entry that ends at end, in milliseconds since the epoch.
func newItem(key string, value []byte, end int64) attributes {
	if value == nil {
		value = []byte{}
	}
	item := keyOf(key)
	item[attrValue] = binary(value)
	item[attrExpires] = number(expiresOf(end))
	item[attrExpiresMS] = number(end)
	if !isPlain(key) {
		item[attrKeyBytes] = binary([]byte(key))
	}
	return item
}

// overhead is the largest size of an item under key whose value has no bytes.
func overhead(key string) int {
	size := len(attrKey) + len(attrValue) + len(attrExpires) + sizeExpires + len(attrExpiresMS) + sizeExpiresMS
	if isPlain(key) {
		return size + len(key)
	}
	return size + len(marker) + hex.EncodedLen(sha256.Size) + len(attrKeyBytes) + len(key)
}

// expiresOf returns end in whole seconds, as Python counts it.
func expiresOf(end int64) int64 {
	return end / 1000
}

// read returns the value of an item and its end, in milliseconds since the epoch. It returns false if there is none, or if
// it is another key's.
func read(item attributes, key string) (value []byte, end int64, ok bool) {
	stored, ok := item[attrValue].(*types.AttributeValueMemberB)
	if !ok {
		return nil, 0, false
	}
	if original, given := item[attrKeyBytes]; given || !isPlain(key) {
		original, ok := original.(*types.AttributeValueMemberB)
		if !ok || string(original.Value) != key {
			return nil, 0, false
		}
	}
	value = stored.Value
	if value == nil {
		value = []byte{}
	}
	return value, endOf(item), true
}

// endOf returns the end of an item, in milliseconds since the epoch: 0, which is long past, if it has none.
func endOf(item attributes) int64 {
	seconds, ok := integer(item[attrExpires])
	if !ok {
		return 0
	}
	if end, ok := integer(item[attrExpiresMS]); ok && expiresOf(end) == seconds {
		return end
	}
	return min(seconds, math.MaxInt64/1000) * 1000
}

func integer(value types.AttributeValue) (int64, bool) {
	stored, ok := value.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(stored.Value, 10, 64)
	return n, err == nil && n >= 0
}
