package redis

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// No error here shows anything of the URL but the names of options: a password may be anywhere in one that is malformed.

// kind is what a URL leads to.
type kind int

const (
	single kind = iota
	sentinel
	cluster
	socket // a single server, by its Unix domain socket
)

// kindOf tells by the scheme of a URL what it leads to, and whether by TLS.
func kindOf(scheme string) (kind kind, secure bool) {
	base, what, _ := strings.Cut(scheme, "+")
	switch {
	case base == "unix":
		kind = socket
	case what == "sentinel":
		kind = sentinel
	case what == "cluster":
		kind = cluster
	}
	return kind, base == "rediss"
}

// target is what a URL leads to, and how.
type target struct {
	kind    kind
	options *redis.UniversalOptions
}

// client returns a client that has not dialled yet.
func (t *target) client() redis.UniversalClient {
	switch t.kind {
	case sentinel:
		return redis.NewFailoverClient(t.options.Failover())
	case cluster:
		return redis.NewClusterClient(t.options.Cluster())
	}
	return redis.NewClient(t.options.Simple())
}

// parseURL reads a URL. The syntax is that of Config.RedisURL.
func parseURL(raw string) (*target, error) {
	if problem := checkURL(raw); problem != "" {
		return nil, errors.New(problem)
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	kind, secure := kindOf(scheme)
	authority, after := cutAny(rest, "/?#")
	at := strings.LastIndexByte(authority, '@') + 1
	// A URL of one host that has everything else: net/url takes no list of hosts.
	u, err := url.Parse("redis://" + authority[:at] + "host" + after)
	if err != nil {
		return nil, errors.New("it cannot be read as a URL: give " + formURL)
	}
	o := new(redis.UniversalOptions)
	if err := readOptions(o, u, secure); err != nil {
		return nil, err
	}
	if kind == socket {
		o.Addrs = []string{u.Path} // which the client tells from a host by its slash
		return &target{kind, o}, nil
	}
	o.Addrs = addresses(authority[at:], kind)
	if kind == sentinel {
		o.MasterName, _, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	}
	if database := databaseIn(kind, u.Path); database != "" { // where the option db says the same, or nothing
		o.DB, _ = strconv.Atoi(database) // checkURL has seen to it
	}
	return &target{kind, o}, nil
}

// cutAny cuts text before the first of characters.
func cutAny(text, characters string) (before, after string) {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// addresses reads hosts, and adds the port to one that has none.
func addresses(hosts string, kind kind) []string {
	port := "6379"
	if kind == sentinel {
		port = "26379"
	}
	all := strings.Split(hosts, ",")
	for i, host := range all {
		if u := (&url.URL{Host: host}); u.Port() == "" {
			all[i] = net.JoinHostPort(u.Hostname(), port)
		}
	}
	return all
}

// readOptions reads the user, the password, and what stands behind the ?, which were found good. go-redis reads the options
// that it knows.
func readOptions(o *redis.UniversalOptions, u *url.URL, secure bool) error {
	query, own := u.Query(), url.Values{}
	for name := range query {
		if options[name].ours {
			own.Set(name, query.Get(name))
			query.Del(name)
		}
	}
	theirs := url.URL{Scheme: "redis", User: u.User, Host: "host", RawQuery: query.Encode()}
	if secure {
		theirs.Scheme = "rediss"
	}
	parsed, err := redis.ParseURL(theirs.String())
	if err != nil {
		return errors.New("its options cannot be read") // its error shows values
	}
	copyOptions(o, parsed)
	o.SentinelUsername, o.SentinelPassword = own.Get("sentinel_username"), own.Get("sentinel_password")
	if secure {
		o.TLSConfig, err = tlsfiles.Read(own.Get)
		if skip := query.Get("skip_verify"); err == nil {
			o.TLSConfig.InsecureSkipVerify = address.IsOn(skip)
		}
	}
	return err
}

// copyOptions copies what redis.ParseURL reads.
func copyOptions(o *redis.UniversalOptions, from *redis.Options) {
	o.Username, o.Password, o.DB = from.Username, from.Password, from.DB
	o.Protocol, o.ClientName = from.Protocol, from.ClientName
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = from.MaxRetries, from.MinRetryBackoff, from.MaxRetryBackoff
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = from.DialTimeout, from.ReadTimeout, from.WriteTimeout
	o.PoolFIFO, o.PoolSize, o.PoolTimeout = from.PoolFIFO, from.PoolSize, from.PoolTimeout
	o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = from.MinIdleConns, from.MaxIdleConns, from.MaxActiveConns
	o.MaxConcurrentDials = from.MaxConcurrentDials
	o.PipelinePoolSize = from.PipelinePoolSize
	o.PipelineReadBufferSize, o.PipelineWriteBufferSize = from.PipelineReadBufferSize, from.PipelineWriteBufferSize
	o.ConnMaxIdleTime, o.ConnMaxLifetime = from.ConnMaxIdleTime, from.ConnMaxLifetime
	o.ConnMaxLifetimeJitter = from.ConnMaxLifetimeJitter
}
