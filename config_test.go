package cachette

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/vanilla"
)

// ownDriver is a driver that a program has made itself.
type ownDriver struct{ drivers.Driver }

func (*ownDriver) Get(context.Context, string) (drivers.Item, error) {
	return drivers.Item{}, drivers.ErrMiss
}

// problemsOf returns the mistakes joined in err, each held to the form that all have.
func problemsOf(t *testing.T, err error) []*ConfigError {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is not a joined error: %v", err, err)
	}
	var problems []*ConfigError
	for _, err := range joined.Unwrap() {
		problem, ok := err.(*ConfigError)
		if !ok {
			t.Fatalf("%T is not a *ConfigError: %v", err, err)
		}
		for _, part := range []string{problem.Field, problem.Variable, problem.Problem} {
			if !strings.Contains(problem.Error(), part) {
				t.Errorf("the message %q lacks %q", problem, part)
			}
		}
		if problem.Field != "" && problem.Variable != configVariables[problem.Field] {
			t.Errorf("the variable of %s is given as %q", problem.Field, problem.Variable)
		}
		problems = append(problems, problem)
	}
	return problems
}

// problemsBut returns the mistakes but those that say of a known backend or codec that this test does not link it.
func problemsBut(t *testing.T, err error) []*ConfigError {
	t.Helper()
	return slices.DeleteFunc(problemsOf(t, err), func(p *ConfigError) bool {
		return strings.Contains(p.Problem, "is not linked into this program")
	})
}

