package mongodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/gin-cachette/cachette/drivers/internal/once"
)

const (
	// indexTimeout bounds one attempt to make the indexes. A server goes on with an index that it has begun.
	indexTimeout = time.Minute

	// firstPatience is how long a server has to answer before it is asked again on another connection; it doubles each time.
	firstPatience = 200 * time.Millisecond

	// indexPause is how long after a refusal they are tried again.
	indexPause = 30 * time.Second

	// duplicateRounds bounds how often duplicates are looked for: others may write new ones meanwhile.
	duplicateRounds = 3

	// reapAfter is how many seconds after the end of an entry the server may remove it. The server goes by its own clock:
	// one that runs fast by less than this removes nothing too early.
	reapAfter = 60
)

// Codes of MongoDB's errors.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const (
	codeIndexOptionsConflict  = 85
	codeIndexKeySpecsConflict = 86
)

// notNow are the codes of a server that is about to go or to come: it is as good as one that does not answer.
var notNow = []int{91, 189, 10107, 11600, 11602, 13435, 13436}

// indexes makes the collection's indexes: the first operation starts it, and one attempt runs at a time. An attempt that
// does not reach the server is followed by another with the next operation; one that the server has refused, after a
// pause; and one that was good, when the server has been away.
type indexes struct {
	collection *mongo.Collection
	logger     *slog.Logger
	made       *once.Value[struct{}]

	said map[string]bool // messages that are in the log; of the attempt under way alone
}

func newIndexes(life context.Context, collection commands, logger *slog.Logger) *indexes {
	x := &indexes{collection: collection.Collection, logger: logger}
	x.made = once.New(life, indexTimeout, pauseBehind, x.attempt)
	return x
}

// pauseBehind returns how long after a failure the indexes are not tried again.
func pauseBehind(err error) time.Duration {
	if answered(err) {
		return indexPause
	}
	return 0
}

// prepare starts an attempt if one is due.
func (x *indexes) prepare() { x.made.Begin() }

