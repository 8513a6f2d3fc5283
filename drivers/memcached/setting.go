package memcached

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

const (
	scheme    = "memcached"
	schemeTLS = "memcacheds"

	defaultPort = "11211"
)

// A target is what the setting names.
type target struct {
	servers []string // host:port, or the path of a socket
	dialer  Dialer
	pool    int           // idle connections to each server; 0 for the driver's own number
	dial    time.Duration // that making a connection may take; 0 for the operation timeout
}

// parseSetting reads hosts, or a URL.
func parseSetting(raw string) (target, error) {
	if problem := checkHost(raw); problem != "" {
		return target{}, errors.New(problem)
	}
	name, rest, isURL := strings.Cut(raw, "://")
	if !isURL {
		return target{servers: parseHosts(raw, false)}, nil
	}
	rest, query, _ := strings.Cut(rest, "?")
	var t target
	if userinfo, after, found := strings.Cut(rest, "@"); found {
		rest = after
		user, password, _ := strings.Cut(userinfo, ":")
		t.dialer.Username, t.dialer.Password = unescaped(user), unescaped(password)
	}
	t.servers = parseHosts(strings.TrimSuffix(rest, "/"), true)
	options, err := url.ParseQuery(query)
	if err != nil {
		return target{}, errors.New("its options cannot be read")
	}
	t.pool, _ = strconv.Atoi(options.Get(poolSize))
	t.dial, _ = address.Span(options.Get(dialTimeout))
	if name == schemeTLS {
		if t.dialer.TLS, err = tlsfiles.Read(options.Get); err != nil {
			return target{}, err
		}
	}
	return t, nil
}

// unescaped returns a part of a URL that was found good.
func unescaped(text string) string {
	plain, _ := url.PathUnescape(text)
	return plain
}

// isSocket tells the path of a socket from a host, as gomemcache does.
func isSocket(server string) bool { return strings.Contains(server, "/") }

// parseHosts splits a list of hosts and of paths, and adds the port to a host that has none.
func parseHosts(list string, inURL bool) []string {
	hosts := strings.Split(list, ",")
	for i, host := range hosts {
		switch {
		case !isSocket(host):
			if u := (&url.URL{Host: host}); u.Port() == "" {
				hosts[i] = net.JoinHostPort(u.Hostname(), defaultPort)
			}
		case inURL:
			hosts[i] = unescaped(host)
		}
	}
	return hosts
}
