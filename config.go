package cachette

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/config"
	"github.com/gin-cachette/cachette/internal/wording"
)

// Config says where and how a cache keeps its data. The zero Config is valid: a cache in memory, plain text as its
// values, one minute to live. A field that is zero has its default.
//
// In code, fill one in; from the environment, take what [FromEnv] returns. Each field but the last five has a variable
// of its own, which is named here and in each error.
type Config struct {
	// Backend names the store: inmemory (the default), redis, memcached, mongodb, dynamodb, or another that has been
	// registered with [drivers.Register]. Each but inmemory has to be linked by a blank import of its package:
	//
	//	import _ "github.com/gin-cachette/cachette/drivers/redis"
	//
	// CACHETTE_BACKEND.
	Backend string

	// URL names the backend, by its scheme, and says where its store is: what RedisURL, MemcachedHost and MongoDBURL take, in the form
	// of a URL, dynamodb://region/table (with ?endpoint=http://localhost:8000 for one that AWS does not run), memory:, or what a
	// backend of another module takes. Backend and the fields below that say the same need not be set. CACHETTE_URL.
	URL string

	// Codec names the form that values have in the store: vanilla (plain text, the default), json, orjson, msgpack,
	// pickle, csv, feather, parquet, or another that has been registered with [encoders.Register]. Each but vanilla and
	// json has to be linked by a blank import of its package, as backends are. CACHETTE_CODEC.
	Codec string

	// TTL is how long a value lives that is put with no time to live of its own: 1 s to 3600 s. 0 means 60 s. It
	// says nothing of responses, whose ttl is that of [Cached].
	// CACHETTE_TTL: a duration (90s) or a number of seconds (90).
	TTL time.Duration

	// RedisURL is required for redis: redis://user:password@host:port/database, or rediss:// for TLS. User, password,
	// port (6379) and database (0) may be left out. Sentinels are redis+sentinel://user:password@host:port,host:port/master/database
	// (port 26379, and user and password are those of the master), a cluster is redis+cluster://user:password@host:port,host:port;
	// each with rediss for TLS. A Unix domain socket is unix://user:password@/path/redis.sock?db=0.
	//
	// Options may follow a ?, as pool_size=20&dial_timeout=2s: those that redis.ParseURL of go-redis knows, and
	// tls_ca_file, tls_cert_file, tls_key_file (files in PEM), tls_server_name, sentinel_username and sentinel_password.
	// CACHETTE_REDIS_URL.
	RedisURL string

	// MemcachedHost is required for memcached: host, host:port, or /path/memcached.sock for a Unix domain socket, several
	// separated by commas. The port is 11211 unless given. Where there are a user and a password, or TLS, it is a URL:
	// memcached://user:password@host:port,host:port, memcached://user:password@/path/memcached.sock, or memcacheds:// for
	// TLS, with any of the options tls_ca_file, tls_cert_file and tls_key_file (each the path of a file in PEM) and
	// tls_server_name behind a ?. CACHETTE_MEMCACHED_HOST.
	MemcachedHost string

	// TableName is the table of dynamodb, and the collection of mongodb: "fastapi-cachette" unless set, the name that
	// fastapi-cachette gives it. CACHETTE_TABLE_NAME.
	TableName string

	// Region is the AWS region of dynamodb, eu-central-1 for instance. It is required for dynamodb unless DynamoDBURL is
	// set. CACHETTE_REGION.
	Region string

	// DynamoDBURL is the endpoint of a DynamoDB that AWS does not run: http://localhost:8000. CACHETTE_DYNAMODB_URL.
	DynamoDBURL string

	// DatabaseName is the database of mongodb: the one that MongoDBURL names unless set, or else
	// "fastapi-cachette-database", the name that fastapi-cachette gives it. Two different ones are a mistake. The server
	// creates it when it is first written to. CACHETTE_DATABASE_NAME.
	DatabaseName string

	// MongoDBURL is required for mongodb: mongodb://user:password@host:port/database, or mongodb+srv://. User and password
	// may be left out, and there may be several hosts, separated by commas. The database may stand in DatabaseName instead.
	// It is also where the user is known, unless the option authSource says another; admin means that alone.
	// CACHETTE_MONGODB_URL.
	MongoDBURL string

	// KeyPrefix begins each key in the store, so that several programs can share it: "cachette:" unless set.
	// CACHETTE_KEY_PREFIX.
	KeyPrefix string

	// PlainKeys leaves keys exactly as they are given, as fastapi-cachette writes them: for a store shared with it. It
	// contradicts a KeyPrefix. CACHETTE_PLAIN_KEYS: true or false.
	PlainKeys bool

	// Service names the service whose responses these are: two services on one store do not serve each other's pages,
	// even where they have the same KeyPrefix, unless they have the same Service, and tags are those of a Service: a job that calls
	// Invalidate for a web server is to have the same one. It is the path of the program's main
	// package unless set, as the build information tells it (example.com/shop/cmd/web). Where that tells none, as for
	// go run main.go, it is empty. It is any text of at most 255 bytes of UTF-8, and no part of the keys of values.
	// CACHETTE_SERVICE.
	Service string

	// Version names what of the service is running: responses that were kept under another Version are not served, so that
	// a deployment need not serve what the one before has made. It is empty unless set: a deployment then goes on with
	// what there is. It is any text of at most 255 bytes of UTF-8, and no part of the keys of values. CACHETTE_VERSION.
	Version string

	// MemoryLimit bounds, in bytes, what the inmemory backend holds: 64 MiB unless set; 1 MiB to 256 TiB. With any backend, the
	// bodies of responses that are being made take up a quarter of it, or four BodyLimits if that is more, those that clients have not
	// read yet up to twice as much, and responses that wait for a store outside of the process once as much.
	// CACHETTE_MEMORY_LIMIT: bytes, or with a unit (64MiB, 64MB, 1GiB).
	MemoryLimit int64

	// OperationTimeout is how long one operation of the store may hold up a request: 500 ms unless set; 1 ms to 60 s. A store that does not answer
	// holds it up once; one that answers slowly twice at most, where the request finds nothing and its page has new marks.
	// CACHETTE_OPERATION_TIMEOUT: a duration (250ms) or a number of seconds.
	OperationTimeout time.Duration

	// BodyLimit is the size, in bytes, of the largest response body that is stored: 1 MiB unless set; 1 kB to 4 GiB. Larger
	// bodies pass through. CACHETTE_BODY_LIMIT: bytes, or with a unit.
	BodyLimit int64

	// KeepStale is for how long a response that has a validator (RFC 9110 §8.8) is kept after it went stale, so that it
	// can be validated instead of being made anew: 1 h unless set; 1 ms to 720 h (30 days). CACHETTE_KEEP_STALE: a
	// duration (15m) or a number of seconds.
	KeepStale time.Duration

	// Lease is for how long at most a process that misses a response, or a value, waits for another process that is making it, where
	// [WithLease] does not say otherwise: none unless set; 1 ms to 10 min. It does nothing in memory. CACHETTE_LEASE: a duration (5s) or a
	// number of seconds.
	Lease time.Duration

	// Near is how many bytes of this process's memory copies of responses, and of values of [Remember], may take, in front of a store outside of the
	// process: a hit on one asks the store nothing. It is a part of the MemoryLimit; none unless set; 1 MiB to 256 TiB. An entry comes near
	// with its second use. Purges by this process hold at once; others as NearStaleness says. It does nothing in memory. See docs/near.md.
	// CACHETTE_NEAR: bytes, or with a unit (16MiB).
	Near int64

	// NearStaleness is for how long at most a near copy is served behind a purge in another process: 10 s unless set; 20 ms to 1 h. It is that
	// only while this process cannot reach the store; else as long as it takes until it has heard, which Redis tells at once, and others by
	// NearPoll. CACHETTE_NEAR_STALENESS: a duration or a number of seconds.
	NearStaleness time.Duration

	// NearPoll is how often a process with Near looks at what was purged: each second unless set; 10 ms to half of NearStaleness.
	// CACHETTE_NEAR_POLL: a duration or a number of seconds.
	NearPoll time.Duration

	// ProxyScheme takes the scheme of a request from what a trusted proxy says in X-Forwarded-Proto or Forwarded
	// (RFC 7239 §5.4): for a service to which a proxy speaks http and its clients https. [gin.Engine.SetTrustedProxies]
	// says which proxies are trusted. What others say is ignored. CACHETTE_PROXY_SCHEME: true or false.
	ProxyScheme bool

	// InvalidateOn says which answers to a request with an unsafe method, on any route of the engine, invalidate what is stored for
	// its path: non-error unless set (2xx and 3xx, as RFC 9111 §4.4 has it), success (2xx alone) or none. The function
	// [InvalidateOn] says otherwise for single routes. CACHETTE_INVALIDATE_ON.
	InvalidateOn string

	// TagHeader names the fields in which responses of cached routes tell their tags to a CDN in front, so that it can be purged by them: Cache-Tag,
	// Surrogate-Key, Edge-Cache-Tag or xkey, or several with commas between them; none unless set. CACHETTE_TAG_HEADER.
	TagHeader string

	// Compression has stored responses of all routes served in content codings, as [WithCompression] says, but for those that have [WithoutCompression].
	// It takes a blank import of package compress. In front of a store outside of the process the coded forms take up to an eighth of the MemoryLimit, and
	// a mebibyte at least, of this process's memory. CACHETTE_COMPRESSION: true or false.
	Compression bool

	// Audit is the part of the hits, from 0 to 1, of which the handlers are run in the background to compare what they answer with what was served,
	// where [WithAudit] does not say otherwise: none unless set. CACHETTE_AUDIT: a number such as 0.01.
	Audit float64

	// AuditStops has a route of which an audit finds that its responses depend on what is not in their key not be cached any more, until the
	// process starts anew: its requests go to their handlers. CACHETTE_AUDIT_STOPS: true or false.
	AuditStops bool

	// Disabled installs a cache that caches nothing, for development: every handler runs. No store is opened, so that
	// nothing that a backend requires is required. CACHETTE_DISABLED: true or false.
	Disabled bool

	// EarlierRoutes allows [Install] on an engine that has routes already. gin gives those no cache, so that a [Cached]
	// of theirs panics, and what is written through them invalidates nothing.
	EarlierRoutes bool

	// Driver is a store that the program has made itself. It wins over Backend, and nothing that a backend requires is
	// required then.
	Driver drivers.Driver

	// Encoder is a codec that the program has made itself. It wins over Codec.
	Encoder encoders.Encoder

	// Observer is told of what the cache does, as it happens; nothing is unless set.
	Observer Observer

	// Logger takes what is worth a line in the log: [slog.Default] unless set.
	Logger *slog.Logger
}

