package memcached_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// tryOpen opens the driver by its name and returns what it logged.
func tryOpen(t *testing.T, host string) (drivers.Driver, string, error) {
	t.Helper()
	var log bytes.Buffer
	settings := settingsFor(host)
	settings.Logger = slog.New(slog.NewTextHandler(&log, nil))
	backend, _ := drivers.Lookup("memcached")
	d, err := backend.Open(t.Context(), settings)
	if err == nil {
		t.Cleanup(func() { d.Close() })
	}
	return d, log.String(), err
}

// secured is the server with TLS and a password.
func secured(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(testservers.Find(t, testservers.MemcachedTLS))
	if err != nil {
		t.Fatal("the URL of the server with TLS cannot be read")
	}
	return u
}

// refuse checks that an opener refuses a host, and shows nothing of its password.
func refuse(t *testing.T, host, want string, secrets ...string) {
	t.Helper()
	d, log, err := tryOpen(t, host)
	if err == nil || d != nil {
		t.Fatalf("it opens; logged: %s", log)
	}
	for _, part := range []string{"memcached: MemcachedHost (CACHETTE_MEMCACHED_HOST): ", want} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want it to say %q", err, part)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err)+log, secret) {
			t.Errorf("the password is in %#v, or in the log: %s", err, log)
		}
	}
}

func TestRefusedUser(t *testing.T) {
	const wrong = "hunter2"
	u := secured(t)
	password, _ := u.User.Password()
	for name, user := range map[string]*url.Userinfo{
		"Password": url.UserPassword(u.User.Username(), wrong),
		"User":     url.UserPassword(wrong, password),
	} {
		t.Run(name, func(t *testing.T) {
			other := *u
			other.User = user
			refuse(t, other.String(), "the server refuses the user or the password", wrong, password, url.QueryEscape(password))
		})
	}
	t.Run("None", func(t *testing.T) {
		other := *u
		other.User = nil
		refuse(t, other.String(), "the server requires a user and a password")
	})
	t.Run("ItsConnectionIsClosed", func(t *testing.T) {
		r := newRelay(t, u.Host, nil)
		other := *u
		other.User, other.Host = url.UserPassword(u.User.Username(), wrong), r.host
		refuse(t, other.String(), "the server refuses the user or the password", wrong)
		awaitOpen(t, r, 0)
	})
	t.Run("OneOfTwoServers", func(t *testing.T) {
		// One that does not answer does not hide that the other refuses.
		other := *u
		other.User = url.UserPassword(u.User.Username(), wrong)
		other.Host = "127.0.0.1:1," + u.Host
		refuse(t, strings.Replace(other.String(), "%2C", ",", 1), "the server refuses the user or the password", wrong)
	})
}

// TestRefusalLeavesNoConnection has one of two servers refuse.
func TestRefusalLeavesNoConnection(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	willing := newRelay(t, host, nil)
	refusing := newRelay(t, host, func(line string) (string, bool) {
		if strings.HasPrefix(line, "set cachette%auth ") {
			return "CLIENT_ERROR authentication failure: user hunter2", true
		}
		return "", line == "user hunter2"
	})
	refuse(t, "memcached://user:hunter2@"+willing.host+","+refusing.host, "the server refuses the user or the password", "hunter2")
	awaitOpen(t, willing, 0)
	awaitOpen(t, refusing, 0)
}

func TestRefusedCertificate(t *testing.T) {
	u := secured(t)
	password, _ := u.User.Password()
	t.Run("UnknownAuthority", func(t *testing.T) {
		other := *u
		other.RawQuery = ""
		refuse(t, other.String(), "not known here: give that one by the option tls_ca_file", password)
	})
	t.Run("OtherName", func(t *testing.T) {
		other := *u
		other.RawQuery += "&tls_server_name=cache.example.com"
		refuse(t, other.String(), "is for another host: give the name that it is for by the option tls_server_name", password)
	})
	t.Run("RightName", func(t *testing.T) {
		other := *u
		other.RawQuery += "&tls_server_name=localhost"
		if _, log, err := tryOpen(t, other.String()); err != nil || log != "" {
			t.Errorf("%v; logged: %s", err, log)
		}
	})
	t.Run("NoTLS", func(t *testing.T) {
		refuse(t, "memcacheds://"+testservers.Find(t, testservers.Memcached), "tls")
	})
}

func TestMistakenSetting(t *testing.T) {
	refuse(t, "memcached://hunter2@host", "belong together", "hunter2")
	refuse(t, "memcacheds://host?tls_ca_file=/nowhere/hunter2", "tls_ca_file: the file cannot be read", "hunter2")
}

