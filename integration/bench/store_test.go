package bench

import (
	"context"
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
	for _, s := range stores {
		b.Run(s.name, func(b *testing.B) {
			where := testservers.Find(b, s.server)
			cache := install(b, gin.New(), s, where)
			if err := cache.Put(b.Context(), key, value, time.Hour); err != nil {
				b.Fatal(err)
			}
			ways := map[string]func(ctx context.Context) ([]byte, error){
				"raw": s.raw(b, where),
				"cachette": func(ctx context.Context) (got []byte, err error) {
					err = cache.Fetch(ctx, key, &got)
					return got, err
				},
			}
			for _, name := range []string{"cachette", "raw"} {
				b.Run(name, func(b *testing.B) { fetch(b, ways[name]) })
			}
		})
	}
}

// install puts a cache with a backend on an engine.
func install(b *testing.B, engine *gin.Engine, s store, where string) *cachette.Cache {
	b.Helper()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) {
		config := s.config(where)
		config.Backend, config.KeyPrefix, config.OperationTimeout = s.name, prefix, 10*time.Second
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

// fetch has all clients get the value.
func fetch(b *testing.B, get func(ctx context.Context) ([]byte, error)) {
	b.SetParallelism(clients / 2) // for each of two processors
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			got, err := get(b.Context())
			if err != nil || len(got) != len(value) {
				b.Errorf("%d bytes, %v", len(got), err)
				return
			}
		}
	})
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