// ConfigError is one mistake in a configuration. It never contains a password, nor any part of a URL but its scheme.
type ConfigError struct {
	Field    string // the field of Config; empty for a variable that has none
	Variable string // the environment variable; empty for a field that has none
	Problem  string // what is wrong, and what would be right
}

// Error tells all three.
func (e *ConfigError) Error() string { return (*config.Mistake)(e).Error() }

// Validate returns every mistake in c, joined ([errors.Join]), each a [*ConfigError]; nil if there is none.
//
// A field that is set is checked whatever the backend is, for a wrong value is a mistake wherever it stands; but those of a
// backend's own by that backend, and so only where it is linked. What a backend requires is required of the chosen one only, and
// of none where Driver is set or the cache is Disabled.
func (c Config) Validate() error {
	return joined(c.settings().Mistakes(nil))
}

// FromEnv returns the configuration that the environment gives: each field of [Config] that names a variable is set
// from it, and has its default where that variable is not set.
//
// A line break at the end of a value is no part of it, for the file of a secret ends with one. Other blanks around a
// value, and quotes around it, are a mistake in any variable.
//
// Every mistake is reported, joined ([errors.Join]), each a [*ConfigError]: what [Config.Validate] finds, variables
// that cannot be read, that are set but empty, or are set to a zero, which in Config would mean the default, and
// variables that begin with CACHETTE_ and that cachette does not know, for a typo must not pass in silence. Those that
// begin with CACHETTE_TEST_ are left alone, and so are those that Kubernetes sets for a service whose name begins with
// "cachette". After an error the Config is zero.
func FromEnv() (Config, error) {
	read, mistakes, err := config.FromEnv(os.Environ())
	if err == nil {
		err = joined(mistakes)
	}
	if err != nil {
		return Config{}, err
	}
	var c Config
	copyFields(&c, &read)
	return c, nil
}

