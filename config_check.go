package cachette

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
)

// module is where the packages of backends and codecs are.
const module = "github.com/gin-cachette/cachette/"

var (
	backends = []string{"dynamodb", "inmemory", "memcached", "mongodb", "redis"}
	codecs   = []string{"csv", "feather", "json", "msgpack", "orjson", "parquet", "pickle", "vanilla"}
)

// The bounds of TTL, those of fastapi-cachette.
const (
	minTTL = time.Second
	maxTTL = 3600 * time.Second
)

// mistakes returns what is wrong with c. given tells which fields were set: one that was not has its default, and one
// that was set to zero (by a variable) has not.
func (c Config) mistakes(given func(field string) bool) []*ConfigError {
	var mistakes []*ConfigError
	add := func(field, problem string) {
		if problem != "" {
			mistakes = append(mistakes, &ConfigError{Field: field, Variable: variableOf(field), Problem: problem})
		}
	}
	check := func(field string, problem func() string) {
		if given(field) {
			add(field, problem())
		}
	}
	// The backend that has to work. There is none if the program brings a driver, or names a backend that is unknown.
	backend := ""
	if c.Driver == nil {
		backend = c.withDefaults().Backend
	}
	require := func(field, name, form string) {
		if backend == name && !given(field) {
			add(field, fmt.Sprintf("backend %s requires it: give %s", name, form))
		}
	}

	add("Backend", checkName(c.withDefaults().Backend, "backend", "drivers", backends, drivers.Linked(), c.Driver != nil))
	add("Codec", checkName(c.withDefaults().Codec, "codec", "encoders", codecs, encoders.Linked(), c.Encoder != nil))
	check("TTL", func() string {
		if c.TTL < minTTL || c.TTL > maxTTL {
			return fmt.Sprintf("%s is out of range: give 1 s to 3600 s", formatDuration(c.TTL))
		}
		return ""
	})

	require("RedisURL", "redis", formRedisURL)
	check("RedisURL", func() string { return checkRedisURL(c.RedisURL) })
	require("MemcachedHost", "memcached", formMemcachedHost)
	check("MemcachedHost", func() string { return checkMemcachedHost(c.MemcachedHost) })
	check("TableName", func() string { return c.checkTableName(backend) })
	if backend == "dynamodb" && !given("Region") && !given("DynamoDBURL") {
		add("Region", fmt.Sprintf("backend dynamodb requires it unless DynamoDBURL (%s) is set: give %s",
			variableOf("DynamoDBURL"), formRegion))
	}
	check("Region", func() string { return checkRegion(c.Region) })
	check("DynamoDBURL", func() string { return checkDynamoDBURL(c.DynamoDBURL) })
	check("DatabaseName", func() string { return checkDatabaseName(c.DatabaseName) })
	require("MongoDBURL", "mongodb", formMongoDBURL)
	check("MongoDBURL", func() string { return checkMongoDBURL(c.MongoDBURL) })

	check("KeyPrefix", func() string {
		if !utf8.ValidString(c.KeyPrefix) {
			return "it is not UTF-8: give " + formKeyPrefix
		}
		return ""
	})
	check("PlainKeys", func() string {
		if c.PlainKeys && c.KeyPrefix != "" {
			return fmt.Sprintf("plain keys have no prefix, and KeyPrefix (%s) is set: give one of the two", variableOf("KeyPrefix"))
		}
		return ""
	})
	check("MemoryLimit", func() string { return checkLimit(c.MemoryLimit) })
	check("OperationTimeout", func() string {
		if c.OperationTimeout <= 0 {
			return fmt.Sprintf("%s is out of range: give more than zero", formatDuration(c.OperationTimeout))
		}
		return ""
	})
	check("BodyLimit", func() string { return checkLimit(c.BodyLimit) })
	check("Driver", func() string { return checkOwn(c.Driver) })
	check("Encoder", func() string { return checkOwn(c.Encoder) })
	return mistakes
}

// checkName checks the name of a backend or a codec. Where the program brings its own, a name that is known need not
// be linked.
func checkName(name, noun, folder string, known, linked []string, own bool) string {
	switch {
	case slices.Contains(linked, name), own && slices.Contains(known, name):
		return ""
	case slices.Contains(known, name):
		return fmt.Sprintf("%s %s is not linked into this program, which has %s: add import _ %q",
			noun, name, list(linked), module+folder+"/"+name)
	}
	names := slices.Concat(known, linked)
	slices.Sort(names)
	names = slices.Compact(names)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return fmt.Sprintf("%s is no %s, for names are in lower case: give %s", shown(name), noun, names[i])
	}
	return fmt.Sprintf("%s is no %s: give one of %s", shown(name), noun, list(names))
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkOwn checks a driver or an encoder that the program has made: a nil pointer in an interface is not nil.
func checkOwn(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Sprintf("it is a nil pointer (%T): leave the field nil, or make one", value)
	}
	return ""
}

func checkLimit(bytes int64) string {
	if bytes <= 0 {
		return fmt.Sprintf("%d is out of range: give more than zero bytes", bytes)
	}
	return ""
}

// checkTableName checks a name by the rules of the backend that will use it. Where none will, it has to be good for
// one of the two that could.
func (c Config) checkTableName(backend string) string {
	switch backend {
	case "dynamodb":
		return checkDynamoDBTable(c.TableName)
	case "mongodb":
		return checkMongoDBCollection(c.withDefaults().DatabaseName, c.TableName)
	}
	if checkDynamoDBTable(c.TableName) == "" {
		return ""
	}
	return checkMongoDBCollection(c.withDefaults().DatabaseName, c.TableName)
}

// shown quotes a value for a message. One that may be a URL, and so have a password in it, is not shown: people paste
// things into the wrong variable.
func shown(value string) string {
	const limit = 64
	if strings.ContainsAny(value, "@/:") || len(value) > limit || !utf8.ValidString(value) || hasPercentEscape(value) {
		return "the value (not shown, for it may hold a password)"
	}
	return fmt.Sprintf("%q", value)
}

func hasPercentEscape(value string) bool {
	unescaped, err := url.PathUnescape(value)
	return err != nil || unescaped != value
}

// formatDuration prints 2h and not 2h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
