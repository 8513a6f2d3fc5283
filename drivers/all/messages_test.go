package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/drivers/all"
	"github.com/gin-cachette/cachette/encoders"
	_ "github.com/gin-cachette/cachette/encoders/all"
)

// twice returns what a message says twice, of what it says before colons. What stands in quotes is not the message's own.
func twice(message string) string {
	for line := range strings.Lines(message) {
		var said []string
		for clause := range strings.SplitSeq(line, ": ") {
			words, quoted, _ := strings.Cut(clause, `"`)
			if slices.Contains(said, words) && quoted == "" {
				return clause
			}
			said = append(said, words)
			// What follows "put … on redis" is the driver's.
			if _, backend, found := strings.Cut(clause, " on "); found {
				said = append(said, backend)
			}
		}
	}
	return ""
}

func TestTwice(t *testing.T) {
	for message, want := range map[string]string{
		`cachette: put "k" on redis: set: too large`:        "",
		`cachette: put "k" on redis: redis: set: too large`: "redis",
		`cachette: put "k" on redis: set: cachette: closed`: "cachette",
		`cachette: TTL: x` + "\n" + `cachette: Codec: y`:    "",
		`redis: get: redis: timeout`:                        "redis",
		`cachette: put "a: a: a" on redis: x`:               "",
	} {
		if got := twice(message); got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
	}
}

// A journal is a log in JSON.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// lines returns what was logged: the message of each line, and each error beside one.
func (j *journal) lines(t *testing.T) (messages, errs []string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range bytes.Lines(j.text.Bytes()) {
		var entry struct{ Msg, Error string }
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, entry.Msg)
		if entry.Error != "" {
			errs = append(errs, entry.Error)
		}
	}
	return messages, errs
}

// nowhere returns an address that nothing listens on.
func nowhere(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// talker starts a server that says something to whoever connects, and closes.
func talker(t *testing.T, words string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(connection, words)
			_, _ = connection.Read(make([]byte, 512))
			connection.Close()
		}
	}()
	return listener.Addr().String()
}

// use does all that a cache can do, and returns the errors.
func use(t *testing.T, cache *cachette.Cache) (errs []error) {
	t.Helper()
	ctx, value := t.Context(), ""
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	long := strings.Repeat("k", 300)
	for _, key := range []string{"key", long, "a: redis: b"} {
		add(cache.Put(ctx, key, "value", time.Minute))
		add(cache.Put(ctx, key, "value", -1))
		add(cache.Put(ctx, key, make(chan int), 0))
		add(cache.Put(ctx, key, strings.Repeat("x", 8<<20), time.Minute))
		add(cache.Fetch(ctx, key, &value))
		add(cache.Fetch(ctx, key, value))
		_, err := cache.Delete(ctx, key)
		add(err)
	}
	err := cache.ClearNamespace(ctx, "shop")
	add(err)
	err = cache.ClearNamespace(ctx, "")
	add(err)
	_, err = cache.FlushExpired(ctx)
	add(err)
	add(cache.Flush(ctx))
	for _, path := range []string{"/", "/a%20b?c", "no path"} {
		add(cache.PurgePath(ctx, path))
	}
	add(cache.Ping(ctx))
	return errs
}