func TestValidate(t *testing.T) {
	redis := func(url string) Config { return Config{Backend: "redis", RedisURL: url} }
	memcached := func(hosts string) Config { return Config{Backend: "memcached", MemcachedHost: hosts} }
	mongo := func(url string) Config { return Config{Backend: "mongodb", MongoDBURL: url} }
	dynamo := func(url string) Config { return Config{Backend: "dynamodb", DynamoDBURL: url} }
	const mongoURL = "mongodb://localhost"

	tests := []struct {
		name   string
		config Config
		field  string // the field of the one mistake; empty for none
		want   string // in its problem
	}{
		{"the zero Config", Config{}, "", ""},
		{"every default spelt out", Config{}.withDefaults(), "", ""},

		{"backend inmemory", Config{Backend: "inmemory"}, "", ""},
		{"backend unknown", Config{Backend: "rocksdb"}, "Backend", `"rocksdb" is no backend: give one of dynamodb, inmemory, memcached, mongodb, redis`},
		{"backend in capitals", Config{Backend: "Redis"}, "Backend", `"Redis" is no backend, for names are in lower case: give redis`},
		{"backend unknown, with a driver", Config{Backend: "rocksdb", Driver: &ownDriver{}}, "Backend", "is no backend"},
		{"codec json", Config{Codec: "json"}, "", ""},
		{"codec vanilla", Config{Codec: "vanilla"}, "", ""},
		{"codec unknown", Config{Codec: "yaml"}, "Codec", `"yaml" is no codec: give one of csv, feather, json, msgpack, orjson, parquet, pickle, vanilla`},
		{"backend, line break behind", Config{Backend: "inmemory\n"}, "Backend", "a line break"},
		{"codec, quotes", Config{Codec: `"json"`}, "Codec", "it stands in quotes"},
		{"table, space behind", Config{TableName: "table "}, "TableName", "a blank"},
		{"region, space before", Config{Region: " eu-west-1"}, "Region", "a blank"},
		{"database, line break behind", Config{DatabaseName: "cache\n"}, "DatabaseName", "a line break"},
		{"dynamodb URL, quotes", Config{DynamoDBURL: "'http://localhost'"}, "DynamoDBURL", "it stands in quotes"},
		{"codec in capitals", Config{Codec: "JSON"}, "Codec", "give json"},

		{"TTL least", Config{TTL: time.Second}, "", ""},
		{"TTL most", Config{TTL: time.Hour}, "", ""},
		{"TTL below", Config{TTL: time.Second - 1}, "TTL", "999.999999ms is out of range: give 1 s to 3600 s"},
		{"TTL above", Config{TTL: 3601 * time.Second}, "TTL", "1h0m1s is out of range"},
		{"TTL 2h", Config{TTL: 2 * time.Hour}, "TTL", "2h is out of range: give 1 s to 3600 s"},
		{"TTL negative", Config{TTL: -time.Minute}, "TTL", "-1m is out of range"},

		{"redis without URL", redis(""), "RedisURL", "backend redis requires it: give redis://"},
		{"redis without URL, with a driver", Config{Backend: "redis", Driver: &ownDriver{}}, "", ""},
		{"redis", redis("redis://localhost:6379"), "", ""},
		{"redis, no port", redis("redis://localhost"), "", ""},
		{"redis, credentials", redis("redis://user:password@host:6379"), "", ""},
		{"redis, password alone", redis("redis://:password@host:6379"), "", ""},
		{"redis, percent-encoded password", redis("redis://user:p%40ss%2Fw@host:6379"), "", ""},
		{"redis, database", redis("redis://host:6379/15"), "", ""},
		{"redis, slash", redis("redis://host:6379/"), "", ""},
		{"redis, options", redis("rediss://host:6379/0?protocol=3&client_name=a@b&read_timeout=1s"), "", ""},
		{"redis, IPv6", redis("redis://[::1]:6379"), "", ""},
		{"redis, IPv4", redis("redis://127.0.0.1:6379"), "", ""},
		{"redis, docker's name", redis("redis://my_redis:6379"), "", ""},
		{"redis, host alone", redis("localhost:6379"), "RedisURL", "it is no URL"},
		{"redis, scheme", redis("http://localhost:6379"), "RedisURL", "the scheme http:// is not one that it takes"},
		{"redis, socket", redis("unix:///run/redis.sock"), "", ""},
		{"redis, socket, everything", redis("unix://user:p%40ss@/run/my%20redis.sock?db=3&pool_size=5"), "", ""},
		{"redis, socket, no path", redis("unix://"), "RedisURL", "the path of the socket is missing: give redis://"},
		{"redis, socket, slash alone", redis("unix://user:password@/"), "RedisURL", "the path of the socket is missing"},
		{"redis, socket, two slashes", redis("unix://run/redis.sock"), "RedisURL", "a host stands before the path of the socket, which begins with a slash of its own"},
		{"redis, socket, slash in password", redis("unix://user:pass/word@/run/redis.sock"), "RedisURL", "percent-encoded"},
		{"redis, socket, at in the path", redis("unix:///run/a@redis.sock"), "RedisURL", "cannot be read as a URL"},
		{"redis, socket, longest", redis("unix:///" + strings.Repeat("a", 106)), "", ""},
		{"redis, socket, long", redis("unix:///" + strings.Repeat("a", 107)), "RedisURL", "the path of a socket has at most 107 bytes, and this has 108"},
		{"redis, socket, database in the path", redis("unix:///run/redis.sock?db=x"), "RedisURL", "option db"},
		{"redis, socket, TLS", redis("unix:///run/redis.sock?tls_ca_file=a"), "RedisURL", "option tls_ca_file is for TLS"},
		{"redis, socket, option without value", redis("unix:///run/redis.sock?db"), "RedisURL", "options of the form name=value"},
		{"redis, no host", redis("redis://"), "RedisURL", "the host is missing"},
		{"redis, no host but a port", redis("redis://:6379"), "RedisURL", "the host is missing"},
		{"redis, port too large", redis("redis://host:65536"), "RedisURL", "the port is not a number from 1 to 65535"},
		{"redis, port 0", redis("redis://host:0"), "RedisURL", "the port"},
		{"redis, empty port", redis("redis://host:"), "RedisURL", "the port"},
		{"redis, port of letters", redis("redis://host:port"), "RedisURL", "cannot be read as a URL"},
		{"redis, database of letters", redis("redis://host:6379/cache"), "RedisURL", "not the number of a database"},
		{"redis, database negative", redis("redis://host:6379/-1"), "RedisURL", "not the number of a database"},
		{"redis, two paths", redis("redis://host:6379/0/1"), "RedisURL", "not the number of a database"},
		{"redis, option db", redis("redis://host:6379?db=x"), "RedisURL", "option db"},
		{"redis, option without value", redis("redis://host:6379?db"), "RedisURL", "options of the form name=value"},
		{"redis, bad escape in an option", redis("redis://host:6379?a=%zz"), "RedisURL", "options of the form name=value"},
		{"redis, fragment", redis("redis://host:6379/0#x"), "RedisURL", "percent-encoded"},
		{"redis, several hosts", redis("redis://a,b:6379"), "RedisURL", "several servers"},
		{"redis, bad host", redis("redis://ho!st:6379"), "RedisURL", "character that no host's name has"},
		{"redis, bad IPv4", redis("redis://256.1.1.1:6379"), "RedisURL", "no IPv4 address"},
		{"redis, bad IPv6", redis("redis://[1::2::3]:6379"), "RedisURL", "cannot be read as a URL"},
		{"redis, empty label", redis("redis://a..b:6379"), "RedisURL", "empty"},
		{"redis, host too long", redis("redis://" + strings.Repeat("a.", 127) + "a"), "RedisURL", "253"},
		{"redis, space", redis("redis://ho st:6379"), "RedisURL", "cannot be read as a URL"},
		{"redis, space before", redis(" redis://host:6379"), "RedisURL", "a blank, a line break or an invisible character stands before"},
		{"redis, line break behind", redis("redis://host:6379\n"), "RedisURL", "a blank, a line break or an invisible character stands before"},
		{"redis, quotes", redis(`"redis://host:6379"`), "RedisURL", "it stands in quotes, which are a part of it here"},
		{"redis cluster, space behind a comma", redis("redis+cluster://a:1, b:2"), "RedisURL", "host 2 of 2: a blank stands beside it"},
		{"redis cluster, space before a comma", redis("redis+cluster://a:1 ,b:2"), "RedisURL", "host 1 of 2: a blank stands beside it"},
		{"redis, TLS options", redis("rediss://host?tls_ca_file=/etc/ca.pem&tls_server_name=a"), "", ""},
		{"redis, TLS option without TLS", redis("redis://host?tls_ca_file=/etc/ca.pem"), "RedisURL", "option tls_ca_file is for TLS"},
		{"redis, TLS key without TLS", redis("redis+cluster://host?tls_key_file=a"), "RedisURL", "option tls_key_file is for TLS"},
		{"redis, skip_verify without TLS", redis("redis+sentinel://host/main?skip_verify=true"), "RedisURL", "option skip_verify is for TLS"},
		{"redis, sentinel option", redis("redis://host?sentinel_password=a"), "RedisURL", "option sentinel_password is for sentinels"},
		{"redis, unknown kind", redis("redis+ring://a,b"), "RedisURL", "the scheme redis+ring:// is not one that it takes"},
		{"redis sentinel", redis("redis+sentinel://user:pass%40@a:26379,b,[::1]:1/main/3?sentinel_username=b"), "", ""},
		{"redis sentinel, one host, TLS", redis("rediss+sentinel://a/main?tls_ca_file=a"), "", ""},
		{"redis sentinel, no master", redis("redis+sentinel://a,b"), "RedisURL", "the name of the master is missing"},
		{"redis sentinel, slash alone", redis("redis+sentinel://a,b/"), "RedisURL", "the name of the master is missing"},
		{"redis sentinel, database of letters", redis("redis+sentinel://a,b/main/cache"), "RedisURL", "not the number of a database"},
		{"redis sentinel, two databases", redis("redis+sentinel://a,b/main/0/1"), "RedisURL", "not the number of a database"},
		{"redis sentinel, second host", redis("redis+sentinel://a,b:0/main"), "RedisURL", "host 2 of 2: the port"},
		{"redis sentinel, nothing between commas", redis("redis+sentinel://a,,b/main"), "RedisURL", "host 2 of 3: the host is missing"},
		{"redis cluster", redis("redis+cluster://user:password@a:6379,b:6380,[::1]"), "", ""},
		{"redis cluster, slash, TLS", redis("rediss+cluster://a,b/?tls_ca_file=a"), "", ""},
		{"redis cluster, database", redis("redis+cluster://a,b/0"), "RedisURL", "a cluster has no databases"},
		{"redis cluster, option db", redis("redis+cluster://a,b?db=0"), "RedisURL", "option db is not for a cluster"},
		{"redis cluster, first host", redis("redis+cluster://:6379,b"), "RedisURL", "host 1 of 2: the host is missing"},
		{"redis URL of another backend", Config{RedisURL: "localhost"}, "RedisURL", "it is no URL"},
		{"redis URL with a driver", Config{RedisURL: "localhost", Driver: &ownDriver{}}, "RedisURL", "it is no URL"},

		{"memcached without host", memcached(""), "MemcachedHost", "backend memcached requires it: give host or host:port"},
		{"memcached without host, with a driver", Config{Backend: "memcached", Driver: &ownDriver{}}, "", ""},
		{"memcached", memcached("localhost"), "", ""},
		{"memcached, port", memcached("localhost:11211"), "", ""},
		{"memcached, several", memcached("a,b:11212,10.0.0.1,[::1]:11211,[::1]"), "", ""},
		{"memcached, URL", memcached("memcached://localhost:11211"), "", ""},
		{"memcached, URL, slash", memcached("memcached://localhost/"), "", ""},
		{"memcached, URL, several", memcached("memcached://user:password@a:1,b,[::1]:3"), "", ""},
		{"memcached, URL, percent-encoded password", memcached("memcached://user:p%40ss%2Fw@host"), "", ""},
		{"memcached, URL, TLS", memcached("memcacheds://host"), "", ""},
		{"memcached, URL, options", memcached("memcacheds://u:p@a,b/?tls_ca_file=/a/b.pem&tls_cert_file=c&tls_key_file=d&tls_server_name=e.f"), "", ""},
		{"memcached, URL, scheme", memcached("http://localhost"), "MemcachedHost", "the scheme http:// is not one that it takes"},
		{"memcached, URL, no scheme", memcached("://localhost"), "MemcachedHost", "it is no URL"},
		{"memcached, URL, no host", memcached("memcached://"), "MemcachedHost", "the host is missing"},
		{"memcached, URL, port", memcached("memcached://a,b:0"), "MemcachedHost", "host 2 of 2: the port is not a number"},
		{"memcached, URL, user alone", memcached("memcached://user@host"), "MemcachedHost", "belong together"},
		{"memcached, URL, user with a colon alone", memcached("memcached://user:@host"), "MemcachedHost", "belong together"},
		{"memcached, URL, password alone", memcached("memcached://:password@host"), "MemcachedHost", "belong together"},
		{"memcached, URL, password with a space", memcached("memcached://user:a%20b@host"), "MemcachedHost", "no space"},
		{"memcached, URL, password with a newline", memcached("memcached://user:a%0Ab@host"), "MemcachedHost", "no space"},
		{"memcached, URL, password with a slash", memcached("memcached://user:a/b@host"), "MemcachedHost", "cannot be told"},
		{"memcached, URL, password with an @", memcached("memcached://user:a@b@host"), "MemcachedHost", "cannot be told"},
		{"memcached, URL, bad escape", memcached("memcached://user:%zz@host"), "MemcachedHost", "begins no escape"},
		{"memcached, URL, path", memcached("memcached://host/0"), "MemcachedHost", "nothing may follow the hosts"},
		{"memcached, URL, fragment", memcached("memcached://host?a=b#c"), "MemcachedHost", "nothing may follow the hosts"},
		{"memcached, URL, unknown option", memcached("memcacheds://host?timeout=1s"), "MemcachedHost", "no option timeout: give any of tls_ca_file"},
		{"memcached, URL, odd option", memcached("memcacheds://host?Pa5s=x"), "MemcachedHost", "not shown"},
		{"memcached, URL, option without TLS", memcached("memcached://host?tls_ca_file=a"), "MemcachedHost", "tls_ca_file is of TLS: give memcacheds://"},
		{"memcached, URL, option without value", memcached("memcacheds://host?tls_ca_file"), "MemcachedHost", "tls_ca_file has no value"},
		{"memcached, URL, option twice", memcached("memcacheds://host?tls_ca_file=a&tls_ca_file=b"), "MemcachedHost", "tls_ca_file is given twice"},
		{"memcached, URL, bad escape in an option", memcached("memcacheds://host?tls_ca_file=%zz"), "MemcachedHost", "tls_ca_file has no value, or one that cannot be read"},
		{"memcached, URL, certificate without key", memcached("memcacheds://host?tls_cert_file=a"), "MemcachedHost", "belong together"},
		{"memcached, URL, server name", memcached("memcacheds://host?tls_server_name=a:b"), "MemcachedHost", "tls_server_name is no name"},
		{"memcached, user", memcached("user@localhost"), "MemcachedHost", "it is a host or the path of a socket"},
		{"memcached, socket", memcached("/run/memcached.sock"), "", ""},
		{"memcached, sockets and a host", memcached("/run/a.sock,/run/b b.sock,c:11211"), "", ""},
		{"memcached, URL, socket", memcached("memcached:///run/memcached.sock"), "", ""},
		{"memcached, URL, socket, password", memcached("memcached://user:p%40ss@/run/my%20memcached.sock,/run/b.sock"), "", ""},
		{"memcached, socket, slash alone", memcached("/"), "MemcachedHost", "the path of the socket is missing: give host or host:port"},
		{"memcached, socket, no slash before", memcached("run/memcached.sock"), "MemcachedHost", "it is a host or the path of a socket, which begins with a slash"},
		{"memcached, socket, two slashes", memcached("//host/memcached.sock"), "MemcachedHost", "which begins with a slash"},
		{"memcached, socket, user", memcached("/user:password@host"), "MemcachedHost", "which begins with a slash"},
		{"memcached, socket, options", memcached("/run/memcached.sock?a=b"), "MemcachedHost", "which begins with a slash"},
		{"memcached, socket, scheme of Redis", memcached("unix:///run/memcached.sock"), "MemcachedHost", "the scheme unix:// is not one that it takes"},
		{"memcached, socket, longest", memcached("/" + strings.Repeat("a", 106)), "", ""},
		{"memcached, socket, long", memcached("a,/" + strings.Repeat("a", 107)), "MemcachedHost", "host 2 of 2: the path of a socket has at most 107 bytes, and this has 108"},
		{"memcached, URL, socket, TLS", memcached("memcacheds:///run/memcached.sock"), "MemcachedHost", "a socket takes no TLS: give memcached://"},
		{"memcached, URL, socket, no slash before", memcached("memcached://run/memcached.sock"), "MemcachedHost", "nothing may follow the hosts"},
		{"memcached, URL, socket, bad escape", memcached("memcached:///run/%zz.sock"), "MemcachedHost", "the path has a % that begins no escape"},
		{"memcached, port 0", memcached("localhost:0"), "MemcachedHost", "the port is not a number"},
		{"memcached, IPv6 bare", memcached("::1"), "MemcachedHost", "in brackets"},
		{"memcached, brackets", memcached("[localhost]:11211"), "MemcachedHost", "no IPv6 address"},
		{"memcached, bracket open", memcached("[::1"), "MemcachedHost", "no IPv6 address"},
		{"memcached, after brackets", memcached("[::1]11211"), "MemcachedHost", "only a port"},
		{"memcached, nothing between commas", memcached("a,,b"), "MemcachedHost", "host 2 of 3: the host is missing"},
		{"memcached, space behind a comma", memcached("a:1, b:2"), "MemcachedHost", "host 2 of 2: a blank stands beside it, and commas alone separate hosts"},
		{"memcached, line break behind a comma", memcached("a,\nb"), "MemcachedHost", "host 2 of 2: a blank stands beside it"},
		{"memcached, URL, space before a comma", memcached("memcached://a ,b"), "MemcachedHost", "host 1 of 2: a blank stands beside it"},
		{"memcached, space behind", memcached("a "), "MemcachedHost", "a blank, a line break or an invisible character stands before or behind"},
		{"memcached, quotes", memcached("'a'"), "MemcachedHost", "it stands in quotes"},
		{"memcached host of another backend", Config{MemcachedHost: "a:b"}, "MemcachedHost", "the port is not a number"},

		{"table, dynamodb", Config{Backend: "dynamodb", Region: "eu-central-1", TableName: "my_table-1.x"}, "", ""},
		{"table, dynamodb, character", Config{Backend: "dynamodb", Region: "eu-central-1", TableName: "my table"}, "TableName", "DynamoDB does not allow"},
		{"table, dynamodb, short", Config{Backend: "dynamodb", Region: "eu-central-1", TableName: "ab"}, "TableName", "3 to 255 characters, and this has 2"},
		{"table, dynamodb, longest", Config{Backend: "dynamodb", Region: "eu-central-1", TableName: strings.Repeat("a", 255)}, "", ""},
		{"table, dynamodb, long", Config{Backend: "dynamodb", Region: "eu-central-1", TableName: strings.Repeat("a", 256)}, "TableName", "this has 256"},
		{"table, mongodb", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "my cache.v2"}, "", ""},
		{"table, mongodb, dollar", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "my$cache"}, "TableName", "$ or a null"},
		{"table, mongodb, null", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "my\x00cache"}, "TableName", "$ or a null"},
		{"table, mongodb, system", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "system.users"}, "TableName", "keeps for itself"},
		{"table, mongodb, system within", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "a.system.b"}, "TableName", "keeps for itself"},
		{"table, mongodb, dot first", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: ".a"}, "TableName", "a dot with nothing"},
		{"table, mongodb, dot last", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "a."}, "TableName", "a dot with nothing"},
		{"table, mongodb, two dots", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "a..b"}, "TableName", "a dot with nothing"},
		{"table, mongodb, not UTF-8", Config{Backend: "mongodb", MongoDBURL: mongoURL, TableName: "a\xff"}, "TableName", "UTF-8"},
		{"table, mongodb, longest", Config{Backend: "mongodb", MongoDBURL: mongoURL, DatabaseName: "db", TableName: strings.Repeat("a", 252)}, "", ""},
		{"table, mongodb, long", Config{Backend: "mongodb", MongoDBURL: mongoURL, DatabaseName: "db", TableName: strings.Repeat("a", 253)}, "TableName", "256 bytes"},
		{"table of another backend", Config{TableName: "my cache"}, "", ""},
		{"table of another backend, good for none", Config{TableName: "my$cache"}, "TableName", "$ or a null"},

		{"dynamodb without region and URL", dynamo(""), "Region", "requires it unless DynamoDBURL (CACHETTE_DYNAMODB_URL) is set"},
		{"dynamodb without either, with a driver", Config{Backend: "dynamodb", Driver: &ownDriver{}}, "", ""},
		{"dynamodb, region", Config{Backend: "dynamodb", Region: "us-gov-west-1"}, "", ""},
		{"dynamodb, both", Config{Backend: "dynamodb", Region: "eu-west-1", DynamoDBURL: "http://localhost:8000"}, "", ""},
		{"region unknown", Config{Backend: "dynamodb", Region: "mars-north-1"}, "Region", `"mars-north-1" is no region that AWS has`},
		{"region in capitals", Config{Backend: "dynamodb", Region: "EU-West-1"}, "Region", "names are in lower case: give eu-west-1"},
		{"region of another backend", Config{Region: "mars-north-1"}, "Region", "is no region"},
		{"dynamodb, URL", dynamo("http://localhost:8000"), "", ""},
		{"dynamodb, https", dynamo("https://dynamodb.example.com/path"), "", ""},
		{"dynamodb, scheme", dynamo("dynamodb://localhost"), "DynamoDBURL", "the scheme dynamodb://"},
		{"dynamodb, host alone", dynamo("localhost:8000"), "DynamoDBURL", "it is no URL"},
		{"dynamodb, no host", dynamo("http:///"), "DynamoDBURL", "the host is missing"},
		{"dynamodb, port", dynamo("http://localhost:99999"), "DynamoDBURL", "the port"},
		{"dynamodb, malformed", dynamo("http://local%zzhost"), "DynamoDBURL", "cannot be read as a URL"},
		{"dynamodb, user", dynamo("http://user:password@localhost:8000"), "DynamoDBURL", "takes no user and password"},
		{"dynamodb, query", dynamo("http://localhost:8000?a=b"), "DynamoDBURL", "nothing may follow"},
		{"dynamodb, fragment", dynamo("http://localhost:8000#a"), "DynamoDBURL", "nothing may follow"},
		{"dynamodb URL of another backend", Config{DynamoDBURL: "localhost"}, "DynamoDBURL", "it is no URL"},

		{"database", Config{DatabaseName: "my-cache_1"}, "", ""},
		{"database, longest", Config{DatabaseName: strings.Repeat("a", 63)}, "", ""},
		{"database, long", Config{DatabaseName: strings.Repeat("a", 64)}, "DatabaseName", "at most 63 bytes, and this has 64"},
		{"database, dot", Config{DatabaseName: "my.cache"}, "DatabaseName", "does not allow in a database's name"},
		{"database, slash", Config{DatabaseName: "my/cache"}, "DatabaseName", "does not allow"},
		{"database, backslash", Config{DatabaseName: `my\cache`}, "DatabaseName", "does not allow"},
		{"database, space", Config{DatabaseName: "my cache"}, "DatabaseName", "does not allow"},
		{"database, quote", Config{DatabaseName: `my"cache`}, "DatabaseName", "does not allow"},
		{"database, dollar", Config{DatabaseName: "my$cache"}, "DatabaseName", "does not allow"},
		{"database, null", Config{DatabaseName: "my\x00cache"}, "DatabaseName", "does not allow"},
		{"database, not UTF-8", Config{DatabaseName: "my\xffcache"}, "DatabaseName", "UTF-8"},
		{"database, MongoDB's own", Config{DatabaseName: "admin"}, "DatabaseName", "keeps for itself"},

		{"mongodb without URL", mongo(""), "MongoDBURL", "backend mongodb requires it: give mongodb://"},
		{"mongodb without URL, with a driver", Config{Backend: "mongodb", Driver: &ownDriver{}}, "", ""},
		{"mongodb", mongo("mongodb://localhost:27017"), "", ""},
		{"mongodb, credentials", mongo("mongodb://user:password@localhost:27017/"), "", ""},
		{"mongodb, percent-encoded password", mongo("mongodb://user:p%40ss%2Fw%3A@localhost"), "", ""},
		{"mongodb, several hosts", mongo("mongodb://a:27017,b:27018,[::1]:27019/cache?replicaSet=rs0&authSource=admin"), "", ""},
		{"mongodb, srv", mongo("mongodb+srv://user:password@cluster.example.com/?retryWrites=true"), "", ""},
		{"mongodb, socket", mongo("mongodb://%2Ftmp%2Fmongodb-27017.sock/cache"), "", ""},
		{"mongodb, no scheme", mongo("localhost:27017"), "MongoDBURL", "it is no URL"},
		{"mongodb, scheme", mongo("http://localhost"), "MongoDBURL", "the scheme http://"},
		{"mongodb, no host", mongo("mongodb://"), "MongoDBURL", "the host is missing"},
		{"mongodb, no host after user", mongo("mongodb://user:password@"), "MongoDBURL", "the host is missing"},
		{"mongodb, no user", mongo("mongodb://:password@localhost"), "MongoDBURL", "user name is missing"},
		{"mongodb, port", mongo("mongodb://a:27017,b:99999"), "MongoDBURL", "host 2 of 2: the port"},
		{"mongodb, srv with port", mongo("mongodb+srv://a.example.com:27017"), "MongoDBURL", "one host, without a port"},
		{"mongodb, srv with two hosts", mongo("mongodb+srv://a.example.com,b.example.com"), "MongoDBURL", "one host, without a port"},
		{"mongodb, slash in password", mongo("mongodb://user:pass/word@localhost"), "MongoDBURL", "percent-encoded"},
		{"mongodb, at in password", mongo("mongodb://user:pass@word@localhost"), "MongoDBURL", "percent-encoded"},
		{"mongodb, colon in password", mongo("mongodb://user:pass:word@localhost"), "MongoDBURL", "percent-encoded"},
		{"mongodb, percent in password", mongo("mongodb://user:pass%word@localhost"), "MongoDBURL", "begins no escape"},
		{"mongodb, no slash before ?", mongo("mongodb://localhost?replicaSet=a"), "MongoDBURL", "a / has to stand before the ?"},
		{"mongodb, space behind a comma", mongo("mongodb://a, b/"), "MongoDBURL", "host 2 of 2: a blank stands beside it"},
		{"mongodb, line break behind", mongo("mongodb://a/\n"), "MongoDBURL", "a blank, a line break or an invisible character stands before"},
		{"mongodb, quotes", mongo(`"mongodb://a"`), "MongoDBURL", "it stands in quotes"},
		{"mongodb, database", mongo("mongodb://localhost/a.b"), "MongoDBURL", "not the name of a database"},
		{"mongodb, database of MongoDB's own", mongo("mongodb://localhost/admin"), "MongoDBURL", "the database that it names is one that MongoDB keeps for itself"},
		{"mongodb, database of MongoDB's own, and a user", mongo("mongodb://user:password@localhost/local"), "MongoDBURL", "keeps for itself"},
		{"mongodb, database of the user", mongo("mongodb://user:password@localhost/admin"), "", ""},
		{"mongodb, database of the user, and another", Config{MongoDBURL: "mongodb://user:password@localhost/admin", DatabaseName: "cache"}, "", ""},
		{"mongodb, the same database twice", Config{MongoDBURL: "mongodb://localhost/cache", DatabaseName: "cache"}, "", ""},
		{"mongodb, two databases", Config{MongoDBURL: "mongodb://user:password@localhost/app", DatabaseName: "cache"}, "DatabaseName",
			"MongoDBURL (CACHETTE_MONGODB_URL) names another database: give one of the two; where the user is known is said by the option authSource of the URL"},
		{"mongodb, two databases, of another backend", Config{Backend: "inmemory", MongoDBURL: "mongodb+srv://a.example.com/app", DatabaseName: "cache"},
			"DatabaseName", "names another database"},
		{"mongodb, a table with the database of the URL", Config{Backend: "mongodb", MongoDBURL: "mongodb://localhost/" + strings.Repeat("d", 63),
			TableName: strings.Repeat("a", 192)}, "TableName", "database and collection together have 256 bytes"},
		{"mongodb, option", mongo("mongodb://localhost/?replicaSet"), "MongoDBURL", "options of the form name=value"},
		{"mongodb, bad escape in an option", mongo("mongodb://localhost/?replicaSet=%zz"), "MongoDBURL", "options of the form name=value"},
		{"mongodb URL of another backend", Config{MongoDBURL: "localhost"}, "MongoDBURL", "it is no URL"},

		{"key prefix", Config{KeyPrefix: "shop:"}, "", ""},
		{"key prefix, not UTF-8", Config{KeyPrefix: "\xff"}, "KeyPrefix", "UTF-8"},
		{"plain keys", Config{PlainKeys: true}, "", ""},
		{"plain keys and a prefix", Config{PlainKeys: true, KeyPrefix: "shop:"}, "PlainKeys", "KeyPrefix (CACHETTE_KEY_PREFIX) is set"},

		{"service", Config{Service: "shop/größe"}, "", ""},
		{"service, longest", Config{Service: strings.Repeat("a", 255)}, "", ""},
		{"service, long", Config{Service: strings.Repeat("a", 256)}, "Service", "it has 256 bytes: give a text of at most 255 bytes"},
		{"service, not UTF-8", Config{Service: "\xff"}, "Service", "it is not UTF-8: give a text"},
		{"version", Config{Version: "v1.2.3+5"}, "", ""},
		{"version, long", Config{Version: strings.Repeat("a", 256)}, "Version", "it has 256 bytes: give a text of at most 255 bytes"},
		{"version, not UTF-8", Config{Version: "\xff"}, "Version", "it is not UTF-8: give a text"},

		{"memory limit least", Config{MemoryLimit: 1 << 20}, "", ""},
		{"memory limit most", Config{MemoryLimit: 1 << 48}, "", ""},
		{"memory limit negative", Config{MemoryLimit: -1}, "MemoryLimit", "-1 bytes is out of range: give 1 MiB to 256 TiB"},
		{"memory limit of MiB", Config{MemoryLimit: 64}, "MemoryLimit",
			"64 bytes is out of range: give 1 MiB to 256 TiB (a number without a unit counts bytes: did you mean 64 << 20, which is 64MiB?)"},
		{"memory limit of KiB", Config{MemoryLimit: 65536}, "MemoryLimit", "did you mean 65536 << 10, which is 65536KiB, or 65536 << 20"},
		{"memory limit above", Config{MemoryLimit: 1<<48 + 1}, "MemoryLimit", "281474976710657 bytes is out of range: give 1 MiB to 256 TiB"},
		{"operation timeout least", Config{OperationTimeout: time.Millisecond}, "", ""},
		{"operation timeout most", Config{OperationTimeout: time.Minute}, "", ""},
		{"operation timeout negative", Config{OperationTimeout: -time.Second}, "OperationTimeout", "-1s is out of range: give 1 ms to 60 s"},
		{"operation timeout of no unit", Config{OperationTimeout: 5}, "OperationTimeout",
			"5ns is out of range: give 1 ms to 60 s (a number without a unit counts nanoseconds: did you mean 5 * time.Millisecond, or 5 * time.Second?)"},
		{"operation timeout of no unit, long", Config{OperationTimeout: 500}, "OperationTimeout", "nanoseconds: did you mean 500 * time.Millisecond?)"},
		{"operation timeout above", Config{OperationTimeout: 10 * time.Hour}, "OperationTimeout", "10h is out of range: give 1 ms to 60 s"},
		{"TTL of no unit", Config{TTL: 90}, "TTL", "90ns is out of range: give 1 s to 3600 s (a number without a unit counts nanoseconds: did you mean 90 * time.Second?)"},
		{"body limit least", Config{BodyLimit: 1000}, "", ""},
		{"body limit most", Config{BodyLimit: 4 << 30}, "", ""},
		{"body limit negative", Config{BodyLimit: -1}, "BodyLimit", "-1 bytes is out of range: give 1 kB to 4 GiB"},
		{"body limit of no unit", Config{BodyLimit: 8}, "BodyLimit", "did you mean 8 << 10, which is 8KiB, or 8 << 20, which is 8MiB?"},
		{"body limit above", Config{BodyLimit: math.MaxInt64}, "BodyLimit", "is out of range: give 1 kB to 4 GiB"},
		{"keep stale least", Config{KeepStale: time.Millisecond}, "", ""},
		{"keep stale most", Config{KeepStale: 30 * 24 * time.Hour}, "", ""},
		{"keep stale negative", Config{KeepStale: -1}, "KeepStale", "-1ns is out of range: give 1 ms to 720 h"},
		{"keep stale above", Config{KeepStale: 721 * time.Hour}, "KeepStale", "721h is out of range: give 1 ms to 720 h"},
		{"keep stale of no unit", Config{KeepStale: 10}, "KeepStale", "did you mean 10 * time.Millisecond, or 10 * time.Second?"},

		{"disabled, redis without URL", Config{Disabled: true, Backend: "redis"}, "", ""},
		{"disabled, dynamodb without region", Config{Disabled: true, Backend: "dynamodb"}, "", ""},
		{"disabled, wrong URL", Config{Disabled: true, Backend: "redis", RedisURL: "localhost"}, "RedisURL", "it is no URL"},
		{"disabled, unknown backend", Config{Disabled: true, Backend: "rocksdb"}, "Backend", "is no backend"},
		{"disabled, earlier routes, proxy's scheme", Config{Disabled: true, EarlierRoutes: true, ProxyScheme: true}, "", ""},

		{"driver", Config{Driver: &ownDriver{}}, "", ""},
		{"driver, nil pointer", Config{Driver: (*ownDriver)(nil)}, "Driver", "it is a nil pointer (*cachette.ownDriver)"},
		{"encoder", Config{Encoder: vanilla.New()}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := problemsBut(t, test.config.Validate())
			if test.field == "" {
				if len(problems) > 0 {
					t.Errorf("it has mistakes: %q", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Field != test.field || !strings.Contains(problems[0].Problem, test.want) {
				t.Errorf("the mistakes are %q, want one of %s with %q in it", problems, test.field, test.want)
			}
		})
	}
}

