package mongodb_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// readers is how many read at once in a benchmark.
const readers = 64

// concurrently calls read n times from readers goroutines, and returns how long that took.
func concurrently(b *testing.B, n int, read func() error) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var running sync.WaitGroup
	start := time.Now()
	for range readers {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				if err := read(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(start)
}

// BenchmarkGet compares Get with what the client takes by itself to find and decode the same document of 1 KB, in turns.
// It reports how many times as fast the driver is.
func BenchmarkGet(b *testing.B) {
	b.Run("Server", func(b *testing.B) { benchmarkGet(b, connect(b)) })
	// A server that answers at once, so that what a client does itself weighs the most.
	b.Run("Instant", func(b *testing.B) {
		document := bson.D{
			{Key: "_id", Value: bson.NewObjectID()}, {Key: "key", Value: "key"}, {Key: "value", Value: make([]byte, 1<<10)},
			{Key: "expires", Value: int64(4e9)}, {Key: "expires_at", Value: bson.DateTime(4e12)},
		}
		address := newFake(b, onCommand("find", func(bson.Raw) bson.D {
			return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
				{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: bson.A{document}},
			}}}
		}))
		benchmarkGet(b, dial(b, options.Client().ApplyURI("mongodb://"+address)))
	})
}

func benchmarkGet(b *testing.B, client *mongo.Client) {
	collection := fresh(b, client)
	d := newDriver(b, collection, mongodb.Options{})
	ctx := context.Background()
	if err := d.Set(ctx, "key", make([]byte, 1<<10), time.Hour); err != nil {
		b.Fatal(err)
	}
	throughDriver := func() error {
		_, err := d.Get(ctx, "key")
		return err
	}
	throughClient := func() error {
		var document struct {
			Key       string    `bson:"key"`
			Value     []byte    `bson:"value"`
			Expires   int64     `bson:"expires"`
			ExpiresAt time.Time `bson:"expires_at"`
		}
		return collection.FindOne(ctx, bson.D{{Key: "key", Value: "key"}}).Decode(&document)
	}
	concurrently(b, 4*readers, throughClient) // connects
	var driver, raw time.Duration
	b.ResetTimer()
	const turn = 8 * readers
	for done := 0; done < b.N; done += turn {
		driver += concurrently(b, turn, throughDriver)
		raw += concurrently(b, turn, throughClient)
	}
	b.ReportMetric(float64(raw)/float64(driver), "times-the-client")
	b.ReportMetric(0, "ns/op") // of both, which says nothing
}
