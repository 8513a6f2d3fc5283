// Package configtest tests configurations in a program that links every backend, which the tests of a package that the root
// imports must not do.
package configtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	_ "github.com/gin-cachette/cachette/drivers/all"
	"github.com/gin-cachette/cachette/internal/config"
)

type (
	Config      = cachette.Config
	ConfigError = cachette.ConfigError
)

var FromEnv = cachette.FromEnv

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
		if problem.Field != "" && problem.Variable != config.Variables[problem.Field] {
			t.Errorf("the variable of %s is given as %q", problem.Field, problem.Variable)
		}
		problems = append(problems, problem)
	}
	return problems
}

func TestValidateReportsEveryMistake(t *testing.T) {
	settings := Config{
		Backend: "rocksdb", URL: "x", Codec: "yaml", TTL: 2 * time.Hour, RedisURL: "x", MemcachedHost: "a/b", TableName: "$", Region: "x",
		DynamoDBURL: "x", DatabaseName: "a b", MongoDBURL: "x", KeyPrefix: "\xff", PlainKeys: true, Service: "\xff", Version: "\xff",
		MemoryLimit: -1, OperationTimeout: -1, BodyLimit: -1, KeepStale: -1, Lease: -1, Near: -1, NearStaleness: -1, NearPoll: -1, InvalidateOn: "x", TagHeader: "x", Compression: true, Audit: -1, Driver: (*ownDriver)(nil),
	}
	var got []string
	for _, problem := range problemsOf(t, settings.Validate()) {
		got = append(got, problem.Field)
	}
	flags := []string{"ProxyScheme", "AuditStops", "Disabled"} // of which both values are right
	want := slices.DeleteFunc(slices.Clone(config.Fields), func(field string) bool { return slices.Contains(flags, field) })
	if want = append(want, "Driver"); !slices.Equal(got, want) {
		t.Errorf("the mistakes are in\n%q, want\n%q", got, want)
	}
}

func TestConfigErrorMessage(t *testing.T) {
	tests := []struct {
		err  ConfigError
		want string
	}{
		{ConfigError{Field: "TTL", Variable: "CACHETTE_TTL", Problem: "2h is out of range: give 1 s to 3600 s"},
			"cachette: TTL (CACHETTE_TTL): 2h is out of range: give 1 s to 3600 s"},
		{ConfigError{Field: "Driver", Variable: "", Problem: "it is a nil pointer"}, "cachette: Driver: it is a nil pointer"},
		{ConfigError{Field: "", Variable: "CACHETTE_X", Problem: "cachette knows no such variable"}, "cachette: CACHETTE_X: cachette knows no such variable"},
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

// The configuration knows the schemes of each backend also where that is not linked.
func TestSchemes(t *testing.T) {
	for _, name := range config.Backends {
		if backend, _ := drivers.Lookup(name); !slices.Equal(backend.Schemes, config.Schemes[name]) {
			t.Errorf("%s has the schemes %q, and the configuration %q", name, backend.Schemes, config.Schemes[name])
		}
	}
}