// settings returns the fields that package config knows: all but those whose types are of this package.
func (c Config) settings() (settings config.Config) {
	copyFields(&settings, &c)
	return settings
}

// copyFields sets the fields of a struct from those of another that have their names.
func copyFields(to, from any) {
	target, source := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := range target.NumField() {
		if field := source.FieldByName(target.Type().Field(i).Name); field.IsValid() {
			target.Field(i).Set(field)
		}
	}
}

func joined(mistakes []*config.Mistake) error {
	errs := make([]error, len(mistakes))
	for i, mistake := range mistakes {
		errs[i] = (*ConfigError)(mistake)
	}
	return errors.Join(errs...) // nil for none
}

// configured returns what cfgFunc gives, with its defaults, and the observer.
func configured(cfgFunc func() (Config, error)) (config.Config, Observer, error) {
	cfg, err := cfgFunc()
	if err != nil {
		return config.Config{}, nil, configError(err)
	}
	if err := cfg.Validate(); err != nil {
		return config.Config{}, nil, err
	}
	return cfg.settings().WithDefaults(), cfg.Observer, nil
}

// configError returns the error of a cfgFunc as Install gives it: the mistakes that FromEnv and Validate find are told in the same
// words, wherever they were found.
func configError(err error) error {
	if mistake := new(ConfigError); errors.As(err, &mistake) && strings.HasPrefix(err.Error(), "cachette: ") {
		return err
	}
	return fmt.Errorf("cachette: configuration: %w", wording.Behind(err, "cachette"))
}
