package cachette

import (
	"context"
	"errors"
	"io"
	"log/slog"
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