// wait waits for the attempt under way, or starts one. It returns an error only if ctx ends: an operation goes on
// without indexes.
func (x *indexes) wait(ctx context.Context) error {
	running := x.made.Begin()
	if running == nil {
		return nil
	}
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget has the next operation make the indexes again, which changes nothing where they are: a server that could not be
// reached may come back empty.
func (x *indexes) forget() { x.made.Forget(x.made.Ready()) }

func (x *indexes) attempt(ctx context.Context) (*struct{}, error) {
	err := x.reach(ctx)
	if err == nil {
		err = x.make(ctx)
	}
	if answered(err) {
		x.say(slog.LevelWarn, "cachette: mongodb: the server refuses the index on key: "+withoutIndex, err)
	}
	return new(struct{}), err
}

// reach finds a connection on which the server answers, in time for the writes that wait for the attempt: making an index may take a
// while, and so says nothing of a connection that was lost.
func (x *indexes) reach(ctx context.Context) error {
	for patience := firstPatience; ; patience = min(2*patience, openTimeout) {
		if err := x.ping(ctx, patience); !mongo.IsTimeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (x *indexes) ping(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := send(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, x.collection.Database().Client().Ping(ctx, readpref.Primary())
	})
	return err
}

// withoutIndex is what it means that there is no unique index.
const withoutIndex = "two that write a new key at once may leave two documents of it"

// answered tells whether err is the server's decision.
func answered(err error) bool {
	var answer mongo.ServerError
	return errors.As(err, &answer) && !away(err)
}

// away tells whether err says that no server was reached that does what it is told.
func away(err error) bool {
	return mongo.IsNetworkError(err) || mongo.IsTimeout(err) || hasCode(err, notNow...)
}

// say puts a message into the log, once.
func (x *indexes) say(level slog.Level, message string, err error) {
	if x.said[message] {
		return
	}
	if x.said == nil {
		x.said = make(map[string]bool)
	}
	x.said[message] = true
	logger := x.logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Log(context.Background(), level, message, "collection", x.collection.Name(), "error", err)
}

// make makes both indexes, and with them the collection. Each has a command of its own: a server that has no TTL indexes
// refuses one alone.
func (x *indexes) make(ctx context.Context) error {
	if err := x.makeUnique(ctx); err != nil {
		return fmt.Errorf("making the unique index on %s: %w", fieldKey, err)
	}
	if err := x.makeTTL(ctx); err != nil {
		return fmt.Errorf("making the TTL index on %s: %w", fieldExpiresAt, err)
	}
	return nil
}

func (x *indexes) makeUnique(ctx context.Context) error {
	var err error
	for range duplicateRounds {
		_, err = x.collection.Indexes().CreateOne(ctx, mongo.IndexModel{
			Keys:    bson.D{{Key: fieldKey, Value: 1}},
			Options: options.Index().SetUnique(true),
		})
		switch {
		case hasCode(err, codeIndexOptionsConflict, codeIndexKeySpecsConflict, codeUnauthorized):
			return x.acceptExisting(ctx, err)
		case !answered(err):
			return err // nil, or not reached
		}
		// Not every server gives duplicates the code that MongoDB gives them.
		removed, searchErr := x.removeDuplicates(ctx)
		if mongo.IsNetworkError(searchErr) || ctx.Err() != nil {
			return searchErr
		}
		if removed == 0 {
			return err
		}
	}
	return err
}

// acceptExisting is for an index on key that another has made, or that this user may not make.
func (x *indexes) acceptExisting(ctx context.Context, refused error) error {
	all, err := x.collection.Indexes().ListSpecifications(ctx)
	if err != nil && !answered(err) {
		return err
	}
	unique := slices.ContainsFunc(all, func(index mongo.IndexSpecification) bool {
		fields, err := index.KeysDocument.Elements()
		return err == nil && len(fields) == 1 && fields[0].Key() == fieldKey && index.Unique != nil && *index.Unique
	})
	switch {
	case unique:
		return nil
	case err != nil, hasCode(refused, codeUnauthorized):
		return refused
	}
	x.say(slog.LevelWarn, "cachette: mongodb: the index on key that is there is not unique: "+withoutIndex, refused)
	return nil
}

// removeDuplicates removes all documents but one of each key that has several, and returns how many it removed. It keeps
// the one that a read finds: updates have found it too, so its value is the latest.
func (x *indexes) removeDuplicates(ctx context.Context) (int64, error) {
	cursor, err := x.collection.Aggregate(ctx, bson.A{
		bson.D{{Key: "$match", Value: bson.D{{Key: fieldKey, Value: bson.D{{Key: "$type", Value: "string"}}}}}},
		bson.D{{Key: "$group", Value: bson.D{{Key: fieldID, Value: "$" + fieldKey}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
		bson.D{{Key: "$match", Value: bson.D{{Key: "n", Value: bson.D{{Key: "$gt", Value: 1}}}}}},
	}, options.Aggregate().SetAllowDiskUse(true))
	if err != nil {
		return 0, err
	}
	defer cursor.Close(ctx)
	var removed int64
	for cursor.Next(ctx) {
		key := cursor.Current.Lookup(fieldID)
		kept, err := x.collection.FindOne(ctx, bson.D{{Key: fieldKey, Value: key}},
			options.FindOne().SetProjection(bson.D{{Key: fieldID, Value: 1}})).Raw()
		if errors.Is(err, mongo.ErrNoDocuments) {
			continue
		}
		if err != nil {
			return removed, err
		}
		result, err := x.collection.DeleteMany(ctx, bson.D{
			{Key: fieldKey, Value: key},
			{Key: fieldID, Value: bson.D{{Key: "$ne", Value: kept.Lookup(fieldID)}}},
		})
		if err != nil {
			return removed, err
		}
		removed += result.DeletedCount
	}
	if removed > 0 {
		x.say(slog.LevelWarn, "cachette: mongodb: there were several documents of one key: all but the one that was read have been removed", nil)
	}
	return removed, cursor.Err()
}

// makeTTL makes the index by which the server removes what has expired. An entry that fastapi-cachette has replaced has
// a date that is not its own: it leaves the index, as its expires is no 64-bit integer any more.
func (x *indexes) makeTTL(ctx context.Context) error {
	_, err := x.collection.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys: bson.D{{Key: fieldExpiresAt, Value: 1}},
		Options: options.Index().SetExpireAfterSeconds(reapAfter).
			SetPartialFilterExpression(bson.D{{Key: fieldExpires, Value: bson.D{{Key: "$type", Value: "long"}}}}),
	})
	switch {
	case hasCode(err, codeIndexOptionsConflict, codeIndexKeySpecsConflict):
		return nil // another has made one
	case answered(err):
		x.say(slog.LevelInfo, "cachette: mongodb: the server makes no TTL index: what has expired stays, invisible, until it is flushed", err)
		return nil
	}
	return err
}