// TestSilentServer opens a driver while its server is dead: one line in the log, and it works when the server is there.
func TestSilentServer(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	r.stop()
	for name, host := range map[string]string{
		"Refused":  r.host,
		"Password": "memcached://user:hunter2@" + r.host,
		"NoName":   "cachette.invalid",
	} {
		t.Run(name, func(t *testing.T) {
			d, log, err := tryOpen(t, host)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(log, "level=WARN") != 1 || strings.Count(log, "\n") != 1 ||
				!strings.Contains(log, "MemcachedHost (CACHETTE_MEMCACHED_HOST)") || strings.Contains(log, "hunter2") {
				t.Errorf("logged: %s", log)
			}
			if err := d.(drivers.Pinger).Ping(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Ping: %v", err)
			}
			if name != "Refused" {
				return
			}
			r.restart(t)
			if err := d.(drivers.Pinger).Ping(t.Context()); err != nil {
				t.Errorf("Ping when the server is there: %v", err)
			}
			if _, err := d.Get(t.Context(), "absent"); err != drivers.ErrMiss {
				t.Errorf("Get when the server is there: %v", err)
			}
			r.stop()
		})
	}
	t.Run("Stalled", func(t *testing.T) {
		r.restart(t)
		r.stalled.Store(true)
		var log bytes.Buffer
		backend, _ := drivers.Lookup("memcached")
		d, err := backend.Open(t.Context(), drivers.Settings{
			MemcachedHost: r.host, OperationTimeout: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil || strings.Count(log.String(), "level=WARN") != 1 {
			t.Fatalf("%v; logged: %s", err, &log)
		}
		d.Close()
	})
}

// TestDialer gives a client of the program's own TLS, a user and a password.
func TestDialer(t *testing.T) {
	u := secured(t)
	password, _ := u.User.Password()
	pem, err := os.ReadFile(u.Query().Get("tls_ca_file"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}

	use := func(t *testing.T, dialer memcached.Dialer) error {
		client := memcache.New(u.Host)
		client.Timeout = 20 * time.Second
		client.DialContext = dialer.DialContext
		defer client.Close()
		d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, u.Host)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		const key = "test-dialer"
		if err := d.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
			return err
		}
		if _, err := d.Get(t.Context(), key); err != nil {
			return err
		}
		n, err := d.Clear(t.Context(), key)
		if n != 1 {
			t.Errorf("Clear = %d, want 1", n)
		}
		return err
	}
	if err := use(t, memcached.Dialer{TLS: config, Username: u.User.Username(), Password: password}); err != nil {
		t.Error(err)
	}
	for _, row := range []struct{ user, password, want string }{
		{u.User.Username(), "hunter2", "the server refuses the user or the password"},
		{"", "hunter2", "belong together"},
		{u.User.Username(), "", "belong together"},
		{u.User.Username(), "hunter2 x", "no space"},
		{u.User.Username(), "hunter2\r\nflush_all", "no control character"},
		{"", "", "authentication"},
	} {
		err := use(t, memcached.Dialer{TLS: config, Username: row.user, Password: row.password})
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("user %q, password %q: %v; want %q", row.user, row.password, err, row.want)
		}
	}
	if err := use(t, memcached.Dialer{Username: "user", Password: "hunter2"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("without TLS: %v, want an error", err)
	}
}

// TestUnwantedPassword sends a password to a server that asks for none: it is told, and not stored there.
func TestUnwantedPassword(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	r := newRelay(t, host, nil)
	refuse(t, "memcached://user:hunter2@"+r.host, "the server wants no user and no password: leave them out", "hunter2")
	awaitOpen(t, r, 0)
	if item, err := raw(t).Get("cachette%auth"); err != memcache.ErrCacheMiss {
		t.Errorf("the server has %+v, %v", item, err)
	}
}

// TestStalledAuthentication has a server that never answers to the password.
func TestStalledAuthentication(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	r.stalled.Store(true)
	deadline, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	for want, ctx := range map[error]context.Context{context.DeadlineExceeded: deadline, context.Canceled: cancelled} {
		conn, err := memcached.Dialer{Username: "user", Password: "hunter2"}.DialContext(ctx, "tcp", r.host)
		if conn != nil || !errors.Is(err, want) {
			t.Errorf("%v, %v, want %v", conn, err, want)
		}
	}
	awaitOpen(t, r, 0)
}

// TestDialTimeout has a server that never answers to the password: making a connection ends when the option of the URL says so, though the
// caller and the operation timeout would wait for longer.
func TestDialTimeout(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	r.stalled.Store(true)
	settings := settingsFor("memcached://user:hunter2@" + r.host + "?dial_timeout=20ms")
	settings.OperationTimeout = 10 * time.Minute
	d := open(t, settings)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := d.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("Get: %v, want context.DeadlineExceeded while the caller still waits", err)
	}
}

// TestHeard opens what answers at the start, and is no memcached, or a memcached in trouble: the log says what was heard.
func TestHeard(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	for answer, want := range map[string]string{
		"-ERR unknown command 'mn', with args beginning with: ": "a server answers, but not as Memcached does: ",
		"HTTP/1.1 400 Bad Request":                              "a server answers, but not as Memcached does: ",
		"SERVER_ERROR out of memory":                            "a server answers with an error: ",
	} {
		r := newRelay(t, host, func(string) (string, bool) { return answer, true })
		_, log, err := tryOpen(t, r.host)
		if err != nil || strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, want) || !strings.Contains(log, answer[:9]) {
			t.Errorf("%s: %v; logged: %s", answer, err, log)
		}
	}
}
