package fleet_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/internal/target"
)

var (
	traffic = flag.Duration("traffic", 5*time.Second, "how long TestNothingStays has clients ask for pages")
	past    = flag.Bool("past", false, "TestNothingStays waits until all has expired, some minutes, and looks again")
)

// Where a store has no expiry for a key, listings have this.
var never = time.Time{}

// listings return when each key of a store expires, by the store's own means.
var listings = map[string]func(ctx context.Context, port int) (map[string]time.Time, error){
	"redis": listRedis, "memcached": listMemcached, "mongodb": listMongoDB, "dynamodb": listDynamoDB,
}

func listRedis(ctx context.Context, port int) (map[string]time.Time, error) {
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
	defer client.Close()
	all := make(map[string]time.Time)
	keys := client.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		left, err := client.PTTL(ctx, keys.Val()).Result()
		switch {
		case err != nil:
			return nil, err
		case left == -1:
			all[keys.Val()] = never
		case left > 0:
			all[keys.Val()] = time.Now().Add(left)
		}
	}
	return all, keys.Err()
}

func listMemcached(ctx context.Context, port int) (map[string]time.Time, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if _, err := fmt.Fprint(connection, "lru_crawler metadump all\r\n"); err != nil {
		return nil, err
	}
	all := make(map[string]time.Time)
	lines := bufio.NewScanner(connection)
	for lines.Scan() && lines.Text() != "END" {
		fields := make(map[string]string)
		for _, field := range strings.Fields(lines.Text()) {
			name, value, _ := strings.Cut(field, "=")
			fields[name] = value
		}
		seconds, err := strconv.ParseInt(fields["exp"], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		key, err := url.PathUnescape(fields["key"])
		if err != nil {
			return nil, err
		}
		all[key] = never
		if seconds > 0 {
			all[key] = time.Unix(seconds, 0)
		}
	}
	return all, lines.Err()
}

func listMongoDB(ctx context.Context, port int) (map[string]time.Time, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(fmt.Sprintf("mongodb://127.0.0.1:%d", port)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	found, err := client.Database(mongodb.DefaultDatabase).Collection(mongodb.DefaultCollection).Find(ctx, bson.D{})
	if err != nil {
		return nil, err
	}
	var documents []struct {
		Key     string
		Expires int64
	}
	if err := found.All(ctx, &documents); err != nil {
		return nil, err
	}
	all := make(map[string]time.Time)
	for _, d := range documents {
		all[d.Key] = never
		if d.Expires > 0 {
			all[d.Key] = time.Unix(d.Expires, 0)
		}
	}
	return all, nil
}

func listDynamoDB(ctx context.Context, port int) (map[string]time.Time, error) {
	config, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion("eu-central-1"),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(fmt.Sprintf("http://127.0.0.1:%d", port)) })
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String("fleet")})
	all := make(map[string]time.Time)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			key := item["key"].(*types.AttributeValueMemberS).Value
			all[key] = never
			if expires, ok := item["expires"].(*types.AttributeValueMemberN); ok {
				seconds, err := strconv.ParseInt(expires.Value, 10, 64)
				if err != nil {
					return nil, err
				}
				all[key] = time.Unix(seconds, 0)
			}
		}
	}
	return all, nil
}

// TestNothingStays: when pages of a short life have been asked for, changed and purged for a while, each key in the store expires within
// minutes, but for the logs: these are as many as there are partitions, and expire when nothing was purged for a month or two.
func TestNothingStays(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.backend, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, k, 2*time.Second, *seed)
			end := time.Now().Add(*traffic)
			var running sync.WaitGroup
			for range clients {
				running.Go(func() {
					for time.Now().Before(end) && !t.Failed() {
						f.usual(f.anyMember())
					}
				})
			}
			running.Wait()
			last := f.left()
			if !*past {
				return
			}
			time.Sleep(time.Until(last) + 2*time.Second) // stores count whole seconds
			if sweeper, ok := f.store.driver.(drivers.Sweeper); ok {
				if _, err := sweeper.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for key, expires := range f.list() {
				if !isLog(key) {
					t.Errorf("%q is still there, %v behind its end", key, time.Since(expires))
				}
			}
		})
	}
}

func (f *fleet) list() map[string]time.Time {
	f.t.Helper()
	all, err := listings[f.store.backend](f.t.Context(), f.store.port)
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// isLog tells whether a key is that of a log of purges, or of a record of one.
func isLog(key string) bool {
	rest, ok := strings.CutPrefix(key, target.Marks("cachette:"))
	if strings.HasPrefix(rest, "{") {
		_, rest, ok = strings.Cut(rest, "}")
	}
	rest, _, _ = strings.Cut(rest, "/log/")
	return ok && (rest == "lt" || rest == "lx" || rest == "le" || rest == "ln" || rest == "la")
}

// left checks what is in the store, and returns when the last of it expires that is no log.
func (f *fleet) left() (last time.Time) {
	f.t.Helper()
	const longest = 5 * time.Minute // twice what a page is kept, and a minute for its handler
	logs, others := 0, 0
	for key, expires := range f.list() {
		switch {
		case key == "cachette%arrangement": // one a server of memcached, for as long as it runs
		case expires == never:
			f.t.Errorf("%q never expires", key)
		case isLog(key):
			if !strings.Contains(key, "/log/") {
				logs++
			}
			if left := time.Until(expires); left > 61*24*time.Hour {
				f.t.Errorf("the log %q expires in %v", key, left)
			}
		default:
			others++
			if left := time.Until(expires); left > longest {
				f.t.Errorf("%q expires in %v", key, left)
			}
			if expires.After(last) {
				last = expires
			}
		}
	}
	if others == 0 || logs == 0 || logs > 4*target.Partitions {
		f.t.Errorf("there are %d logs, and %d other keys", logs, others)
	}
	f.t.Logf("%d hits, %d misses, %d purges; %d logs, and %d other keys, of which the last expires in %v",
		f.hits.Load(), f.misses.Load(), f.purges.Load(), logs, others, time.Until(last))
	return last
}