func TestValidateReportsEveryMistake(t *testing.T) {
	config := Config{
		Backend: "rocksdb", Codec: "yaml", TTL: 2 * time.Hour, RedisURL: "x", MemcachedHost: "a/b", TableName: "$", Region: "x",
		DynamoDBURL: "x", DatabaseName: "a b", MongoDBURL: "x", KeyPrefix: "\xff", PlainKeys: true, Service: "\xff", Version: "\xff",
		MemoryLimit: -1, OperationTimeout: -1, BodyLimit: -1, KeepStale: -1, Driver: (*ownDriver)(nil),
	}
	var got []string
	for _, problem := range problemsOf(t, config.Validate()) {
		got = append(got, problem.Field)
	}
	flags := []string{"ProxyScheme", "Disabled"} // of which both values are right
	want := slices.DeleteFunc(slices.Clone(configFields), func(field string) bool { return slices.Contains(flags, field) })
	if want = append(want, "Driver"); !slices.Equal(got, want) {
		t.Errorf("the mistakes are in\n%q, want\n%q", got, want)
	}
}

// TestWhatIsNotLinked: a backend or codec that exists and is not linked is an error that says which import is missing.
func TestWhatIsNotLinked(t *testing.T) {
	complete := Config{
		RedisURL: "redis://localhost", MemcachedHost: "localhost", Region: "eu-central-1", MongoDBURL: "mongodb://localhost",
	}
	for _, name := range backends {
		t.Run(name, func(t *testing.T) {
			config := complete
			config.Backend = name
			_, linked := drivers.Lookup(name)
			wantNotLinked(t, config, linked, "Backend", strings.Join(drivers.Linked(), ", "), "drivers/"+name)

			disabled := config
			disabled.Disabled = true
			wantNotLinked(t, disabled, true, "", "", "") // which opens none
			config.Driver = &ownDriver{}
			wantNotLinked(t, config, true, "", "", "") // which needs no backend
		})
	}
	for _, name := range codecs {
		t.Run(name, func(t *testing.T) {
			config := Config{Codec: name}
			_, linked := encoders.Lookup(name)
			wantNotLinked(t, config, linked, "Codec", strings.Join(encoders.Linked(), ", "), "encoders/"+name)

			config.Encoder = vanilla.New()
			wantNotLinked(t, config, true, "", "", "")
		})
	}
	for _, name := range []string{"inmemory"} {
		if _, ok := drivers.Lookup(name); !ok {
			t.Errorf("%s is not linked into every program", name)
		}
	}
	for _, name := range []string{"vanilla", "json"} {
		if _, ok := encoders.Lookup(name); !ok {
			t.Errorf("%s is not linked into every program", name)
		}
	}
}

