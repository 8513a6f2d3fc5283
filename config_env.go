package cachette

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"
)

const (
	// variablePrefix begins the variables that are cachette's.
	variablePrefix = "CACHETTE_"

	// testPrefix begins those that tests use: where a server for them is.
	testPrefix = variablePrefix + "TEST_"
)

// forms says, for each field that has a variable, what to give: for a variable that is set but empty.
var forms = map[string]string{
	"Backend":          "one of " + strings.Join(backends, ", "),
	"Codec":            "one of " + strings.Join(codecs, ", "),
	"TTL":              "1 s to 3600 s, as 90s or 90",
	"RedisURL":         formRedisURL,
	"MemcachedHost":    formMemcachedHost,
	"TableName":        formTableName,
	"Region":           formRegion,
	"DynamoDBURL":      formDynamoDBURL,
	"DatabaseName":     formDatabaseName,
	"MongoDBURL":       formMongoDBURL,
	"KeyPrefix":        formKeyPrefix + " (for keys without one, set CACHETTE_PLAIN_KEYS=true)",
	"PlainKeys":        "true or false",
	"Service":          formService,
	"Version":          formVersion,
	"MemoryLimit":      formSize,
	"OperationTimeout": formDuration,
	"BodyLimit":        formSize,
	"KeepStale":        formDuration,
	"ProxyScheme":      "true or false",
	"Disabled":         "true or false",
}

const (
	formDuration = "a duration such as 500ms or 2s, or a number of seconds"
	formSize     = "a number of bytes, or one with a unit such as 64MiB"
)

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
	environment, known, unknown := ownVariables(os.Environ())

	var config Config
	unread := make(map[string]*ConfigError) // by field
	for field, variable := range configVariables {
		value, set := known[variable]
		if set && value == "" {
			unread[field] = &ConfigError{field, variable, "it is set but empty: unset it, or give " + forms[field]}
		} else if problem := checkAround(value); problem != "" {
			unread[field] = &ConfigError{field, variable, problem}
		}
	}
	err := env.ParseWithOptions(&config, env.Options{
		Prefix:      variablePrefix,
		Environment: known,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(text string) (any, error) { return parseDuration(text) },
			reflect.TypeFor[int64]():         func(text string) (any, error) { return parseSize(text) },
			reflect.TypeFor[bool]():          func(text string) (any, error) { return parseBool(text) },
		},
	})
	if err := collectUnread(err, unread); err != nil {
		return Config{}, err
	}

	texts := make(map[string]string)
	for field, variable := range configVariables {
		if text, set := known[variable]; set && unread[field] == nil {
			texts[field] = text
		}
	}
	mistakes := config.mistakes(texts)
	mistakes = slices.DeleteFunc(mistakes, func(mistake *ConfigError) bool {
		return unread[mistake.Field] != nil // it is required, or the like: but it is there, and wrong
	})
	for _, mistake := range unread {
		mistakes = append(mistakes, mistake)
	}
	slices.SortStableFunc(mistakes, func(a, b *ConfigError) int {
		return slices.Index(configFields, a.Field) - slices.Index(configFields, b.Field)
	})
	for _, variable := range unknown {
		mistakes = append(mistakes, unknownVariable(variable, environment))
	}
	if err := joinMistakes(mistakes); err != nil {
		return Config{}, err
	}
	return config, nil
}

// configFields are the names of Config's fields that have a variable, in order; configVariables are those variables,
// by field.
var configFields, configVariables = func() (fields []string, variables map[string]string) {
	variables = make(map[string]string)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name, ok := field.Tag.Lookup("env"); ok {
			fields = append(fields, field.Name)
			variables[field.Name] = variablePrefix + name
		}
	}
	return fields, variables
}()

// variableOf returns the variable of a field, or nothing if it has none.
func variableOf(field string) string { return configVariables[field] }

