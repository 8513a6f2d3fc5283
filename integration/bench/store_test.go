package bench

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awscfg "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/bradfitz/gomemcache/memcache"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"

	_ "github.com/gin-cachette/cachette/drivers/all"
)

const (
	clients = 64 // that ask at the same time
	table   = "cachette-bench"
	prefix  = "bench:"
	key     = "value"
)

// value is what is fetched: 1 KB that is stored under prefix and key.
var value = body

// A store is a backend, and its own client's way to get what Fetch fetches.
type store struct {
	name   string
	server string
	config func(where string) cachette.Config
	raw    func(b *testing.B, where string) func(ctx context.Context) ([]byte, error)
}

var stores = []store{
	{"redis", testservers.Redis, func(where string) cachette.Config { return cachette.Config{RedisURL: where} }, rawRedis},
	{"memcached", testservers.Memcached, func(where string) cachette.Config { return cachette.Config{MemcachedHost: where} }, rawMemcached},
	{"mongodb", testservers.MongoDB, func(where string) cachette.Config {
		return cachette.Config{MongoDBURL: where, DatabaseName: table, TableName: table}
	}, rawMongoDB},
	{"dynamodb", testservers.DynamoDB, func(where string) cachette.Config {
		return cachette.Config{DynamoDBURL: where, Region: "eu-central-1", TableName: table}
	}, rawDynamoDB},
}

// BenchmarkFetch measures what 64 goroutines fetch, of one value of 1 KB, beside what they get with the client alone.
func BenchmarkFetch(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, s := range stores {
		b.Run(s.name, func(b *testing.B) {
			where := testservers.Find(b, s.server)
			cache := install(b, gin.New(), s, where)
			if err := cache.Put(b.Context(), key, value, time.Hour); err != nil {
				b.Fatal(err)
			}
			raw := s.raw(b, where)
			inTurns(b, []way{
				{"cachette", fetching(func(ctx context.Context) (got []byte, err error) {
					err = cache.Fetch(ctx, key, &got)
					return got, err
				})},
				{"raw", fetching(raw)},
			})
		})
	}
}

// A way to do something that is compared with others: each client has a function of its own.
type way struct {
	name   string
	client func() func() error
}

// inTurns measures ways in short turns, back and forth, so that whatever else the machine does meets all of them. It reports
// how often a second each way was done. An operation of the benchmark is two turns of each.
func inTurns(b *testing.B, ways []way) {
	const turn = 4000
	took := make([]time.Duration, len(ways))
	clientsOf := make([][]func() error, len(ways))
	for i, w := range ways {
		for range clients {
			clientsOf[i] = append(clientsOf[i], w.client())
		}
		takeTurn(b, clientsOf[i], turn) // to warm up
	}
	for b.Loop() {
		for i := range ways {
			took[i] += takeTurn(b, clientsOf[i], turn)
		}
		for i := len(ways) - 1; i >= 0; i-- {
			took[i] += takeTurn(b, clientsOf[i], turn)
		}
	}
	for i, w := range ways {
		b.ReportMetric(float64(2*b.N*turn)/took[i].Seconds(), w.name+"/s")
	}
	b.ReportMetric(0, "ns/op") // it says nothing
}

// takeTurn has all clients do something n times in all, and returns how long that took.
func takeTurn(b *testing.B, clients []func() error, n int64) time.Duration {
	var left atomic.Int64
	left.Store(n)
	start := time.Now()
	var all sync.WaitGroup
	for _, do := range clients {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// fetching returns clients that get the value, each with a context of its own, as requests have.
func fetching(get func(ctx context.Context) ([]byte, error)) func() func() error {
	return func() func() error {
		ctx, cancel := context.WithCancel(context.Background())
		_ = cancel // not before the benchmark ends
		return func() error {
			got, err := get(ctx)
			if err == nil && len(got) != len(value) {
				err = fmt.Errorf("%d bytes", len(got))
			}
			return err
		}
	}
}

// install puts a cache with a backend on an engine.
func install(b *testing.B, engine *gin.Engine, s store, where string) *cachette.Cache {
	b.Helper()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) {
		config := s.config(where)
		config.Backend, config.KeyPrefix, config.OperationTimeout = s.name, prefix, 10*time.Second
		config.Logger = slog.New(slog.DiscardHandler)
		return config, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cache.Flush(context.Background()); err != nil {
			b.Error(err)
		}
		_ = cache.Close()
	})
	return cache
}

func rawRedis(b *testing.B, where string) func(ctx context.Context) ([]byte, error) {
	options, err := redis.ParseURL(where)
	if err != nil {
		b.Fatal(err)
	}
	options.PoolSize = clients
	client := redis.NewClient(options)
	b.Cleanup(func() { _ = client.Close() })
	return func(ctx context.Context) ([]byte, error) { return client.Get(ctx, prefix+key).Bytes() }
}

func rawMemcached(b *testing.B, where string) func(ctx context.Context) ([]byte, error) {
	client := memcache.New(where)
	client.MaxIdleConns = clients
	client.Timeout = 10 * time.Second
	b.Cleanup(func() { _ = client.Close() })
	return func(context.Context) ([]byte, error) {
		item, err := client.Get(prefix + key)
		if err != nil {
			return nil, err
		}
		return item.Value, nil
	}
}

func rawMongoDB(b *testing.B, where string) func(ctx context.Context) ([]byte, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(where).SetMaxPoolSize(clients))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	collection := client.Database(table).Collection(table)
	return func(ctx context.Context) ([]byte, error) {
		var document struct {
			Value   []byte `bson:"value"`
			Expires int64  `bson:"expires"`
		}
		err := collection.FindOne(ctx, bson.D{{Key: "key", Value: prefix + key}}).Decode(&document)
		return document.Value, err
	}
}

func rawDynamoDB(b *testing.B, where string) func(ctx context.Context) ([]byte, error) {
	config, err := awscfg.LoadDefaultConfig(b.Context(), awscfg.WithRegion("eu-central-1"),
		awscfg.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	if err != nil {
		b.Fatal(err)
	}
	client := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = &where })
	name, consistent := table, true
	return func(ctx context.Context) ([]byte, error) {
		answer, err := client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &name, ConsistentRead: &consistent,
			Key: map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: prefix + key}},
		})
		if err != nil {
			return nil, err
		}
		got, _ := answer.Item["value"].(*types.AttributeValueMemberB)
		if got == nil {
			return nil, nil
		}
		return got.Value, nil
	}
}
