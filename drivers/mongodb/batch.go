package mongodb

import (
	"context"
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
	documents, err := d.collection.all(ctx, fieldKey, names)
	if err != nil {
		return err
	}
	now := d.now()
	for _, document := range documents {
		found, err := parse(document)
		if err != nil || found.end <= now { // it is no value, or has expired
			continue
		}
		// Each place but the first has a copy: the caller may change one of two.
		for n, i := range places[found.name] {
			if values[i] = found.value; n > 0 {
				values[i] = append([]byte{}, found.value...)
			}
		}
	}
	return nil
}
