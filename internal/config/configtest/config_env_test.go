package configtest

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/config"
)

// setEnvironment gives the test these variables, and no other of cachette's.
func setEnvironment(t *testing.T, environment map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "CACHETTE_") {
			t.Setenv(name, "") // so that it comes back after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
}

func TestFromEnv(t *testing.T) {
	tests := []struct {
		name        string
		environment map[string]string
		want        Config
	}{
		{"nothing", nil, Config{}},
		{"names", map[string]string{"CACHETTE_BACKEND": "inmemory", "CACHETTE_CODEC": "json"}, Config{Backend: "inmemory", Codec: "json"}},
		{"TTL in seconds", map[string]string{"CACHETTE_TTL": "90"}, Config{TTL: 90 * time.Second}},
		{"TTL as a duration", map[string]string{"CACHETTE_TTL": "1m30s"}, Config{TTL: 90 * time.Second}},
		{"TTL, the most", map[string]string{"CACHETTE_TTL": "3600"}, Config{TTL: time.Hour}},
		{"addresses", map[string]string{
			"CACHETTE_REDIS_URL":      "redis://user:pa$$word@host:6379/0",
			"CACHETTE_MEMCACHED_HOST": "a,b:11212",
			"CACHETTE_DYNAMODB_URL":   "http://localhost:8000",
			"CACHETTE_MONGODB_URL":    "mongodb://a:27017,b:27017/?replicaSet=rs=0",
		}, Config{
			RedisURL: "redis://user:pa$$word@host:6379/0", MemcachedHost: "a,b:11212", DynamoDBURL: "http://localhost:8000",
			MongoDBURL: "mongodb://a:27017,b:27017/?replicaSet=rs=0",
		}},
		{"places", map[string]string{
			"CACHETTE_TABLE_NAME": "table", "CACHETTE_REGION": "eu-west-1", "CACHETTE_DATABASE_NAME": "database",
		}, Config{TableName: "table", Region: "eu-west-1", DatabaseName: "database"}},
		{"key prefix", map[string]string{"CACHETTE_KEY_PREFIX": "shop: a"}, Config{KeyPrefix: "shop: a"}},
		{"line breaks at the end", map[string]string{
			"CACHETTE_REDIS_URL": "redis://user:password@host\n", "CACHETTE_TTL": "90\r\n", "CACHETTE_KEY_PREFIX": "shop:\n\n",
		}, Config{RedisURL: "redis://user:password@host", TTL: 90 * time.Second, KeyPrefix: "shop:"}},
		{"plain keys", map[string]string{"CACHETTE_PLAIN_KEYS": "true"}, Config{PlainKeys: true}},
		{"no plain keys, and a prefix", map[string]string{"CACHETTE_PLAIN_KEYS": "false", "CACHETTE_KEY_PREFIX": "a"}, Config{KeyPrefix: "a"}},
		{"limits in bytes", map[string]string{"CACHETTE_MEMORY_LIMIT": "1048577", "CACHETTE_BODY_LIMIT": "1001"},
			Config{MemoryLimit: 1048577, BodyLimit: 1001}},
		{"limits with units", map[string]string{"CACHETTE_MEMORY_LIMIT": "1GiB", "CACHETTE_BODY_LIMIT": "64 kB"},
			Config{MemoryLimit: 1 << 30, BodyLimit: 64000}},
		{"timeout in seconds", map[string]string{"CACHETTE_OPERATION_TIMEOUT": "2"}, Config{OperationTimeout: 2 * time.Second}},
		{"timeout as a duration", map[string]string{"CACHETTE_OPERATION_TIMEOUT": "250ms"}, Config{OperationTimeout: 250 * time.Millisecond}},
		{"service and version", map[string]string{"CACHETTE_SERVICE": "shop", "CACHETTE_VERSION": "v1"}, Config{Service: "shop", Version: "v1"}},
		{"audit", map[string]string{"CACHETTE_AUDIT": "0.01", "CACHETTE_AUDIT_STOPS": "true"}, Config{Audit: 0.01, AuditStops: true}},
		{"no audit", map[string]string{"CACHETTE_AUDIT": "0"}, Config{}},
		{"lease", map[string]string{"CACHETTE_LEASE": "5"}, Config{Lease: 5 * time.Second}},
		{"near", map[string]string{"CACHETTE_NEAR": "16MiB", "CACHETTE_NEAR_STALENESS": "5", "CACHETTE_NEAR_POLL": "200ms"},
			Config{Near: 16 << 20, NearStaleness: 5 * time.Second, NearPoll: 200 * time.Millisecond}},
		{"stale responses", map[string]string{"CACHETTE_KEEP_STALE": "15m"}, Config{KeepStale: 15 * time.Minute}},
		{"fields for tags", map[string]string{"CACHETTE_TAG_HEADER": "xkey, Cache-Tag"}, Config{TagHeader: "xkey, Cache-Tag"}},
		{"what invalidates", map[string]string{"CACHETTE_INVALIDATE_ON": "success"}, Config{InvalidateOn: "success"}},
		{"switches", map[string]string{"CACHETTE_DISABLED": "true", "CACHETTE_PROXY_SCHEME": "1"}, Config{Disabled: true, ProxyScheme: true}},
		{"switched off", map[string]string{"CACHETTE_DISABLED": "false", "CACHETTE_PROXY_SCHEME": "0"}, Config{}},
		{"disabled, and no URL", map[string]string{"CACHETTE_DISABLED": "true", "CACHETTE_BACKEND": "redis"}, Config{Disabled: true, Backend: "redis"}},
		{"variables of tests", map[string]string{"CACHETTE_TEST_REDIS": "127.0.0.1:1", "CACHETTE_TEST_EMPTY": ""}, Config{}},
		{"variables of others", map[string]string{"MY_CACHETTE_X": "1", "CACHETTES": "1", "CACHETTE": "1"}, Config{}},
		{"a service of Kubernetes", map[string]string{
			"CACHETTE_SERVICE_HOST": "10.0.0.1", "CACHETTE_SERVICE_PORT": "80", "CACHETTE_SERVICE_PORT_HTTP": "80",
			"CACHETTE_PORT": "tcp://10.0.0.1:80", "CACHETTE_PORT_80_TCP_ADDR": "10.0.0.1",
			"CACHETTE_REDIS_SERVICE_HOST": "10.0.0.2", "CACHETTE_REDIS_PORT_6379_TCP": "tcp://10.0.0.2:6379",
		}, Config{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setEnvironment(t, test.environment)
			got, err := FromEnv()
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestFromEnvMistakes(t *testing.T) {
	tests := []struct {
		variable, value string
		want            string // in the one problem
	}{
		{"CACHETTE_BACKEND", "rocksdb", "is no backend"},
		{"CACHETTE_CODEC", "yaml", "is no codec"},
		{"CACHETTE_TTL", "0", "0s is out of range: give 1 s to 3600 s"},
		{"CACHETTE_TTL", "0s", "0s is out of range: give 1 s to 3600 s"},
		{"CACHETTE_TTL", "3601", "1h0m1s is out of range"},
		{"CACHETTE_TTL", "-5", "-5s is out of range"},
		{"CACHETTE_TTL", "soon", `"soon" is not a duration: give a duration such as 500ms or 2s, or a number of seconds`},
		{"CACHETTE_TTL", "1.5", `"1.5" is not a duration`},
		{"CACHETTE_TTL", "9223372036854775807", "is not a duration"},
		{"CACHETTE_TTL", "99999999999999999999", "is not a duration"},
		{"CACHETTE_REDIS_URL", "localhost", "it is no URL"},
		{"CACHETTE_MEMCACHED_HOST", "a b", "the host has a character"},
		{"CACHETTE_MEMCACHED_HOST", "a:11211, b:11211", "host 2 of 2: a blank stands beside it, and commas alone separate hosts"},
		{"CACHETTE_TABLE_NAME", "$", "does not allow"},
		{"CACHETTE_REGION", "mars-north-1", "is no region"},
		{"CACHETTE_DYNAMODB_URL", "localhost", "it is no URL"},
		{"CACHETTE_DATABASE_NAME", "a b", "does not allow"},
		{"CACHETTE_MONGODB_URL", "localhost", "it is no URL"},
		{"CACHETTE_PLAIN_KEYS", "yes", `"yes" is neither true nor false`},
		{"CACHETTE_SERVICE", "\xff", "it is not UTF-8"},
		{"CACHETTE_VERSION", strings.Repeat("1", 256), "it has 256 bytes"},
		{"CACHETTE_DISABLED", "yes", `"yes" is neither true nor false`},
		{"CACHETTE_PROXY_SCHEME", "https", `"https" is neither true nor false`},
		{"CACHETTE_INVALIDATE_ON", "2xx", `"2xx" names no answers: give one of non-error, success, none`},
		{"CACHETTE_TAG_HEADER", "X-Tags", `"X-Tags" names a field for tags that is not known: give Cache-Tag, Surrogate-Key, Edge-Cache-Tag or xkey`},
		{"CACHETTE_TAG_HEADER", "xkey, Xkey", `it names "Xkey" twice`},
		{"CACHETTE_INVALIDATE_ON", "any", "any is for single routes, by the function InvalidateOn"},
		{"CACHETTE_KEEP_STALE", "0", "0s is out of range: give 1 ms to 720 h"},
		{"CACHETTE_LEASE", "1h", "1h is out of range: give 1 ms to 10 min"},
		{"CACHETTE_KEEP_STALE", "31d", `"31d" is not a duration`},
		{"CACHETTE_TTL", "60000", "16h40m is out of range: give 1 s to 3600 s (a number without a unit counts seconds: did you mean 60000ms?)"},
		{"CACHETTE_TTL", "16h40m", "16h40m is out of range: give 1 s to 3600 s"},
		{"CACHETTE_MEMORY_LIMIT", "0", "0 bytes is out of range: give 1 MiB to 256 TiB"},
		{"CACHETTE_MEMORY_LIMIT", "64", "64 bytes is out of range: give 1 MiB to 256 TiB (a number without a unit counts bytes: did you mean 64 << 20, which is 64MiB?)"},
		{"CACHETTE_MEMORY_LIMIT", "0MiB", "0 bytes is out of range"},
		{"CACHETTE_MEMORY_LIMIT", "-1MiB", "-1 MiB is out of range"},
		{"CACHETTE_MEMORY_LIMIT", "64M", `"64M" is not a size: give a number of bytes, or one with a unit such as 64MiB`},
		{"CACHETTE_MEMORY_LIMIT", "1.5GiB", "is not a size"},
		{"CACHETTE_MEMORY_LIMIT", "MiB", "is not a size"},
		{"CACHETTE_MEMORY_LIMIT", "9999999TiB", "is not a size"},
		{"CACHETTE_BODY_LIMIT", "0", "0 bytes is out of range"},
		{"CACHETTE_BODY_LIMIT", "large", `"large" is not a size`},
		{"CACHETTE_OPERATION_TIMEOUT", "0", "0s is out of range"},
		{"CACHETTE_OPERATION_TIMEOUT", "-1s", "-1s is out of range"},
		{"CACHETTE_OPERATION_TIMEOUT", "10h", "10h is out of range: give 1 ms to 60 s"},
		{"CACHETTE_OPERATION_TIMEOUT", "500", "8m20s is out of range: give 1 ms to 60 s (a number without a unit counts seconds: did you mean 500ms?)"},
		{"CACHETTE_OPERATION_TIMEOUT", "fast", `"fast" is not a duration`},
	}
	for _, test := range tests {
		t.Run(test.variable+"="+test.value, func(t *testing.T) {
			setEnvironment(t, map[string]string{test.variable: test.value})
			got, err := FromEnv()
			problems := problemsOf(t, err)
			if len(problems) != 1 || problems[0].Variable != test.variable || !strings.Contains(problems[0].Problem, test.want) {
				t.Errorf("the mistakes are %q, want one of %s with %q in it", problems, test.variable, test.want)
			}
			if !reflect.DeepEqual(got, Config{}) {
				t.Errorf("beside the error it returned %+v", got)
			}
		})
	}
}

// TestFromEnvAroundAValue: blanks and quotes around a value are told as what they are, whichever variable it is.
func TestFromEnvAroundAValue(t *testing.T) {
	const blank, quotes = "a blank, a line break or an invisible character stands before or after the value", "it stands in quotes"
	tests := []struct{ name, before, after, want string }{
		{"blank before", " ", "", blank},
		{"blank behind", "", " ", blank},
		{"tab behind", "", "\t", blank},
		{"blank and line break behind", "", " \n", blank},
		{"line break before", "\n", "", blank},
		{"no-break space", "", "\u00a0", blank},
		{"byte order mark", "\ufeff", "", blank},
		{"double quotes", `"`, `"`, quotes},
		{"single quotes", "'", "'", quotes},
		{"backquotes", "`", "`", quotes},
		{"quotes and line break", `"`, "\"\n", quotes},
	}
	good := map[string]string{
		"Backend": "inmemory", "URL": "memory:", "Codec": "json", "TTL": "90s", "RedisURL": "redis://user:hunter2@host", "MemcachedHost": "host",
		"TableName": "table", "Region": "eu-central-1", "DynamoDBURL": "http://localhost:8000", "DatabaseName": "database",
		"MongoDBURL": "mongodb://user:hunter2@host", "KeyPrefix": "prefix:", "PlainKeys": "false", "Service": "shop", "Version": "v1",
		"MemoryLimit": "64MiB", "OperationTimeout": "1s", "BodyLimit": "1MiB", "KeepStale": "1h", "Lease": "5s",
		"Near": "16MiB", "NearStaleness": "5s", "NearPoll": "2s", "ProxyScheme": "true", "InvalidateOn": "none",
		"TagHeader": "Cache-Tag", "Compression": "false", "Audit": "0.01", "AuditStops": "true", "Disabled": "false",
	}
	for _, field := range config.Fields {
		setEnvironment(t, map[string]string{config.Variables[field]: good[field]})
		if _, err := FromEnv(); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		for _, test := range tests {
			t.Run(field+"/"+test.name, func(t *testing.T) {
				setEnvironment(t, map[string]string{config.Variables[field]: test.before + good[field] + test.after})
				_, err := FromEnv()
				problems := problemsOf(t, err)
				if len(problems) != 1 || problems[0].Field != field || !strings.Contains(problems[0].Problem, test.want) {
					t.Errorf("the mistakes are %q, want one of %s with %q in it", problems, field, test.want)
				}
				holdsNoSecret(t, "hunter2", field, err)
			})
		}
	}
}

// TestFromEnvEmptyVariables: a variable that is set but empty is a mistake, whichever it is.
func TestFromEnvEmptyVariables(t *testing.T) {
	if len(config.Fields) != 30 || len(config.Forms) != len(config.Fields) {
		t.Errorf("%d fields have a variable, and %d a form, want 30", len(config.Fields), len(config.Forms))
	}
	for _, field := range config.Fields {
		for _, value := range []string{"", "\n"} { // an empty file, too, may end with a line break
			t.Run(fmt.Sprintf("%s=%q", config.Variables[field], value), func(t *testing.T) {
				setEnvironment(t, map[string]string{config.Variables[field]: value})
				_, err := FromEnv()
				problems := problemsOf(t, err)
				want := "it is set but empty: unset it, or give " + config.Forms[field]
				if config.Forms[field] == "" || len(problems) != 1 || problems[0].Field != field || problems[0].Problem != want {
					t.Errorf("the mistakes are %q, want one of %s: %s", problems, field, want)
				}
			})
		}
	}
}

func TestFromEnvEmptyAndRequired(t *testing.T) {
	for backend, variable := range map[string]string{
		"redis": "CACHETTE_REDIS_URL", "memcached": "CACHETTE_MEMCACHED_HOST", "mongodb": "CACHETTE_MONGODB_URL", "dynamodb": "CACHETTE_REGION",
	} {
		t.Run(backend, func(t *testing.T) {
			setEnvironment(t, map[string]string{"CACHETTE_BACKEND": backend, variable: ""})
			_, err := FromEnv()
			problems := problemsOf(t, err)
			if len(problems) != 1 || problems[0].Variable != variable || !strings.Contains(problems[0].Problem, "set but empty") {
				t.Errorf("the mistakes are %q, want that %s is empty and nothing else", problems, variable)
			}
		})
	}
}

func TestFromEnvUnknownVariables(t *testing.T) {
	tests := []struct{ name, want string }{
		{"CACHETTE_TTTL", "did you mean CACHETTE_TTL?"},
		{"CACHETTE_TLT", "did you mean CACHETTE_TTL?"},
		{"CACHETTE_BACKENDS", "did you mean CACHETTE_BACKEND?"},
		{"CACHETTE_MEMORYLIMITS", "did you mean CACHETTE_MEMORY_LIMIT?"},
		{"CACHETTE_T", "it knows CACHETTE_BACKEND, CACHETTE_URL, CACHETTE_CODEC, CACHETTE_TTL, CACHETTE_REDIS_URL"},
		{"CACHETTE_XYZ", "it knows CACHETTE_BACKEND"},
		{"CACHETTE_", "it knows CACHETTE_BACKEND"},
		{"CACHETTE_TESTING", "it knows CACHETTE_BACKEND"},
		{"CACHETTE_REDISURL", "did you mean CACHETTE_REDIS_URL?"},
		{"CACHETTE_Redis_URL", "did you mean CACHETTE_REDIS_URL?"},
		{"CACHETTE_DYNAMO_DB_URL", "did you mean CACHETTE_DYNAMODB_URL?"},
		{"CACHETTE_PREFIX", "did you mean CACHETTE_KEY_PREFIX?"},
		{"CACHETTE_DEFAULT_TTL", "did you mean CACHETTE_TTL?"},
		{"CACHETTE_MEMCACHED", "did you mean CACHETTE_MEMCACHED_HOST?"},
		{"CACHETTE_LIMIT", "did you mean CACHETTE_MEMORY_LIMIT or CACHETTE_BODY_LIMIT?"},
		{"CACHETTE_PORT", "it knows CACHETTE_BACKEND"}, // no CACHETTE_SERVICE_HOST beside it
		{"CACHETTE_DRIVER", "it knows CACHETTE_BACKEND"},
	}
	for _, test := range tests {
		for _, value := range []string{"hunter2", ""} {
			t.Run(test.name+"="+value, func(t *testing.T) {
				setEnvironment(t, map[string]string{test.name: value})
				_, err := FromEnv()
				problems := problemsOf(t, err)
				if len(problems) != 1 || problems[0].Variable != test.name || problems[0].Field != "" || !strings.Contains(problems[0].Problem, test.want) {
					t.Errorf("the mistakes are %q, want one of %s with %q in it", problems, test.name, test.want)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%q shows the value", err)
				}
			})
		}
	}
}

func TestFromEnvReportsEveryMistake(t *testing.T) {
	setEnvironment(t, map[string]string{
		"CACHETTE_BACKEND": "redis", "CACHETTE_CODEC": "", "CACHETTE_TTL": "soon", "CACHETTE_MEMCACHED_HOST": "a b",
		"CACHETTE_REGION": "mars-north-1", "CACHETTE_DATABASE_NAME": "", "CACHETTE_PLAIN_KEYS": "true", "CACHETTE_KEY_PREFIX": "a",
		"CACHETTE_MEMORY_LIMIT": "0", "CACHETTE_BODY_LIMIT": "large", "CACHETTE_ZZZ": "1", "CACHETTE_AAA": "1",
	})
	_, err := FromEnv()
	var got []string
	for _, problem := range problemsOf(t, err) {
		got = append(got, problem.Variable)
	}
	want := []string{
		"CACHETTE_CODEC", "CACHETTE_TTL", "CACHETTE_REDIS_URL", "CACHETTE_MEMCACHED_HOST", "CACHETTE_REGION",
		"CACHETTE_DATABASE_NAME", "CACHETTE_PLAIN_KEYS", "CACHETTE_MEMORY_LIMIT", "CACHETTE_BODY_LIMIT",
		"CACHETTE_AAA", "CACHETTE_ZZZ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the mistakes are in\n%q, want\n%q", got, want)
	}
}

// TestNoSecretInAnError puts a password into every kind of broken URL, and each of those into every variable and field.
func TestNoSecretInAnError(t *testing.T) {
	const secret = "hunter2"
	values := []string{
		secret + "@host",
		"user:" + secret + "@host",
		"user:" + secret + "@host:6379",
		":" + secret + "@host:6379",
		"//user:" + secret + "@host",
		"://user:" + secret + "@host",
		secret + "://",
		"user:" + secret + "://host",
		"redis//user:" + secret + "@host",
		"redis:/user:" + secret + "@host",
		"redis:user:" + secret + "@host",
	}
	for _, scheme := range []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "unix", "mongodb", "mongodb+srv", "http", "https", "memcached", "memcacheds", "ftp", "REDIS", " redis"} {
		for _, rest := range []string{
			"user:" + secret + "@host:port",
			"user:" + secret + "@host:99999",
			"user:" + secret + "@host:6379/database",
			"user:" + secret + "@host:6379/0/1",
			"user:" + secret + "@",
			"user:" + secret + "@:6379",
			"user:" + secret + "@a,b",
			"user:" + secret + "@ho st",
			"user:" + secret + "@ho%zzst",
			"user:" + secret + "@[::1",
			"user:" + secret + "@host\x7f",
			"user:" + secret + "@host\n",
			"user:" + secret + "@host/%zz",
			"user:" + secret + "@host/?%zz",
			"user:" + secret + "@host?a",
			"user:" + secret + "@host#a",
			"user:%zz" + secret + "@host",
			"user:" + secret + "%@host",
			"user:a/" + secret + "@host",
			"user:12/" + secret + "@host:6379",
			"user:a?" + secret + "@host",
			"user:12?" + secret + "@host",
			"user:a#" + secret + "@host",
			"user:12#" + secret + "@host",
			"user:a@" + secret + "@host",
			"user:a:" + secret + "@host",
			"user:" + secret + ":b@host",
			"user:\"" + secret + "@host",
			"user:" + secret + " @host",
			"user:" + secret + "\\@host",
			"user:" + secret,
			"user:" + secret + ":6379",
			":" + secret,
			secret + "!",
			"host:6379/" + secret,
			"host:6379/?password=" + secret + "&x",
			"host:6379/?password=" + secret + "%zz",
			"host:6379/?db=" + secret,
			"host:6379/" + secret + "@x",
			"host/" + secret + ".x",
			"a," + secret + "!",
			"[" + secret + "]",
		} {
			values = append(values, scheme+"://"+rest)
		}
	}

	for _, value := range values {
		for _, field := range config.Fields {
			var settings Config
			if f := reflect.ValueOf(&settings).Elem().FieldByName(field); f.Kind() == reflect.String {
				f.SetString(value)
				holdsNoSecret(t, secret, fmt.Sprintf("%s = %q", field, value), settings.Validate())
			}
		}
	}
	// Each variable, and all at once.
	t.Run("environment", func(t *testing.T) {
		for _, value := range values {
			environment := map[string]string{"CACHETTE_UNKNOWN": value}
			for _, field := range config.Fields {
				environment[config.Variables[field]] = value
			}
			setEnvironment(t, environment)
			_, err := FromEnv()
			if err == nil {
				t.Fatalf("%q in every variable is no mistake", value)
			}
			holdsNoSecret(t, secret, fmt.Sprintf("every variable = %q", value), err)
		}
	})
}

func holdsNoSecret(t *testing.T, secret, what string, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(format, err); strings.Contains(text, secret) {
			t.Errorf("%s: the secret is in %s", what, text)
			return
		}
	}
}
