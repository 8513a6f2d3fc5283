package cachette

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
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

// checker finds what is wrong with a Config.
type checker struct {
	config Config
	// texts are the values of the variables that the config was read from, by field; nil for one that was made in code.
	texts map[string]string
	// backend is the one that has to work. There is none if the program brings a driver, if the cache is disabled, or
	// if the name is unknown.
	backend  string
	mistakes []*ConfigError
}

// mistakes returns what is wrong with c. texts are the values of the variables that it was read from, by field: one that
// is there was set, be it to zero. They are nil for a Config that was made in code, where a field that is zero was not set.
func (c Config) mistakes(texts map[string]string) []*ConfigError {
	check := &checker{config: c, texts: texts}
	if c.Driver == nil && !c.Disabled {
		check.backend = c.withDefaults().Backend
	}
	check.names()
	check.places()
	check.keys()
	check.limits()
	return check.mistakes
}

// given tells whether a field was set.
func (c *checker) given(field string) bool {
	if c.texts != nil {
		_, set := c.texts[field]
		return set
	}
	return !reflect.ValueOf(c.config).FieldByName(field).IsZero()
}

// add notes a problem with a field, if there is one.
func (c *checker) add(field, problem string) {
	if problem != "" {
		c.mistakes = append(c.mistakes, &ConfigError{Field: field, Variable: variableOf(field), Problem: problem})
	}
}

// check notes the problem with a field that was set.
func (c *checker) check(field string, problem func() string) {
	if c.given(field) {
		c.add(field, problem())
	}
}

// text notes the problem with a field that was set and whose blanks and quotes, if it has any around it, are none that were
// meant.
func (c *checker) text(field, value string, problem func(value string) string) {
	c.check(field, func() string {
		if around := checkAround(value); around != "" {
			return around
		}
		return problem(value)
	})
}

// require notes that the backend of a name has to have a field.
func (c *checker) require(field, name, form string) {
	if c.backend == name && !c.given(field) {
		c.add(field, fmt.Sprintf("backend %s requires it: give %s", name, form))
	}
}

func (c *checker) names() {
	own := c.config
	c.text("Backend", own.Backend, func(name string) string {
		return checkName(name, "backend", "drivers", backends, drivers.Linked(), own.Driver != nil || own.Disabled)
	})
	c.text("Codec", own.Codec, func(name string) string {
		return checkName(name, "codec", "encoders", codecs, encoders.Linked(), own.Encoder != nil)
	})
	c.duration("TTL", own.TTL, rangeTTL)
}

func (c *checker) places() {
	own := c.config
	c.require("RedisURL", "redis", formRedisURL)
	c.text("RedisURL", own.RedisURL, checkRedisURL)
	c.require("MemcachedHost", "memcached", formMemcachedHost)
	c.text("MemcachedHost", own.MemcachedHost, checkMemcachedHost)
	c.text("TableName", own.TableName, func(string) string { return own.checkTableName(c.backend) })
	if c.backend == "dynamodb" && !c.given("Region") && !c.given("DynamoDBURL") {
		c.add("Region", fmt.Sprintf("backend dynamodb requires it unless DynamoDBURL (%s) is set: give %s",
			variableOf("DynamoDBURL"), formRegion))
	}
	c.text("Region", own.Region, checkRegion)
	c.text("DynamoDBURL", own.DynamoDBURL, checkDynamoDBURL)
	c.text("DatabaseName", own.DatabaseName, own.checkDatabase)
	c.require("MongoDBURL", "mongodb", formMongoDBURL)
	c.text("MongoDBURL", own.MongoDBURL, checkMongoDBURL)
}

func (c *checker) keys() {
	own := c.config
	c.text("KeyPrefix", own.KeyPrefix, func(string) string {
		if !utf8.ValidString(own.KeyPrefix) {
			return "it is not UTF-8: give " + formKeyPrefix
		}
		return ""
	})
	c.check("PlainKeys", func() string {
		if own.PlainKeys && own.KeyPrefix != "" {
			return fmt.Sprintf("plain keys have no prefix, and KeyPrefix (%s) is set: give one of the two", variableOf("KeyPrefix"))
		}
		return ""
	})
	c.text("Service", own.Service, func(name string) string { return checkLabel(name, formService) })
	c.text("Version", own.Version, func(name string) string { return checkLabel(name, formVersion) })
}

func (c *checker) limits() {
	own := c.config
	c.size("MemoryLimit", own.MemoryLimit, rangeMemory)
	c.duration("OperationTimeout", own.OperationTimeout, rangeTimeout)
	c.size("BodyLimit", own.BodyLimit, rangeBody)
	c.check("BodyLimit", func() string { return c.bodyOverMemory() })
	c.duration("KeepStale", own.KeepStale, rangeKeepStale)
	c.check("Driver", func() string { return checkOwn(own.Driver) })
	c.check("Encoder", func() string { return checkOwn(own.Encoder) })
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
