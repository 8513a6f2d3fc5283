package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"

	"github.com/gin-cachette/cachette/internal/argument"
)

const (
	// variablePrefix begins the variables that are cachette's.
	variablePrefix = "CACHETTE_"

	// testPrefix begins those that tests use: where a server for them is.
	testPrefix = variablePrefix + "TEST_"
)

// Forms say, for each field that has a variable, what to give: for a variable that is set but empty.
var Forms = map[string]string{
	"Backend":          "one of " + strings.Join(Backends, ", "),
	"URL":              "the URL of a store, such as redis://localhost:6379 or memory:",
	"Codec":            "one of " + strings.Join(Codecs, ", "),
	"TTL":              "1 s to 3600 s, as 90s or 90",
	"RedisURL":         "a URL such as redis://user:password@host:port/database",
	"MemcachedHost":    "host or host:port, several separated by commas",
	"TableName":        "a name such as fastapi-cachette",
	"Region":           "an AWS region such as eu-central-1",
	"DynamoDBURL":      "http://host:port or https://host:port",
	"DatabaseName":     "a name such as fastapi-cachette-database",
	"MongoDBURL":       "a URL such as mongodb://user:password@host:port/database",
	"KeyPrefix":        formKeyPrefix + " (for keys without one, set CACHETTE_PLAIN_KEYS=true)",
	"PlainKeys":        formSwitch,
	"Service":          formService,
	"Version":          formVersion,
	"MemoryLimit":      formSize,
	"OperationTimeout": formDuration,
	"BodyLimit":        formSize,
	"KeepStale":        formDuration,
	"Lease":            formDuration,
	"Near":             formSize,
	"NearStaleness":    formDuration,
	"NearPoll":         formDuration,
	"ProxyScheme":      formSwitch,
	"InvalidateOn":     formInvalidateOn,
	"TagHeader":        argument.FormTagHeader,
	"Compression":      formSwitch,
	"Audit":            formPart,
	"AuditStops":       formSwitch,
	"Disabled":         formSwitch,
}

const (
	formDuration = "a duration such as 500ms or 2s, or a number of seconds"
	formSize     = "a number of bytes, or one with a unit such as 64MiB"
	formSwitch   = "true or false"
	formPart     = "a number from 0 to 1 such as 0.01"

	formKeyPrefix = "a text such as " + defaultKeyPrefix
	formService   = "a text of at most 255 bytes, such as shop"
	formVersion   = "a text of at most 255 bytes, such as v1.2.3"

	formInvalidateOn = "one of non-error, success, none"
)

// FromEnv returns the configuration that the environment (name=value) gives, what is wrong with it, in the order of its fields and
// then of the names that are not known, and an error that is none of either's.
func FromEnv(environ []string) (Config, []*Mistake, error) {
	environment, known, unknown := ownVariables(environ)

	var config Config
	unread := make(map[string]*Mistake) // by field
	for field, variable := range Variables {
		value, set := known[variable]
		if set && value == "" {
			unread[field] = &Mistake{field, variable, "it is set but empty: unset it, or give " + Forms[field]}
		} else if problem := checkAround(value); problem != "" {
			unread[field] = &Mistake{field, variable, problem}
		}
	}
	err := env.ParseWithOptions(&config, env.Options{
		Prefix:      variablePrefix,
		Environment: known,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(text string) (any, error) { return parseDuration(text) },
			reflect.TypeFor[int64]():         func(text string) (any, error) { return parseSize(text) },
			reflect.TypeFor[float64]():       func(text string) (any, error) { return parsePart(text) },
			reflect.TypeFor[bool]():          func(text string) (any, error) { return parseBool(text) },
		},
	})
	if err := collectUnread(err, unread); err != nil {
		return Config{}, nil, err
	}

	texts := make(map[string]string)
	for field, variable := range Variables {
		if text, set := known[variable]; set && unread[field] == nil {
			texts[field] = text
		}
	}
	mistakes := slices.DeleteFunc(config.Mistakes(texts), func(mistake *Mistake) bool {
		return unread[mistake.Field] != nil // it is required, or the like: but it is there, and wrong
	})
	for _, mistake := range unread {
		mistakes = append(mistakes, mistake)
	}
	sortByField(mistakes)
	for _, variable := range unknown {
		mistakes = append(mistakes, unknownVariable(variable, environment))
	}
	return config, mistakes, nil
}

// collectUnread puts each value that could not be read into unread, by its field, unless it is there with a better reason.
// It returns an error that is not about a value, which is a fault of this package.
func collectUnread(err error, unread map[string]*Mistake) error {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("cachette: the environment cannot be read: %w", err)
	}
	for _, err := range all.Errors {
		var parse env.ParseError
		var problem unreadable
		// Only what this package says is passed on: an error of the library repeats the value.
		if !errors.As(err, &parse) || !errors.As(parse.Err, &problem) {
			return errors.New("cachette: the environment cannot be read")
		}
		if unread[parse.Name] == nil {
			unread[parse.Name] = &Mistake{parse.Name, variableOf(parse.Name), string(problem)}
		}
	}
	return nil
}
