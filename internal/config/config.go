// Package config is what stands behind cachette's Config: its defaults, what is wrong with it, how it is read from the
// environment, and the driver and the codec that it names. What only a backend knows, the backend is asked.
package config

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Config has the fields of cachette's, which documents them, in the same order: each is converted into the other. Those that have a
// variable name it.
type Config struct {
	Backend          string        `env:"BACKEND"`
	URL              string        `env:"URL"`
	Codec            string        `env:"CODEC"`
	TTL              time.Duration `env:"TTL"`
	RedisURL         string        `env:"REDIS_URL"`
	MemcachedHost    string        `env:"MEMCACHED_HOST"`
	TableName        string        `env:"TABLE_NAME"`
	Region           string        `env:"REGION"`
	DynamoDBURL      string        `env:"DYNAMODB_URL"`
	DatabaseName     string        `env:"DATABASE_NAME"`
	MongoDBURL       string        `env:"MONGODB_URL"`
	KeyPrefix        string        `env:"KEY_PREFIX"`
	PlainKeys        bool          `env:"PLAIN_KEYS"`
	Service          string        `env:"SERVICE"`
	Version          string        `env:"VERSION"`
	MemoryLimit      int64         `env:"MEMORY_LIMIT"`
	OperationTimeout time.Duration `env:"OPERATION_TIMEOUT"`
	BodyLimit        int64         `env:"BODY_LIMIT"`
	KeepStale        time.Duration `env:"KEEP_STALE"`
	Lease            time.Duration `env:"LEASE"`
	Near             int64         `env:"NEAR"`
	NearStaleness    time.Duration `env:"NEAR_STALENESS"`
	NearPoll         time.Duration `env:"NEAR_POLL"`
	ProxyScheme      bool          `env:"PROXY_SCHEME"`
	InvalidateOn     string        `env:"INVALIDATE_ON"`
	TagHeader        string        `env:"TAG_HEADER"`
	Compression      bool          `env:"COMPRESSION"`
	Audit            float64       `env:"AUDIT"`
	AuditStops       bool          `env:"AUDIT_STOPS"`
	Disabled         bool          `env:"DISABLED"`
	EarlierRoutes    bool
	Driver           drivers.Driver
	Encoder          encoders.Encoder
	Logger           *slog.Logger
}

// The defaults of a Config. Those of the table and the database are their drivers'.
const (
	defaultBackend          = "inmemory"
	defaultCodec            = "vanilla"
	defaultTTL              = 60 * time.Second
	defaultKeyPrefix        = "cachette:"
	defaultMemoryLimit      = 64 << 20
	defaultOperationTimeout = 500 * time.Millisecond
	defaultBodyLimit        = 1 << 20
	defaultKeepStale        = time.Hour
	defaultNearStaleness    = 10 * time.Second
	defaultNearPoll         = time.Second
	defaultInvalidateOn     = string(rfc9111.OnNonError)
)

// WithDefaults returns c with each field that is zero set to its default; but those of places and names that a backend has
// defaults of its own for.
func (c Config) WithDefaults() Config {
	setDefault(&c.Backend, c.backendOfURL())
	setDefault(&c.Backend, defaultBackend)
	setDefault(&c.Codec, defaultCodec)
	setDefault(&c.TTL, defaultTTL)
	if !c.PlainKeys {
		setDefault(&c.KeyPrefix, defaultKeyPrefix)
	}
	setDefault(&c.MemoryLimit, defaultMemoryLimit)
	setDefault(&c.OperationTimeout, defaultOperationTimeout)
	setDefault(&c.BodyLimit, defaultBodyLimit)
	setDefault(&c.Service, mainPackage(debug.ReadBuildInfo()))
	setDefault(&c.KeepStale, defaultKeepStale)
	setDefault(&c.NearStaleness, max(defaultNearStaleness, 2*c.NearPoll))
	setDefault(&c.NearPoll, min(defaultNearPoll, c.NearStaleness/2))
	setDefault(&c.InvalidateOn, defaultInvalidateOn)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// commandLine is the program that looks into the stores of others. It has no pages of its own.
const commandLine = "github.com/gin-cachette/cachette/cmd/cachette"

// mainPackage returns the path of the program's main package, from what [debug.ReadBuildInfo] returns. It is empty where
// the program was made from files by their names: all of these have the same path.
func mainPackage(info *debug.BuildInfo, ok bool) string {
	if !ok || info.Path == "command-line-arguments" || info.Path == commandLine {
		return ""
	}
	return info.Path
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Mistake is one mistake in a configuration. It never contains a password, nor any part of a URL but its scheme.
type Mistake struct {
	Field    string // the field of Config; empty for a variable that has none
	Variable string // the environment variable; empty for a field that has none
	Problem  string // what is wrong, and what would be right
}

// Error tells all three.
func (m *Mistake) Error() string {
	switch {
	case m.Field == "":
		return fmt.Sprintf("cachette: %s: %s", m.Variable, m.Problem)
	case m.Variable == "":
		return fmt.Sprintf("cachette: %s: %s", m.Field, m.Problem)
	}
	return fmt.Sprintf("cachette: %s (%s): %s", m.Field, m.Variable, m.Problem)
}
