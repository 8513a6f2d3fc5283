package memcached

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

const (
	scheme    = "memcached"
	schemeTLS = "memcacheds"

	defaultPort = "11211"
)

// The options of a URL.
const (
	optionCA     = "tls_ca_file"
	optionCert   = "tls_cert_file"
	optionKey    = "tls_key_file"
	optionServer = "tls_server_name"
)

// A target is what the setting names.
type target struct {
	servers []string // host:port, or the path of a socket
	dialer  Dialer
}

// parseSetting reads hosts, or a URL. What it returns as an error never shows the value, for a password may be anywhere
// in one that is malformed.
func parseSetting(raw string) (target, error) {
	name, rest, isURL := strings.Cut(raw, "://")
	if !isURL {
		servers, err := parseHosts(raw, false)
		return target{servers: servers}, err
	}
	if name != scheme && name != schemeTLS {
		return target{}, errors.New("the scheme is neither memcached:// nor memcacheds://")
	}
	rest, query, _ := strings.Cut(rest, "?")

	var t target
	if userinfo, after, found := strings.Cut(rest, "@"); found {
		rest = after
		if err := t.dialer.parseUser(userinfo); err != nil {
			return target{}, err
		}
	}
	var err error
	if t.servers, err = parseHosts(strings.TrimSuffix(rest, "/"), true); err != nil {
		return target{}, err
	}
	options, err := parseOptions(query)
	if err != nil {
		return target{}, err
	}
	if name == schemeTLS && slices.ContainsFunc(t.servers, isSocket) {
		err = errors.New("a socket takes no TLS: give memcached://")
	} else if name == schemeTLS {
		t.dialer.TLS, err = tlsConfig(options)
	} else if len(options) > 0 {
		err = errors.New("the options are those of TLS: give memcacheds://")
	}
	return t, err
}

// isSocket tells the path of a socket from a host, as gomemcache does.
func isSocket(server string) bool { return strings.Contains(server, "/") }

// parsePath reads the path of a socket. Outside of a URL, what looks like one may have a password in it.
func parsePath(text string, inURL bool) (path string, ok bool) {
	if strings.Trim(text, "/") == "" || strings.HasPrefix(text, "//") || !inURL && strings.ContainsAny(text, "@?#") {
		return "", false
	}
	if !inURL {
		return text, true
	}
	path, err := url.PathUnescape(text)
	return path, err == nil
}

// parseHosts splits a list of hosts and of paths, and adds the port to a host where there is none.
func parseHosts(list string, inURL bool) ([]string, error) {
	hosts := strings.Split(list, ",")
	for i, host := range hosts {
		if strings.HasPrefix(host, "/") {
			path, ok := parsePath(host, inURL)
			if !ok {
				return nil, fmt.Errorf("host %d of %d is not host, host:port, or the path of a socket", i+1, len(hosts))
			}
			hosts[i] = path
			continue
		}
		if !strings.Contains(host, ":") || strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			host += ":" + defaultPort
		}
		name, port, err := net.SplitHostPort(host)
		if err != nil || name == "" || port == "" || strings.ContainsAny(name, "/@?# ") {
			return nil, fmt.Errorf("host %d of %d is not host, host:port, or the path of a socket", i+1, len(hosts))
		}
		hosts[i] = host
	}
	return hosts, nil
}

func (d *Dialer) parseUser(userinfo string) error {
	user, password, _ := strings.Cut(userinfo, ":")
	var err, err2 error
	d.Username, err = url.PathUnescape(user)
	d.Password, err2 = url.PathUnescape(password)
	if err != nil || err2 != nil {
		return errors.New("the user name or password has a % that begins no escape")
	}
	if d.Username == "" && d.Password == "" {
		return missingHalf
	}
	return d.check()
}

func parseOptions(query string) (map[string]string, error) {
	options := make(map[string]string)
	for option := range strings.SplitSeq(query, "&") {
		if option == "" {
			continue
		}
		name, escaped, _ := strings.Cut(option, "=")
		if !slices.Contains([]string{optionCA, optionCert, optionKey, optionServer}, name) {
			return nil, fmt.Errorf("an option is none of %s, %s, %s and %s", optionCA, optionCert, optionKey, optionServer)
		}
		value, err := url.QueryUnescape(escaped)
		if _, twice := options[name]; twice || err != nil || value == "" {
			return nil, fmt.Errorf("its option %s has no value, one that cannot be read, or two", name)
		}
		options[name] = value
	}
	return options, nil
}

func tlsConfig(options map[string]string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: options[optionServer]}
	if file, ok := options[optionCA]; ok {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, unreadable(optionCA, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("its option %s names a file with no certificate in PEM", optionCA)
		}
	}
	cert, hasCert := options[optionCert]
	key, hasKey := options[optionKey]
	if hasCert != hasKey {
		return nil, fmt.Errorf("its options %s and %s belong together, and one of them is missing", optionCert, optionKey)
	}
	if hasCert {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, unreadable(optionCert+" or "+optionKey, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// unreadable leaves the name of the file out: it is a part of the setting.
func unreadable(option string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("its option %s: the file cannot be used: %w", option, err)
}
