package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// edit returns a URL of one host with something changed.
func edit(t *testing.T, raw string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal("the server's URL is none")
	}
	change(u)
	return u.String()
}

func withOption(name, value string) func(u *url.URL) {
	return func(u *url.URL) {
		query := u.Query()
		query.Set(name, value)
		u.RawQuery = query.Encode()
	}
}

// TestRefused opens what a server refuses, each with an error that names the setting and shows no secret.
func TestRefused(t *testing.T) {
	const secret = "hunter2"
	otherCA := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(otherCA, otherAuthority, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, server string
		change       func(u *url.URL)
		want         string
	}{
		{"wrong password", testservers.RedisTLS, func(u *url.URL) { u.User = url.UserPassword("cachette", secret) }, "refuses the user or the password"},
		{"wrong user", testservers.RedisTLS, func(u *url.URL) { u.User = url.UserPassword(secret, "a") }, "refuses the user or the password"},
		{"no password", testservers.RedisTLS, func(u *url.URL) { u.User = nil }, "refuses the user or the password"},
		{"wrong password at a socket", testservers.RedisSocket, func(u *url.URL) { u.User = url.UserPassword("cachette", secret) }, "refuses the user or the password"},
		{"no such database at a socket", testservers.RedisSocket, withOption("db", "99999"), "no such database"},
		{"unknown authority", testservers.RedisTLS, withOption("tls_ca_file", otherCA), "do not agree on TLS: its certificate is signed by an authority that is not known here: give that one by the option tls_ca_file"},
		{"another host's certificate", testservers.RedisTLS, withOption("tls_server_name", "example.com"), "do not agree on TLS: its certificate is for another host: give the name that it is for by the option tls_server_name"},
		{"user who is unknown", testservers.Redis, func(u *url.URL) { u.User = url.UserPassword("me", secret) }, "refuses the user or the password"},
		{"no such database", testservers.Redis, func(u *url.URL) { u.Path = "/99999" }, "no such database"},
		{"no cluster", testservers.Redis, func(u *url.URL) { u.Scheme = "redis+cluster" }, "no part of a cluster"},
		{"no sentinel", testservers.Redis, func(u *url.URL) { u.Scheme, u.Path = "redis+sentinel", "/main" }, "no Sentinel: give redis://"},
		{"password that is not wanted", testservers.Redis, func(u *url.URL) { u.User = url.UserPassword("", secret) }, "the server wants none: leave it out"},
		{"password of the default user that is not wanted", testservers.Redis, func(u *url.URL) { u.User = url.UserPassword("default", secret) }, "the server wants none: leave it out"},
		{"password that a master does not want", testservers.RedisSentinel, func(u *url.URL) { u.User = url.UserPassword("", secret) }, "the server wants none: leave it out"},
		{"password that a sentinel does not want", testservers.RedisSentinel, withOption("sentinel_password", secret), "the Sentinels want none: leave it out"},
		{"a sentinel as a server", testservers.RedisSentinel, func(u *url.URL) { u.Scheme, u.Path = "redis", "" }, "is a Sentinel, which keeps nothing: give redis+sentinel://"},
		{"a sentinel as a cluster", testservers.RedisSentinel, func(u *url.URL) { u.Scheme, u.Path = "redis+cluster", "" }, "no part of a cluster"},
		{"no such master", testservers.RedisSentinel, func(u *url.URL) { u.Path = "/other" }, "know no master of that name"},
		{"wrong password of a sentinel's master", testservers.RedisSentinel, func(u *url.URL) { u.User = url.UserPassword("me", secret) }, "refuses the user or the password"},
		{"wrong password of a sentinel", testservers.RedisSentinel, func(u *url.URL) {
			withOption("sentinel_username", "me")(u)
			withOption("sentinel_password", secret)(u)
		}, "refuses the user or the password"},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantRefused(t, edit(t, testservers.Find(t, row.server), row.change), row.want, secret)
		})
	}
	t.Run("malformed", func(t *testing.T) {
		wantRefused(t, "redis://me:"+secret+"@host/"+secret, "number of a database", secret)
	})
}

// TestRefusedKinds opens servers of a cluster, and a replica, as what they are not, or with passwords that they do not want.
func TestRefusedKinds(t *testing.T) {
	const secret = "hunter2"
	t.Run("node of a cluster", func(t *testing.T) {
		first, _, _ := strings.Cut(strings.TrimPrefix(testservers.Find(t, testservers.RedisCluster), "redis+cluster://"), ",")
		wantRefused(t, "redis://"+first, "part of a cluster: give redis+cluster://", secret)
	})
	t.Run("password that a cluster does not want", func(t *testing.T) {
		where := strings.Replace(testservers.Find(t, testservers.RedisCluster), "://", "://:"+secret+"@", 1)
		wantRefused(t, where, "the server wants none: leave it out", secret)
	})
	t.Run("replica", func(t *testing.T) {
		u, err := url.Parse(testservers.Find(t, testservers.RedisSentinel))
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewSentinelClient(&goredis.Options{Addr: u.Host})
		defer c.Close()
		replicas, err := c.Replicas(t.Context(), strings.Trim(u.Path, "/")).Result()
		if err != nil || len(replicas) == 0 {
			t.Fatalf("%d replicas, %v", len(replicas), err)
		}
		wantRefused(t, "redis://"+net.JoinHostPort(replicas[0]["ip"], replicas[0]["port"]), "is a replica, which takes no writes: give its master", secret)
	})
	t.Run("wrong password of a cluster", func(t *testing.T) {
		where := strings.Replace(testservers.Find(t, testservers.RedisCluster), "://", "://me:"+secret+"@", 1)
		wantRefused(t, where, "refuses the user or the password", secret)
	})
}