// TestNoMessageSaysTheSameTwice looks at the errors that caches return on stores that are there, away, or something else, and
// at their logs.
func TestNoMessageSaysTheSameTwice(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	closed := nowhere(t)
	redisError := talker(t, "-ERR unknown command\r\n-ERR unknown command\r\n-ERR no\r\n-ERR no\r\n-ERR no\r\n")
	busy := talker(t, "SERVER_ERROR out of memory\r\n")
	quick := "?serverSelectionTimeoutMS=50&connectTimeoutMS=50"
	for name, config := range map[string]cachette.Config{
		"inmemory":             {MemoryLimit: 1 << 20},
		"inmemory, plain keys": {PlainKeys: true},
		"redis, away":          {Backend: "redis", RedisURL: "redis://user:password@" + closed},
		"redis, sentinels":     {Backend: "redis", RedisURL: "redis+sentinel://" + closed + "/main"},
		"redis, cluster":       {Backend: "redis", RedisURL: "redis+cluster://" + closed},
		"redis, no TLS":        {Backend: "redis", RedisURL: "rediss://" + redisError},
		"redis, an error":      {Backend: "redis", RedisURL: "redis://" + redisError},
		"redis, another":       {Backend: "redis", RedisURL: "redis://" + busy},
		"redis, options":       {Backend: "redis", RedisURL: "redis://" + closed + "?pool_size=x"},
		"redis, few":           {Backend: "redis", RedisURL: "redis://" + closed + "?pool_size=1&pool_timeout=1ms"},
		"redis, socket":        {Backend: "redis", RedisURL: "unix:///nowhere/redis.sock"},
		"redis, plain keys":    {Backend: "redis", RedisURL: "redis://" + closed, PlainKeys: true},
		"memcached, away":      {Backend: "memcached", MemcachedHost: closed},
		"memcached, two":       {Backend: "memcached", MemcachedHost: closed + "," + busy},
		"memcached, busy":      {Backend: "memcached", MemcachedHost: busy},
		"memcached, no TLS":    {Backend: "memcached", MemcachedHost: "memcacheds://" + busy},
		"memcached, password":  {Backend: "memcached", MemcachedHost: "memcached://user:password@" + busy},
		"memcached, no file":   {Backend: "memcached", MemcachedHost: "memcacheds://a?tls_ca_file=/nowhere"},
		"mongodb, away":        {Backend: "mongodb", MongoDBURL: "mongodb://" + closed + "/" + quick},
		"mongodb, another":     {Backend: "mongodb", MongoDBURL: "mongodb://" + busy + "/" + quick},
		"mongodb, option":      {Backend: "mongodb", MongoDBURL: "mongodb://" + closed + "/?w=-5"},
		"dynamodb, away":       {Backend: "dynamodb", DynamoDBURL: "http://" + closed},
		"dynamodb, another":    {Backend: "dynamodb", DynamoDBURL: "http://" + busy},
		"dynamodb, no TLS":     {Backend: "dynamodb", DynamoDBURL: "https://" + busy},
		"mistakes":             {Backend: "rocksdb", Codec: "yaml", TTL: 1, RedisURL: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log journal
			config.Logger, config.OperationTimeout = slog.New(slog.NewJSONHandler(&log, nil)), 100*time.Millisecond
			var errs []error
			cache, err := cachette.Install(gin.New(), func() (cachette.Config, error) { return config, nil })
			if err != nil {
				errs = append(errs, err)
			} else {
				errs = use(t, cache)
				if err := cache.Close(); err != nil {
					errs = append(errs, err)
				}
				errs = append(errs, use(t, cache)...)
			}
			if len(errs) == 0 {
				t.Fatal("there is no error to look at")
			}
			messages, beside := log.lines(t)
			for _, err := range errs {
				if words := twice(err.Error()); words != "" || !strings.HasPrefix(err.Error(), "cachette: ") {
					t.Errorf("it says %q twice, or does not begin with cachette:\n%v", words, err)
				}
			}
			for _, message := range messages {
				if words := twice(message); words != "" || !strings.HasPrefix(message, "cachette: ") {
					t.Errorf("it logs %q twice, or does not begin with cachette:\n%s", words, message)
				}
			}
			for _, err := range beside {
				if words := twice(err); words != "" {
					t.Errorf("it logs an error that says %q twice:\n%s", words, err)
				}
			}
		})
	}
}

// TestNoMistakeIsSaidTwice looks at the errors of a configuration that the environment gives.
func TestNoMistakeIsSaidTwice(t *testing.T) {
	t.Setenv("CACHETTE_TTL", "soon")
	t.Setenv("CACHETTE_BACKEND", "rocksdb")
	t.Setenv("CACHETTE_XYZ", "")
	_, err := cachette.Install(gin.New(), cachette.FromEnv)
	if words := twice(err.Error()); words != "" || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("it says %q twice, or not three mistakes:\n%v", words, err)
	}
}

// TestNoCodecSaysTheSameTwice gives each codec values that it does not take, and data that is none of its.
func TestNoCodecSaysTheSameTwice(t *testing.T) {
	for _, name := range encoders.Linked() {
		codec, _ := encoders.Lookup(name)
		cache, err := cachette.Install(gin.New(), func() (cachette.Config, error) { return cachette.Config{Codec: name}, nil })
		if err != nil {
			t.Fatal(err)
		}
		defer cache.Close()
		var errs []error
		for _, value := range []any{make(chan int), map[string]any{"a": func() {}}, "\xff", []struct{ C chan int }{{nil}}, nil, os.ErrClosed} {
			errs = append(errs, cache.Put(t.Context(), "key", value, 0))
		}
		for _, data := range []string{"", "\x00", "{", "\xff\xff\xff\xff", "PAR1PAR1", "ARROW1\x00\x00", "\x80\x05.", "a,b\n1", `{"a":"b"}`, "\x81\xa1a"} {
			for _, dst := range []any{new(int), new(chan int), new([]struct{ A int }), new(map[string]int), 5, nil} {
				errs = append(errs, codec.Decode([]byte(data), dst))
			}
		}
		for _, err := range errs {
			if err != nil && twice(err.Error()) != "" {
				t.Errorf("it says %q twice:\n%v", twice(err.Error()), err)
			}
		}
	}
}
