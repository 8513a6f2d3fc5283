package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
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

// schemes are those of URLs, without the second s that stands for TLS.
var schemes = map[string]kind{"redis": single, "redis+sentinel": sentinel, "redis+cluster": cluster, "unix": socket}

// forms say what a URL looks like.
var forms = map[kind]string{
	single:   "redis://user:password@host:port/database",
	sentinel: "redis+sentinel://user:password@host:port,host:port/master_name/database",
	cluster:  "redis+cluster://user:password@host:port,host:port",
	socket:   "unix://user:password@/path/redis.sock?db=0",
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
	scheme, rest, _ := strings.Cut(raw, "://")
	plain, secure := strings.CutPrefix(scheme, "rediss")
	if secure {
		plain = "redis" + plain
	} else {
		plain = scheme
	}
	kind, known := schemes[plain]
	if !known {
		return nil, errors.New("the scheme is none of redis, redis+sentinel, redis+cluster, nor one of these with rediss for TLS, nor unix")
	}
	form := forms[kind]

	authority, after := cutAny(rest, "/?#")
	userinfo, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		userinfo, hosts = authority[:at+1], authority[at+1:]
	}
	// A URL of one host that has everything else: net/url takes no list of hosts.
	u, err := url.Parse("redis://" + userinfo + "host" + after)
	if err != nil || u.Fragment != "" {
		return nil, errors.New("it cannot be read as a URL: give " + form)
	}
	o, database := new(redis.UniversalOptions), -1
	if kind == socket {
		o.Addrs, err = socketPath(hosts, u.Path)
	} else if o.Addrs, err = addresses(hosts, kind); err == nil {
		database, err = readPath(o, kind, u.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: give %s", err, form)
	}
	if err := readOptions(o, u, kind, secure); err != nil {
		return nil, err
	}
	if kind != cluster && database >= 0 && !u.Query().Has("db") {
		o.DB = database
	}
	return &target{kind: kind, options: o}, nil
}

// cutAny cuts text before the first of characters.
func cutAny(text, characters string) (before, after string) {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// socketPath reads the path of a socket, which the client tells from a host by its slash.
func socketPath(host, path string) ([]string, error) {
	switch {
	case host != "":
		return nil, errors.New("a host stands before the path of the socket")
	case strings.Trim(path, "/") == "":
		return nil, errors.New("the path of the socket is missing")
	}
	return []string{path}, nil
}

// addresses reads hosts, each with or without a port.
func addresses(hosts string, kind kind) ([]string, error) {
	port := "6379"
	if kind == sentinel {
		port = "26379"
	}
	all := strings.Split(hosts, ",")
	if len(all) > 1 && kind == single {
		return nil, errors.New("it names several servers, and takes one")
	}
	for i, host := range all {
		u, err := url.Parse("redis://" + host)
		if err != nil || u.Hostname() == "" || u.Host != host {
			return nil, fmt.Errorf("host %d of %d is no host with or without a port", i+1, len(all))
		}
		name, given := u.Hostname(), u.Port()
		if given == "" {
			given = port
		}
		if n, err := strconv.Atoi(given); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("host %d of %d: the port is not a number from 1 to 65535", i+1, len(all))
		}
		all[i] = net.JoinHostPort(name, given)
	}
	return all, nil
}

// readPath reads the name of the master and the number of the database. It is -1 where there is none.
func readPath(o *redis.UniversalOptions, kind kind, path string) (database int, err error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if kind == cluster {
		if parts[0] != "" {
			return -1, errors.New("a cluster has no databases, and nothing may follow the hosts")
		}
		return -1, nil
	}
	if kind == sentinel {
		if o.MasterName = parts[0]; o.MasterName == "" {
			return -1, errors.New("the name of the master is missing")
		}
		parts = parts[1:]
	}
	if len(parts) == 0 || parts[0] == "" {
		return -1, nil
	}
	database, err = strconv.Atoi(parts[0])
	if err != nil || database < 0 || len(parts) > 1 {
		return -1, errors.New("what follows is not the number of a database")
	}
	return database, nil
}

// readOptions reads the user, the password, and what stands behind the ?. go-redis reads the options that it knows, once
// they have been found good: its own errors show values.
func readOptions(o *redis.UniversalOptions, u *url.URL, kind kind, secure bool) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("what follows the ? are not options of the form name=value")
	}
	own := url.Values{}
	for name := range query {
		check, known := options[name]
		if !known {
			return fmt.Errorf("%s is no option that it knows: give one of %s", shownName(name), strings.Join(optionNames(), ", "))
		}
		value := query.Get(name)
		if len(query[name]) > 1 {
			return fmt.Errorf("the option %s is given more than once", name)
		}
		if problem := check.problem(name, value, kind, secure); problem != "" {
			return fmt.Errorf("the option %s %s", name, problem)
		}
		if check.ours {
			own.Set(name, value)
			query.Del(name)
		}
	}
	theirs := url.URL{Scheme: "redis", User: u.User, Host: "host", RawQuery: query.Encode()}
	if secure {
		theirs.Scheme = "rediss"
	}
	parsed, err := redis.ParseURL(theirs.String())
	if err != nil {
		return errors.New("its options cannot be read")
	}
	copyOptions(o, parsed)
	o.SentinelUsername, o.SentinelPassword = own.Get("sentinel_username"), own.Get("sentinel_password")
	if secure {
		o.TLSConfig, err = readTLS(own, query.Get("skip_verify"))
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

// shownName quotes the name of an option for a message, unless a password that was not percent-encoded may be in it.
func shownName(name string) string {
	for _, r := range name {
		if (r < 'a' || r > 'z') && r != '_' {
			return "one of its options"
		}
	}
	if len(name) > 32 {
		return "one of its options"
	}
	return strconv.Quote(name)
}

func optionNames() []string {
	names := make([]string, 0, len(options))
	for name := range options {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