// ownVariables picks from environ (name=value) what is cachette's: variables that it knows, and the names of those
// that it does not, sorted. environment is every name there is.
func ownVariables(environ []string) (environment map[string]bool, known map[string]string, unknown []string) {
	environment, known = make(map[string]bool), make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		environment[name] = true
		switch {
		case !strings.HasPrefix(name, variablePrefix), strings.HasPrefix(name, testPrefix):
		case isVariable(name):
			known[name] = strings.TrimRight(value, "\r\n")
		default:
			unknown = append(unknown, name)
		}
	}
	unknown = slices.DeleteFunc(unknown, func(name string) bool { return isServiceLink(name, environment) })
	slices.Sort(unknown)
	return environment, known, unknown
}

func isVariable(name string) bool {
	for _, variable := range configVariables {
		if variable == name {
			return true
		}
	}
	return false
}

// isServiceLink reports whether Kubernetes has set a variable: in each container, for each service S of the namespace,
// it sets S_SERVICE_HOST, S_SERVICE_PORT, S_PORT, S_PORT_6379_TCP and others.
// A service called cachette, or cachette-redis, must not stop the program.
func isServiceLink(name string, environment map[string]bool) bool {
	for other := range environment {
		service, found := strings.CutSuffix(other, "_SERVICE_HOST")
		if !found {
			continue
		}
		rest, found := strings.CutPrefix(name, service)
		if found && (rest == "_PORT" || strings.HasPrefix(rest, "_PORT_") || strings.HasPrefix(rest, "_SERVICE_")) {
			return true
		}
	}
	return false
}

func unknownVariable(name string, environment map[string]bool) *ConfigError {
	all := make([]string, 0, len(configFields))
	for _, field := range configFields {
		variable := configVariables[field]
		if strings.EqualFold(strings.ReplaceAll(variable, "_", ""), strings.ReplaceAll(name, "_", "")) && !environment[variable] {
			return &ConfigError{Variable: name, Problem: "cachette knows no such variable: did you mean " + variable + "?"}
		}
		all = append(all, variable)
	}
	for most := 1; most <= 2; most++ {
		for _, variable := range all {
			if !environment[variable] && edits(name, variable) <= most && edits(name, variable) < len(name)-len(variablePrefix) {
				return &ConfigError{Variable: name, Problem: "cachette knows no such variable: did you mean " + variable + "?"}
			}
		}
	}
	return &ConfigError{Variable: name, Problem: "cachette knows no such variable: it knows " + strings.Join(all, ", ")}
}

// edits returns how many bytes have to be put in, taken out or replaced to make one name of another (Levenshtein).
func edits(from, to string) int {
	row := make([]int, len(to)+1) // of from as far as it was looked at, to each beginning of to
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		before := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := before
			if from[i] != to[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, before+1, row[j]+1)
		}
	}
	return row[len(to)]
}

// collectUnread puts each value that could not be read into unread, by its field, unless it is there with a better reason.
// It returns an error that is not about a value, which is a fault of this package.
func collectUnread(err error, unread map[string]*ConfigError) error {
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
			unread[parse.Name] = &ConfigError{parse.Name, variableOf(parse.Name), string(problem)}
		}
	}
	return nil
}

// unreadable is the problem of a value that cannot be read.
type unreadable string

func (u unreadable) Error() string { return string(u) }

// parseDuration reads 90s, or 90 as seconds.
func parseDuration(text string) (time.Duration, error) {
	problem := unreadable(fmt.Sprintf("%s is not a duration: give %s", shown(text), formDuration))
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if seconds > math.MaxInt64/int64(time.Second) || seconds < math.MinInt64/int64(time.Second) {
			return 0, problem
		}
		return time.Duration(seconds) * time.Second, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, problem
	}
	return d, nil
}

// units are those of sizes, as bytes.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1},
}

// parseSize reads 64MiB (64 · 2²⁰), 64MB (64 · 10⁶), or 64 as bytes.
func parseSize(text string) (int64, error) {
	problem := unreadable(fmt.Sprintf("%s is not a size: give %s", shown(text), formSize))
	number, factor := text, int64(1)
	for _, unit := range units {
		if before, found := strings.CutSuffix(text, unit.name); found {
			number, factor = strings.TrimSuffix(before, " "), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor || n < math.MinInt64/factor {
		return 0, problem
	}
	return n * factor, nil
}

func parseBool(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, unreadable(fmt.Sprintf("%s is neither true nor false: give one of them", shown(text)))
	}
	return b, nil
}