func wantNotLinked(t *testing.T, config Config, linked bool, field, has, folder string) {
	t.Helper()
	problems := problemsOf(t, config.Validate())
	if linked {
		if len(problems) > 0 {
			t.Errorf("it has mistakes: %q", problems)
		}
		return
	}
	missing := `add import _ "github.com/gin-cachette/cachette/` + folder + `"`
	if len(problems) != 1 || problems[0].Field != field ||
		!strings.Contains(problems[0].Problem, missing) || !strings.Contains(problems[0].Problem, has) {
		t.Errorf("the mistakes are %q, want one of %s with %q and %q in it", problems, field, has, missing)
	}
}

// TestARegisteredNameIsABackend: others may bring backends and codecs of their own.
func TestARegisteredNameIsABackend(t *testing.T) {
	const name = "test-config-own"
	if _, ok := drivers.Lookup(name); !ok { // it is there with go test -count
		drivers.Register(name, func(context.Context, drivers.Settings) (drivers.Driver, error) { return &ownDriver{}, nil })
	}
	if err := (Config{Backend: name}).Validate(); err != nil {
		t.Errorf("a backend that is registered is refused: %v", err)
	}
	if err := (Config{Backend: "rocksdb"}).Validate(); !strings.Contains(err.Error(), name) {
		t.Errorf("%q does not offer the backend that is registered", err)
	}
}

