package mongodb

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// commands are what a server is asked: one round trip each, but for a find whose answer is too large for one.
type commands struct {
	*mongo.Collection
	by *senders // nil where the client does not tell sending of what it sends
}

// one returns a document that filter matches, or mongo.ErrNoDocuments.
func (c commands) one(ctx context.Context, filter bson.Raw) (bson.Raw, error) {
	return do(ctx, c.by, func(ctx context.Context) (bson.Raw, error) { return c.FindOne(ctx, filter).Raw() })
}

// find returns the documents that filter matches.
func (c commands) find(ctx context.Context, filter bson.Raw, o *options.FindOptionsBuilder) ([]bson.Raw, error) {
	return do(ctx, c.by, func(ctx context.Context) ([]bson.Raw, error) {
		cursor, err := c.Find(ctx, filter, o)
		if err != nil {
			return nil, err
		}
		defer cursor.Close(ctx)
		var found []bson.Raw
		for cursor.Next(ctx) {
			found = append(found, slices.Clone(cursor.Current)) // the cursor uses its own again
		}
		return found, cursor.Err()
	})
}

// all returns the documents whose field is one of values.
func (c commands) all(ctx context.Context, field string, values []string) ([]bson.Raw, error) {
	// One more than can be found, or the server would wait to be asked whether there is more.
	o := options.Find().SetBatchSize(int32(len(values) + 1))
	return c.find(ctx, marshal(bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: values}}}}), o)
}

func (c commands) update(ctx context.Context, filter, update bson.Raw, o *options.UpdateOneOptionsBuilder) (bool, error) {
	result, err := do(ctx, c.by, func(ctx context.Context) (*mongo.UpdateResult, error) { return c.UpdateOne(ctx, filter, update, o) })
	if err != nil {
		return false, err
	}
	return result.MatchedCount+result.UpsertedCount > 0, acknowledged(result.Acknowledged)
}

func (c commands) updateAll(ctx context.Context, filter, update bson.Raw) error {
	result, err := do(ctx, c.by, func(ctx context.Context) (*mongo.UpdateResult, error) { return c.UpdateMany(ctx, filter, update) })
	if err != nil {
		return err
	}
	return acknowledged(result.Acknowledged)
}

// add adds values that live until end, but for names that have one, and returns the indexes of those that it added.
//
// They are upserts that may concern several documents, which none does as names are unique: the client repeats inserts, and updates of one
// document, where they fail (retryable writes). Which were added is told by the _id: FerretDB counts them by themselves.
func (c commands) add(ctx context.Context, names []string, values [][]byte, end int64) (added []int, err error) {
	models, places := make([]mongo.WriteModel, len(names)), make(map[any]int)
	for i, name := range names {
		id := bson.NewObjectID()
		places[id] = i
		models[i] = mongo.NewUpdateManyModel().SetUpsert(true).SetFilter(marshal(bson.D{{Key: fieldKey, Value: name}})).SetUpdate(marshal(
			bson.D{{Key: "$setOnInsert", Value: append(bson.D{{Key: fieldID, Value: id}}, fields(values[i], end)...)}}))
	}
	result, err := do(ctx, c.by, func(ctx context.Context) (*mongo.BulkWriteResult, error) {
		return c.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	})
	if err != nil && !isTaken(err) {
		return nil, err
	}
	for _, id := range result.UpsertedIDs {
		if i, ok := places[id]; ok {
			added = append(added, i)
		}
	}
	return added, acknowledged(err != nil || result.Acknowledged)
}

// isTaken tells whether nothing but keys that another has added in the same moment is what some of several writes were refused for.
func isTaken(err error) bool {
	var several mongo.BulkWriteException
	return errors.As(err, &several) && several.WriteConcernError == nil &&
		!slices.ContainsFunc(several.WriteErrors, func(one mongo.BulkWriteError) bool { return !mongo.IsDuplicateKeyError(one.WriteError) })
}

// remove returns how many documents it removed.
func (c commands) remove(ctx context.Context, filter bson.Raw) (int, error) {
	result, err := do(ctx, c.by, func(ctx context.Context) (*mongo.DeleteResult, error) { return c.DeleteMany(ctx, filter) })
	if err != nil {
		return 0, err
	}
	return int(result.DeletedCount), acknowledged(result.Acknowledged)
}

func acknowledged(is bool) error {
	if !is {
		return errors.New("the client's write concern is w=0, which does not tell what became of a write")
	}
	return nil
}

// send has command done, and again while its connection turns out to have been dropped, so that nothing of it was sent.
func send[T any](ctx context.Context, command func(context.Context) (T, error)) (T, error) {
	for {
		result, err := command(ctx)
		if !errors.As(err, new(errDropped)) || ctx.Err() != nil {
			return result, err
		}
	}
}
