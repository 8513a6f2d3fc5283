package config

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/wording"
)

// Backends and Codecs are the names of those that this module has, linked or not.
var (
	Backends = []string{"dynamodb", "inmemory", "memcached", "mongodb", "redis"}
	Codecs   = []string{"csv", "feather", "json", "msgpack", "orjson", "parquet", "pickle", "vanilla"}
)

// Schemes are those of the URLs that name the backends of this module, linked or not.
var Schemes = map[string][]string{
	"dynamodb": {"dynamodb"}, "inmemory": {"memory"}, "memcached": {"memcached", "memcacheds"}, "mongodb": {"mongodb", "mongodb+srv"},
	"redis": {"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster", "unix"},
}

// addresses are the fields that say where a backend's store is, as its URL does.
var addresses = []struct{ backend, field string }{
	{"redis", "RedisURL"}, {"memcached", "MemcachedHost"}, {"mongodb", "MongoDBURL"}, {"dynamodb", "DynamoDBURL"},
}

// owners are the backends that a setting of a place or a name is for.
var owners = map[string][]string{
	"RedisURL": {"redis"}, "MemcachedHost": {"memcached"}, "MongoDBURL": {"mongodb"}, "DatabaseName": {"mongodb"},
	"DynamoDBURL": {"dynamodb"}, "Region": {"dynamodb"}, "TableName": {"dynamodb", "mongodb"},
}

// schemeOf returns the scheme of a URL. What looks like none, and so may be a part of a password, is left out.
func schemeOf(raw string) string {
	scheme, _, found := strings.Cut(raw, ":")
	if !found || !wording.IsScheme(scheme) {
		return ""
	}
	return scheme
}

// backendOfURL returns the linked backend that the URL is of, or nothing.
func (c Config) backendOfURL() string {
	scheme := schemeOf(c.URL)
	for _, name := range drivers.Linked() {
		if backend, _ := drivers.Lookup(name); scheme != "" && slices.Contains(backend.Schemes, scheme) {
			return name
		}
	}
	return ""
}

// settings returns the part of c that the backend of a name is given: the URL is for the one in use alone, and if it is of its schemes.
func (c Config) settings(name string) drivers.Settings {
	settings := drivers.Settings{
		RedisURL:         c.RedisURL,
		MemcachedHost:    c.MemcachedHost,
		TableName:        c.TableName,
		Region:           c.Region,
		DynamoDBURL:      c.DynamoDBURL,
		DatabaseName:     c.DatabaseName,
		MongoDBURL:       c.MongoDBURL,
		PlainKeys:        c.PlainKeys,
		KeyPrefix:        c.KeyPrefix,
		MemoryLimit:      c.MemoryLimit,
		OperationTimeout: c.OperationTimeout,
		Logger:           c.Logger,
	}
	if name == c.Backend && name == c.backendOfURL() {
		settings.URL = c.URL
	}
	return settings
}

// openTimeout bounds how long a backend may take to open.
const openTimeout = 30 * time.Second

// Open opens the driver of c, which must have no mistakes and its defaults.
func (c Config) Open() (drivers.Driver, error) {
	switch {
	case c.Disabled:
		return disabled{}, nil
	case c.Driver != nil:
		return c.Driver, nil
	}
	backend, _ := drivers.Lookup(c.Backend)
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	return backend.Open(ctx, c.settings(c.Backend))
}

// Opened names what Open opens, as errors do: the backend, or the type of a driver that was given.
func (c Config) Opened() string {
	switch {
	case c.Disabled:
		return "none"
	case c.Driver != nil:
		return fmt.Sprintf("%T", c.Driver)
	default:
		return c.Backend
	}
}

// OpenEncoder returns the encoder of c, which must have no mistakes and its defaults.
func (c Config) OpenEncoder() encoders.Encoder {
	if c.Encoder != nil {
		return c.Encoder
	}
	encoder, _ := encoders.Lookup(c.Codec)
	return encoder
}

// Unused returns the variables of the stores that are named beside the one in use. c must have its defaults.
func (c Config) Unused() (variables []string) {
	if c.Driver != nil || c.Disabled {
		return nil
	}
	check := &checker{config: c}
	for _, address := range addresses {
		if address.backend != c.Backend && check.given(address.field) {
			variables = append(variables, variableOf(address.field))
		}
	}
	return variables
}

// places asks each backend that is linked what is wrong with its settings. What one says of a setting that is not set counts only
// if it is the one in use; and where a setting is for several, and none of them in use, it has to be good for one.
func (c *checker) places() {
	c.url()
	own := c.config.WithDefaults()
	own.Backend = c.backend
	refused := make(map[string]int)
	for _, name := range drivers.Linked() {
		backend, _ := drivers.Lookup(name)
		if backend.Check == nil {
			continue
		}
		for _, problem := range backend.Check(own.settings(name)) {
			field := problem.Setting
			refused[field]++
			if name == c.backend || c.given(field) && c.isJudge(name, field, refused[field]) {
				c.add(field, problem.Text)
			}
		}
	}
}

// isJudge reports whether it is for the backend of a name, which is not the one in use, to say that a setting is wrong: the last
// of those that it is for to do so, and none of them in use.
func (c *checker) isJudge(name, field string, refused int) bool {
	if !slices.Contains(owners[field], name) || slices.Contains(owners[field], c.backend) {
		return false
	}
	linked := 0
	for _, owner := range owners[field] {
		if _, ok := drivers.Lookup(owner); ok {
			linked++
		}
	}
	return refused == linked
}

// url checks the URL as far as any is: that there is a backend for it, and that nothing else says where the store is.
func (c *checker) url() {
	own := c.config
	c.check("URL", func() string {
		name := own.backendOfURL()
		switch {
		case name == "":
			return unknownURL(own.URL)
		case own.Backend != "" && own.Backend != name:
			return fmt.Sprintf("it is of the backend %s, and Backend (%s) names another: give one of the two", name, variableOf("Backend"))
		}
		return ""
	})
	for _, address := range addresses {
		if address.backend == c.backend && address.backend == own.backendOfURL() && c.given(address.field) {
			c.add(address.field, fmt.Sprintf("URL (%s) says where the store is, too: give one of the two", variableOf("URL")))
		}
	}
}

// unknownURL says what is wrong with a URL that no linked backend has the scheme of.
func unknownURL(raw string) string {
	scheme := schemeOf(raw)
	if scheme == "" {
		return "it is no URL: give " + Forms["URL"]
	}
	known := slices.Concat(slices.Collect(maps.Values(Schemes))...)
	for _, name := range drivers.Linked() {
		backend, _ := drivers.Lookup(name)
		known = append(known, backend.Schemes...)
	}
	slices.Sort(known)
	meant := wording.Nearest(scheme, known)
	if meant == "" {
		return fmt.Sprintf("the scheme %s: is of no backend that there is: give %s", scheme, Forms["URL"])
	}
	problem := ""
	if meant != scheme {
		problem = fmt.Sprintf("the scheme %s: is of no backend: did you mean %s:? ", scheme, meant)
	}
	for name, own := range Schemes {
		if _, linked := drivers.Lookup(name); !linked && slices.Contains(own, meant) {
			problem += notLinked("backend", name, "drivers", drivers.Linked())
		}
	}
	return strings.TrimSpace(problem)
}
