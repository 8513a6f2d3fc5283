package config

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	_ "github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/encoders"
	_ "github.com/gin-cachette/cachette/encoders/json"
	"github.com/gin-cachette/cachette/encoders/vanilla"
)

// ownDriver is a driver that a program has made itself.
type ownDriver struct{ drivers.Driver }

func (*ownDriver) Get(context.Context, string) (drivers.Item, error) {
	return drivers.Item{}, drivers.ErrMiss
}

// TestWhatIsNotLinked: a backend or codec that exists and is not linked is an error that says which import is missing.
func TestWhatIsNotLinked(t *testing.T) {
	complete := Config{
		RedisURL: "redis://localhost", MemcachedHost: "localhost", Region: "eu-central-1", MongoDBURL: "mongodb://localhost",
	}
	for _, name := range Backends {
		t.Run(name, func(t *testing.T) {
			settings := complete
			settings.Backend = name
			_, linked := drivers.Lookup(name)
			wantNotLinked(t, settings, linked, "Backend", strings.Join(drivers.Linked(), ", "), "drivers/"+name)

			disabled := settings
			disabled.Disabled = true
			wantNotLinked(t, disabled, true, "", "", "") // which opens none
			settings.Driver = &ownDriver{}
			wantNotLinked(t, settings, true, "", "", "") // which needs no backend
		})
	}
	for _, name := range Codecs {
		t.Run(name, func(t *testing.T) {
			settings := Config{Codec: name}
			_, linked := encoders.Lookup(name)
			wantNotLinked(t, settings, linked, "Codec", strings.Join(encoders.Linked(), ", "), "encoders/"+name)

			settings.Encoder = vanilla.New()
			wantNotLinked(t, settings, true, "", "", "")
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
	problems := config.Mistakes(nil)
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
	register(name, drivers.Backend{Open: openOwn})
	if mistakes := (Config{Backend: name}).Mistakes(nil); len(mistakes) > 0 {
		t.Errorf("a backend that is registered is refused: %v", mistakes)
	}
	if mistakes := (Config{Backend: "rocksdb"}).Mistakes(nil); len(mistakes) != 1 || !strings.Contains(mistakes[0].Problem, name) {
		t.Errorf("%q do not offer the backend that is registered", mistakes)
	}
}

func openOwn(context.Context, drivers.Settings) (drivers.Driver, error) { return &ownDriver{}, nil }

// register registers a backend, unless go test -count has done so.
func register(name string, backend drivers.Backend) {
	if _, ok := drivers.Lookup(name); !ok {
		drivers.Register(name, backend)
	}
}

// TestABackendOfAnother: a backend that another module registers is configured as ours are: by a URL, and by its own check.
func TestABackendOfAnother(t *testing.T) {
	const name = "test-config-etcd"
	var given drivers.Settings
	register(name, drivers.Backend{
		Open: func(_ context.Context, settings drivers.Settings) (drivers.Driver, error) {
			given = settings
			return &ownDriver{}, nil
		},
		Check: func(settings drivers.Settings) []drivers.Problem {
			if settings.URL != "etcd://host" {
				return []drivers.Problem{{Setting: "URL", Text: "give etcd://host"}}
			}
			return nil
		},
		Schemes: []string{"etcd", "etcds"},
	})
	for _, row := range []struct {
		name   string
		config Config
		field  string // of the one mistake; empty for none
		want   string // in its problem
	}{
		{"URL", Config{URL: "etcd://host"}, "", ""},
		{"name and URL", Config{Backend: name, URL: "etcd://host"}, "", ""},
		{"name alone", Config{Backend: name}, "URL", "give etcd://host"},
		{"another place", Config{URL: "etcds://other"}, "URL", "give etcd://host"},
		{"another backend", Config{Backend: "inmemory", URL: "etcd://host"}, "URL", "it is of the backend " + name + ", and Backend (CACHETTE_BACKEND) names another"},
		{"not in use", Config{Backend: "inmemory"}, "", ""},
		{"disabled", Config{Backend: name, Disabled: true}, "", ""},
		{"a driver beside it", Config{Driver: &ownDriver{}, URL: "etcd://other"}, "", ""},
		{"memory", Config{URL: "memory:"}, "", ""},
		{"memory, slashes", Config{URL: "memory://"}, "", ""},
		{"memory, more", Config{URL: "memory://host"}, "URL", "nothing may follow the scheme"},
		{"no scheme", Config{URL: "localhost"}, "URL", "it is no URL: give the URL of a store"},
		{"a password for a scheme", Config{URL: "pa5s:word@host"}, "URL", "it is no URL"},
		{"a scheme of none", Config{URL: "ftp://host"}, "URL", "the scheme ftp: is of no backend that there is: give the URL of a store"},
		{"a scheme in another case", Config{URL: "Memory:"}, "URL", "did you mean memory:?"},
		{"a misspelt scheme of another's backend", Config{URL: "etdc://host"}, "URL", "did you mean etcd:?"},
		{"a misspelt scheme, not linked", Config{URL: "rediss+clutser://host"}, "URL", "did you mean rediss+cluster:? backend redis is not linked into this program"},
		{"not linked, of one server", Config{URL: "redis://host"}, "URL", "add import _ \"github.com/gin-cachette/cachette/drivers/redis\""},
		{"not linked, a socket", Config{URL: "unix:///run/redis.sock"}, "URL", "add import _ \"github.com/gin-cachette/cachette/drivers/redis\""},
		{"not linked, memcached", Config{URL: "memcacheds://host"}, "URL", "add import _ \"github.com/gin-cachette/cachette/drivers/memcached\""},
		{"not linked", Config{URL: "rediss+cluster://host"}, "URL", "add import _ \"github.com/gin-cachette/cachette/drivers/redis\""},
		{"a blank", Config{URL: " memory:"}, "URL", "a blank"},
	} {
		t.Run(row.name, func(t *testing.T) {
			mistakes := row.config.Mistakes(nil)
			switch {
			case row.field == "" && len(mistakes) > 0:
				t.Errorf("it has mistakes: %q", mistakes)
			case row.field != "" && (len(mistakes) != 1 || mistakes[0].Field != row.field || !strings.Contains(mistakes[0].Problem, row.want)):
				t.Errorf("the mistakes are %q, want one of %s with %q in it", mistakes, row.field, row.want)
			}
		})
	}

	config := Config{URL: "etcd://host"}.WithDefaults()
	if _, err := config.Open(); err != nil || config.Backend != name || given.URL != "etcd://host" || given.OperationTimeout == 0 {
		t.Errorf("backend %q was opened with %+v, %v", config.Backend, given, err)
	}
}

// TestProblemOfNoField: a backend may name what is no field of a Config, in a setting of its own, say. That is told while it is in use,
// and does no harm while it is not.
func TestProblemOfNoField(t *testing.T) {
	const name = "test-config-odd"
	register(name, drivers.Backend{Open: openOwn, Check: func(drivers.Settings) []drivers.Problem {
		return []drivers.Problem{{Setting: "CacheDir", Text: "it is missing"}}
	}})
	if mistakes := (Config{Backend: name}).Mistakes(nil); len(mistakes) != 1 || mistakes[0].Error() != "cachette: CacheDir: it is missing" {
		t.Errorf("the mistakes are %q", mistakes)
	}
	if mistakes := (Config{}).Mistakes(nil); len(mistakes) > 0 {
		t.Errorf("not in use, the mistakes are %q", mistakes)
	}
}

func TestWithDefaults(t *testing.T) {
	want := Config{
		Backend: "inmemory", Codec: "vanilla", TTL: 60 * time.Second, KeyPrefix: "cachette:", MemoryLimit: 64 << 20,
		OperationTimeout: 500 * time.Millisecond, BodyLimit: 1 << 20, KeepStale: time.Hour, NearStaleness: 10 * time.Second, NearPoll: time.Second, InvalidateOn: "non-error", Logger: slog.Default(),
		Service: "github.com/gin-cachette/cachette/internal/config.test", // the path of a test's main package
	}
	if got := (Config{}).WithDefaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := (Config{PlainKeys: true}).WithDefaults().KeyPrefix; got != "" {
		t.Errorf("with plain keys the prefix is %q", got)
	}
	set := Config{
		Backend: "redis", URL: "redis://a", Codec: "json", TTL: time.Second, RedisURL: "redis://localhost", MemcachedHost: "a", TableName: "table",
		Region: "eu-west-1", DynamoDBURL: "http://a", DatabaseName: "b", MongoDBURL: "mongodb://a", KeyPrefix: "p:",
		Service: "s", Version: "v", MemoryLimit: 1, OperationTimeout: 1, BodyLimit: 1, KeepStale: 1, Lease: 1, Near: 1, NearStaleness: 1, NearPoll: 1, ProxyScheme: true, InvalidateOn: "none", Disabled: true,
		EarlierRoutes: true, Driver: &ownDriver{}, Encoder: vanilla.New(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if got := set.WithDefaults(); !reflect.DeepEqual(got, set) {
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
		{"the command line", &debug.BuildInfo{Path: commandLine}, true, ""},
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
		URL: "memory:", RedisURL: "a", MemcachedHost: "b", TableName: "c", Region: "d", DynamoDBURL: "e", DatabaseName: "f", MongoDBURL: "g",
		PlainKeys: true, KeyPrefix: "h", MemoryLimit: 1, OperationTimeout: 2,
	}.WithDefaults()
	settings := reflect.ValueOf(config.settings(config.Backend))
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Name
		from := reflect.ValueOf(config).FieldByName(name)
		if !from.IsValid() || settings.Field(i).IsZero() || !reflect.DeepEqual(settings.Field(i).Interface(), from.Interface()) {
			t.Errorf("%s is %v, want Config's %v", name, settings.Field(i), from)
		}
	}
	if url := config.settings("redis").URL; url != "" {
		t.Errorf("a backend that is not in use is given the URL %q", url)
	}
}
