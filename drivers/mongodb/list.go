package mongodb

import (
	"context"
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

// Keys implements [drivers.Lister]. It reads a thousand keys at a time by their index, and no values. That of a user who may not do it
// (find) matches [errors.ErrUnsupported].
func (d *Driver) Keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	if err := d.begin(ctx); err != nil {
		return nil, false, err
	}
	all = true
	for _, names := range spans(prefix) {
		some, looked, err := d.keysOf(ctx, prefix, names, most)
		if err != nil {
			return nil, false, d.fail(ctx, "keys", marked.If(hasCode(err, codeUnauthorized), errors.ErrUnsupported, err))
		}
		keys, most = append(keys, some...), most-looked
		all = all && most > 0
	}
	return keys, all, nil
}

// keysOf returns the keys that begin with prefix and whose names are in a range, and how many names it has looked at, of the most.
func (d *Driver) keysOf(ctx context.Context, prefix string, names span, most int) (keys []string, looked int, err error) {
	if maxValue(names.from) < 0 {
		return nil, 0, nil // no name is so long
	}
	condition := bson.D{{Key: "$gte", Value: names.from}}
	for looked < most {
		if names.to != "" && len(names.to) <= batchBytes {
			condition = append(condition, bson.E{Key: "$lt", Value: names.to})
		}
		limit := min(batchKeys, most-looked)
		found, err := d.find(ctx, limit, bson.D{{Key: fieldKey, Value: condition}}, fieldKey)
		if err != nil {
			return nil, looked, err
		}
		last := ""
		for _, document := range found {
			last, _ = document.Lookup(fieldKey).StringValueOK()
			if key, ok := decodeKey(last); ok && strings.HasPrefix(key, prefix) {
				keys = append(keys, key)
			}
		}
		looked += len(found)
		if len(found) < limit {
			return keys, looked, nil
		}
		condition = bson.D{{Key: "$gt", Value: last}}
	}
	return keys, looked, nil
}