// TestPermissions opens with users who may not use one of the commands that the cache needs, or all of them on some keys.
func TestPermissions(t *testing.T) {
	const secret = "hunter2"
	where, admin := testservers.Find(t, testservers.Redis), client(t)
	as := func(t *testing.T, rules ...string) string {
		name := "test-" + rand.Text()
		args := []any{"acl", "setuser", name, "on", ">" + secret}
		for _, rule := range rules {
			args = append(args, rule)
		}
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { admin.Do(context.Background(), "acl", "deluser", name) })
		return edit(t, where, func(u *url.URL) { u.User = url.UserPassword(name, secret) })
	}
	for _, command := range []string{"get", "mget", "pttl", "set", "unlink", "pexpire", "xadd", "xrange", "xrevrange", "ping"} {
		t.Run(command, func(t *testing.T) {
			want := "the server forbids the user " + strings.ToUpper(command) + ", which the cache needs: allow it (ACL SETUSER with +" + command + ")"
			wantRefused(t, as(t, "~*", "+@all", "-"+command), want, secret)
		})
	}
	t.Run("several", func(t *testing.T) {
		wantRefused(t, as(t, "~*", "+@all", "-mget", "-xadd", "-scan"), "MGET, XADD, which the cache needs: allow it (ACL SETUSER with +mget +xadd)", secret)
	})
	t.Run("no more than is needed", func(t *testing.T) {
		d := openURL(t, as(t, "~shop:*", "+get", "+mget", "+pttl", "+set", "+unlink", "+pexpire", "+scan", "+xadd", "+xrange", "+xrevrange", "+ping", "+select"))
		if err := d.Set(t.Context(), "shop:page", nil, time.Millisecond); err != nil {
			t.Error(err)
		}
	})
	// What nothing but clearing needs is told, and no reason not to start.
	t.Run("scan", func(t *testing.T) {
		var log journal
		d, err := opener(t)(t.Context(), drivers.Settings{RedisURL: as(t, "~*", "+@all", "-scan"), OperationTimeout: time.Second, Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if text := log.String(); !strings.Contains(text, "Flush and ClearNamespace are errors without it") || !strings.Contains(text, "command=SCAN") || strings.Contains(text, secret) {
			t.Errorf("the log: %s", text)
		}
		if _, err := d.Clear(t.Context(), "shop:"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("Clear: %v, want the server's refusal, which is one for ever", err)
		}
	})
	t.Run("keys", func(t *testing.T) { testKeyPatterns(t, as, secret) })
}

// TestClearUnknown clears on a server that has no SCAN, as one that has renamed it.
func TestClearUnknown(t *testing.T) {
	c := goredis.NewClient(&goredis.Options{Addr: repeating(t)})
	defer c.Close()
	if _, err := driver(t, c, redis.Options{}).Clear(t.Context(), "shop:"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "does not know SCAN") {
		t.Errorf("Clear: %v, want an error that says so, and is one for ever", err)
	}
}

// TestHeard opens what answers, and is no Redis: the log says what was heard.
func TestHeard(t *testing.T) {
	for _, words := range []string{"ERROR\r\nERROR\r\nERROR\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = io.ReadAtLeast(connection, make([]byte, 512), 1)
				_, _ = io.WriteString(connection, words)
				connection.Close()
			}
		}()
		var log journal
		d, err := opener(t)(t.Context(), drivers.Settings{RedisURL: "redis://" + listener.Addr().String(), OperationTimeout: time.Second, Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
		if text := log.String(); !strings.Contains(text, "the server answers, but not as Redis does") || strings.Contains(text, "does not answer") {
			t.Errorf("the log: %s", text)
		}
	}
}

// testKeyPatterns opens with users who may use some keys alone. Which keys there will be is told by the prefix.
func testKeyPatterns(t *testing.T, as func(t *testing.T, rules ...string) string, secret string) {
	// With PlainKeys there may be values alone, whose keys nothing tells, and so it is no error.
	for rule, want := range map[string]string{"~shop:*": "allow=~*~r:*", "~*~r:*": "", "~~r:*": "", "~*": ""} {
		t.Run("PlainKeys"+rule, func(t *testing.T) {
			var log journal
			settings := drivers.Settings{RedisURL: as(t, rule, "+@all"), PlainKeys: true, OperationTimeout: time.Second, Logger: log.logger()}
			d, err := opener(t)(t.Context(), settings)
			if err != nil {
				t.Fatal(err)
			}
			_ = d.Close()
			if text := log.String(); (text == "") != (want == "") || !strings.Contains(text, want) {
				t.Errorf("the log: %q, want %q", text, want)
			}
		})
	}
	for _, row := range []struct {
		prefix, rule string
		want         string // what is told to be allowed; empty where all is well
	}{
		{"shop:", "~shop:*", ""},
		{"shop:", "~*", ""},
		{"shop:", "~other:*", `"~shop:*"`},
		{"shop:", "%R~shop:*", `"~shop:*"`},
		{"shop:", "~shop:~r:*", `"~shop:*"`},
		{"s*p:", "~s\\*p:*", ""},
		{"s*p:", "~other:*", `"~s\\*p:*"`},
	} {
		t.Run(row.prefix+row.rule, func(t *testing.T) {
			settings := drivers.Settings{RedisURL: as(t, row.rule, "+@all"), KeyPrefix: row.prefix, OperationTimeout: time.Second}
			if row.want != "" {
				wantRefusedBy(t, settings, "forbids the user keys that begin with "+strconv.Quote(row.prefix), secret)
				wantRefusedBy(t, settings, "ACL SETUSER with "+row.want, secret)
				return
			}
			var log journal
			settings.Logger = log.logger()
			d, err := opener(t)(t.Context(), settings)
			if err != nil {
				t.Fatal(err)
			}
			_ = d.Close()
			if text := log.String(); text != "" {
				t.Errorf("the log: %s", text)
			}
		})
	}
}

// TestOpenLeavesNothing opens a store, and looks at what is there.
func TestOpenLeavesNothing(t *testing.T) {
	for _, server := range []string{testservers.Redis, testservers.RedisCluster} {
		t.Run(server, func(t *testing.T) {
			d := openURL(t, testservers.Find(t, server))
			if n, err := d.Clear(t.Context(), "cachette:probe:"); n != 0 || err != nil {
				t.Errorf("%d keys are left, %v", n, err)
			}
		})
	}
}

func wantRefused(t *testing.T, where, want, secret string) {
	t.Helper()
	wantRefusedBy(t, drivers.Settings{RedisURL: where, OperationTimeout: time.Second}, want, secret)
}

func wantRefusedBy(t *testing.T, settings drivers.Settings, want, secret string) {
	t.Helper()
	var log journal
	settings.Logger = log.logger()
	d, err := opener(t)(t.Context(), settings)
	if d != nil || err == nil {
		t.Fatalf("it opens %v, %v, want an error; the log: %s", d, err, log.String())
	}
	text := err.Error()
	if !strings.Contains(text, "RedisURL (CACHETTE_REDIS_URL)") || !strings.Contains(text, want) {
		t.Errorf("%v, want the setting, and %q", err, want)
	}
	if strings.Contains(text, secret) || strings.Contains(log.String(), secret) {
		t.Errorf("it shows the secret: %v", err)
	}
}

// TestDoesNotAnswer opens what does not answer: a driver, and one warning.
func TestDoesNotAnswer(t *testing.T) {
	const secret = "hunter2"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	refused, mute := closed.Addr().String(), silent.Addr().String()

	folder := t.TempDir()
	for name, where := range map[string]string{
		"no such socket":        "unix://me:" + secret + "@" + folder + "/redis.sock",
		"closed port":           "redis://me:" + secret + "@" + refused,
		"closed port, TLS":      "rediss://me:" + secret + "@" + refused,
		"closed port, sentinel": "redis+sentinel://me:" + secret + "@" + refused + "/main",
		"closed port, cluster":  "redis+cluster://me:" + secret + "@" + refused,
		"silent":                "redis://me:" + secret + "@" + mute,
		"silent, TLS":           "rediss://me:" + secret + "@" + mute,
		"silent, sentinel":      "redis+sentinel://me:" + secret + "@" + mute + "/main",
		"silent, cluster":       "redis+cluster://me:" + secret + "@" + mute,
		"no such host":          "redis://me:" + secret + "@no-such-host.invalid",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log journal
			d, err := opener(t)(t.Context(), drivers.Settings{
				RedisURL: where, OperationTimeout: 100 * time.Millisecond, Logger: log.logger(),
			})
			if err != nil {
				t.Fatalf("%v, want a driver that waits for the server", err)
			}
			defer d.Close()
			text := log.String()
			if strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "RedisURL (CACHETTE_REDIS_URL)") || strings.Contains(text, secret) {
				t.Errorf("the log is %q, want one warning that names the setting", text)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err = returns(t, func() error { _, err := d.Get(ctx, "key"); return err })
			if err == nil || errors.Is(err, drivers.ErrMiss) || strings.Contains(err.Error(), secret) {
				t.Errorf("Get: %v, want an error", err)
			}
			if err := returns(t, d.Close); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// TestOpenEndsWithItsContext opens a server that says nothing.
func TestOpenEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = returns(t, func() error {
		d, err := opener(t)(ctx, drivers.Settings{
			RedisURL: "redis://" + silent.Addr().String(), OperationTimeout: time.Hour, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if err == nil {
			err = d.Close()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
