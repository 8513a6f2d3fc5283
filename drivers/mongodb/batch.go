package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// GetValues returns the values stored under keys, in one round trip for a thousand keys, or for the 16 MiB that an answer
// may take.
func (d *Driver) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	places := make(map[string][]int, len(keys)) // of a name among keys
	for i, key := range keys {
		name := encodeKey(key)
		places[name] = append(places[name], i)
	}
	for names := range batches(keys) {
		if err := d.collect(ctx, names, places, values); err != nil {
			return nil, d.fail(ctx, "get values", err)
		}
	}
	return values, nil
}

// collect puts the live values of names into their places.
func (d *Driver) collect(ctx context.Context, names []string, places map[string][]int, values [][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	filter := marshal(bson.D{{Key: fieldKey, Value: bson.D{{Key: "$in", Value: names}}}})
	// One more than can be found, or the server would wait to be asked whether there is more.
	cursor, err := d.collection.Find(ctx, filter, options.Find().SetBatchSize(int32(len(names)+1)))
	if err != nil {
		return err
	}
	defer cursor.Close(ctx)
	now := d.now()
	for cursor.Next(ctx) {
		found, err := parse(cursor.Current)
		if err != nil {
			return err
		}
		if found.end <= now {
			continue
		}
		// Each place has a copy: the caller may change one of two, and the cursor keeps what it has read.
		for _, i := range places[found.name] {
			values[i] = append([]byte{}, found.value...)
		}
	}
	return cursor.Err()
}