func TestConfigErrorMessage(t *testing.T) {
	tests := []struct {
		err  ConfigError
		want string
	}{
		{ConfigError{"TTL", "CACHETTE_TTL", "2h is out of range: give 1 s to 3600 s"},
			"cachette: TTL (CACHETTE_TTL): 2h is out of range: give 1 s to 3600 s"},
		{ConfigError{"Driver", "", "it is a nil pointer"}, "cachette: Driver: it is a nil pointer"},
		{ConfigError{"", "CACHETTE_X", "cachette knows no such variable"}, "cachette: CACHETTE_X: cachette knows no such variable"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	err := Config{TTL: 2 * time.Hour, Codec: "yaml"}.Validate()
	var problem *ConfigError
	if !errors.As(err, &problem) || problem.Field != "Codec" {
		t.Errorf("errors.As found %v, want the first mistake", problem)
	}
}

func TestWithDefaults(t *testing.T) {
	want := Config{
		Backend: "inmemory", Codec: "vanilla", TTL: 60 * time.Second, TableName: "fastapi-cachette",
		DatabaseName: "fastapi-cachette-database", KeyPrefix: "cachette:", MemoryLimit: 64 << 20,
		OperationTimeout: 500 * time.Millisecond, BodyLimit: 1 << 20, KeepStale: time.Hour, Logger: slog.Default(),
		Service: "github.com/gin-cachette/cachette.test", // the path of a test's main package
	}
	if got := (Config{}).withDefaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := (Config{PlainKeys: true}).withDefaults().KeyPrefix; got != "" {
		t.Errorf("with plain keys the prefix is %q", got)
	}
	for url, want := range map[string]string{
		"mongodb://localhost":                           "fastapi-cachette-database",
		"mongodb://localhost/?authSource=users":         "fastapi-cachette-database",
		"mongodb://localhost/app":                       "app",
		"mongodb://user:password@localhost/app":         "app",
		"mongodb+srv://user@a.example.com/app?x=y":      "app",
		"mongodb://user:password@localhost/admin":       "fastapi-cachette-database",
		"mongodb://user@%2Ftmp%2Fmongodb.sock/my%2Dapp": "my-app",
	} {
		if got := (Config{MongoDBURL: url}).withDefaults().settings().DatabaseName; got != want {
			t.Errorf("the database of %s is %q, want %q", url, got, want)
		}
	}
	set := Config{
		Backend: "redis", Codec: "json", TTL: time.Second, RedisURL: "redis://localhost", MemcachedHost: "a", TableName: "table",
		Region: "eu-west-1", DynamoDBURL: "http://a", DatabaseName: "b", MongoDBURL: "mongodb://a", KeyPrefix: "p:",
		Service: "s", Version: "v", MemoryLimit: 1, OperationTimeout: 1, BodyLimit: 1, KeepStale: 1, ProxyScheme: true, Disabled: true,
		EarlierRoutes: true, Driver: &ownDriver{}, Encoder: vanilla.New(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if got := set.withDefaults(); !reflect.DeepEqual(got, set) {
		t.Errorf("what is set was changed, to %+v", got)
	}
}

// TestMainPackage: a program that was made from files by their names has no path of its own.
func TestMainPackage(t *testing.T) {
	tests := []struct {
		name string
		info *debug.BuildInfo
		ok   bool
		want string
	}{
		{"a package", &debug.BuildInfo{Path: "example.com/shop/cmd/web"}, true, "example.com/shop/cmd/web"},
		{"files", &debug.BuildInfo{Path: "command-line-arguments"}, true, ""},
		{"no path", &debug.BuildInfo{}, true, ""},
		{"no build information", nil, false, ""},
	}
	for _, test := range tests {
		if got := mainPackage(test.info, test.ok); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestSettings: each field of drivers.Settings is set, from the field of Config that has its name.
func TestSettings(t *testing.T) {
	config := Config{
		RedisURL: "a", MemcachedHost: "b", TableName: "c", Region: "d", DynamoDBURL: "e", DatabaseName: "f", MongoDBURL: "g",
		PlainKeys: true, MemoryLimit: 1, OperationTimeout: 2,
	}.withDefaults()
	settings := reflect.ValueOf(config.settings())
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Name
		from := reflect.ValueOf(config).FieldByName(name)
		if !from.IsValid() || settings.Field(i).IsZero() || !reflect.DeepEqual(settings.Field(i).Interface(), from.Interface()) {
			t.Errorf("%s is %v, want Config's %v", name, settings.Field(i), from)
		}
	}
}
