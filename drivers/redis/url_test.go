package redis

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestParseURL(t *testing.T) {
	type want struct {
		kind     kind
		addrs    []string
		user     string
		password string
		master   string
		database int
		tls      bool
	}
	for raw, want := range map[string]want{
		"redis://localhost":                           {addrs: []string{"localhost:6379"}},
		"redis://localhost:6380/":                     {addrs: []string{"localhost:6380"}},
		"redis://[::1]":                               {addrs: []string{"[::1]:6379"}},
		"redis://[::1]:6380/5":                        {addrs: []string{"[::1]:6380"}, database: 5},
		"redis://host?db=6":                           {addrs: []string{"host:6379"}, database: 6},
		"redis://host/5?db=05":                        {addrs: []string{"host:6379"}, database: 5},
		"redis://:secret@host/15":                     {addrs: []string{"host:6379"}, password: "secret", database: 15},
		"rediss://user:p%40ss%2Fw%3Ard%25%3F%23@host": {addrs: []string{"host:6379"}, user: "user", password: "p@ss/w:rd%?#", tls: true},

		"redis+sentinel://a,b:1,[::1]/main":     {kind: sentinel, addrs: []string{"a:26379", "b:1", "[::1]:26379"}, master: "main"},
		"redis+sentinel://user:secret@a/main/3": {kind: sentinel, addrs: []string{"a:26379"}, user: "user", password: "secret", master: "main", database: 3},
		"rediss+sentinel://a/my%20master?db=12": {kind: sentinel, addrs: []string{"a:26379"}, master: "my master", database: 12, tls: true},

		"redis+cluster://a,b:1":                 {kind: cluster, addrs: []string{"a:6379", "b:1"}},
		"rediss+cluster://user:secret@a,[::1]/": {kind: cluster, addrs: []string{"a:6379", "[::1]:6379"}, user: "user", password: "secret", tls: true},

		"unix:///run/redis.sock":                           {kind: socket, addrs: []string{"/run/redis.sock"}},
		"unix://user:p%40ss%2Fw@/run/my%20redis.sock?db=3": {kind: socket, addrs: []string{"/run/my redis.sock"}, user: "user", password: "p@ss/w", database: 3},
		"unix://:secret@/redis.sock?client_name=me":        {kind: socket, addrs: []string{"/redis.sock"}, password: "secret"},
	} {
		target, err := parseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		o := target.options
		if target.kind != want.kind || !slices.Equal(o.Addrs, want.addrs) || o.Username != want.user || o.Password != want.password ||
			o.MasterName != want.master || o.DB != want.database || (o.TLSConfig != nil) != want.tls {
			t.Errorf("%s: kind %d, %+v", raw, target.kind, o)
		}
	}
}

// TestSocketAsGoRedisReadsIt: a URL of a socket is one of go-redis, which reads the same in it.
func TestSocketAsGoRedisReadsIt(t *testing.T) {
	for _, raw := range []string{
		"unix:///run/redis.sock", "unix://user:p%40ss@/run/my%20redis.sock?db=3", "unix://:secret@/redis.sock?pool_size=7",
	} {
		target, err := parseURL(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		want, err := redis.ParseURL(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		client := target.client().(*redis.Client)
		defer client.Close()
		got := client.Options()
		if got.Network != want.Network || got.Addr != want.Addr || got.Username != want.Username || got.Password != want.Password ||
			got.DB != want.DB || want.PoolSize != 0 && got.PoolSize != want.PoolSize {
			t.Errorf("%s: %+v, and go-redis reads %+v", raw, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	target, err := parseURL("rediss+sentinel://user:secret@a/main?client_name=me&pool_size=7&dial_timeout=3&read_timeout=250ms" +
		"&pool_fifo=true&protocol=2&max_retries=-1&conn_max_idle_time=1m&pipeline_pool_size=-1&skip_verify=true" +
		"&sentinel_username=guard&sentinel_password=p%26ss&tls_server_name=other")
	if err != nil {
		t.Fatal(err)
	}
	o := target.options
	if o.ClientName != "me" || o.PoolSize != 7 || o.DialTimeout != 3*time.Second || o.ReadTimeout != 250*time.Millisecond ||
		!o.PoolFIFO || o.Protocol != 2 || o.MaxRetries != -1 || o.ConnMaxIdleTime != time.Minute || o.PipelinePoolSize != -1 ||
		!o.TLSConfig.InsecureSkipVerify || o.TLSConfig.ServerName != "other" || o.SentinelUsername != "guard" || o.SentinelPassword != "p&ss" {
		t.Errorf("%+v", o)
	}
	target.setTimeouts(3 * time.Second)
	if o.DialTimeout != 3*time.Second || o.ReadTimeout != 250*time.Millisecond || o.WriteTimeout != 3*time.Second || o.MaxRetries != -1 || !o.ContextTimeoutEnabled {
		t.Errorf("with timeouts: %+v", o)
	}
}

// TestOptionsOfGoRedis gives each option that is not ours to redis.ParseURL, which must know it.
func TestOptionsOfGoRedis(t *testing.T) {
	for name, option := range options {
		if option.ours {
			continue
		}
		for _, value := range []string{"true", "3", "text"} {
			if !option.Good(value) {
				continue
			}
			if _, err := redis.ParseURL("rediss://host?" + name + "=" + value); err != nil {
				t.Errorf("%s=%s: %v", name, value, err)
			}
			break
		}
	}
}

const secret = "hunter2"

// mistaken holds URLs that are refused, by what the error has to say. None shows the secret.
func mistaken(t *testing.T, urls map[string]string) {
	t.Helper()
	for raw, want := range urls {
		_, err := parseURL(raw)
		if err == nil {
			t.Errorf("%s: no error, want one with %q", raw, want)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the secret: %v", raw, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	mistaken(t, map[string]string{
		"": "it is no URL", secret: "it is no URL", "http://" + secret: "scheme", "redis+ring://a": "scheme", "redissentinel://a": "scheme",
		"redis://user:" + secret + "@":           "the host is missing",
		"redis://user:" + secret + "@host:port":  "cannot be read as a URL",
		"redis://user:" + secret + "@host:0":     "the port",
		"redis://user:" + secret + "@host:65536": "the port",
		"redis://user:" + secret + "%zz@host":    "cannot be read as a URL",
		"redis://user:" + secret + "@host/0#x":   "cannot be read as a URL",
		"redis://user:a/" + secret + "@host":     "percent-encoded",
		"redis://user:1/" + secret + "@host":     "percent-encoded",
		"redis://user:" + secret + "@a,b":        "several servers",
		"redis://host/" + secret:                 "number of a database",
		"redis://host/-1":                        "number of a database",
		"redis://host/1/2":                       "number of a database",
	})
}

func TestMistakesOfSentinelsAndClusters(t *testing.T) {
	mistaken(t, map[string]string{
		"redis+sentinel://a,b":              "name of the master is missing",
		"redis+sentinel://a,b/":             "name of the master is missing",
		"redis+sentinel://a,,b/main":        "host 2 of 3",
		"redis+sentinel://a/main/" + secret: "number of a database",
		"redis+sentinel://a/main/0/1":       "number of a database",
		"redis+cluster://a,b/0":             "has no databases",
		"redis+sentinel://a/main/2?db=0":    "the host and the option db name two databases: give one of them",
		"redis+cluster://a,b?db=0":          "option db is not for a cluster",
	})
}

func TestMistakesOfOptions(t *testing.T) {
	mistaken(t, map[string]string{
		"redis://host/2?db=3":                      "the host and the option db name two databases: give one of them",
		"redis://host?" + secret + "=1":            "it has no option of a name that is not shown",
		"redis://host?pool_sise=1":                 `it has no option "pool_sise": did you mean pool_size?`,
		"redis://host?pool_size=" + secret:         "option pool_size cannot be read: give a number from 1",
		"redis://host?pool_size=99999999999":       "option pool_size",
		"redis://host?pool_size=1&pool_size=2":     "option pool_size is given more than once",
		"redis://host?pool_fifo=" + secret:         "option pool_fifo cannot be read: give true or false",
		"redis://host?dial_timeout=" + secret:      "option dial_timeout cannot be read: give a duration",
		"redis://host?dial_timeout=99999999999999": "option dial_timeout",
		"redis://host?dial_timeout=":               "option dial_timeout cannot be read",
		"redis://host?protocol=4":                  "option protocol cannot be read: give a number from 2 to 3",
		"redis://host?a=%zz":                       "options of the form name=value",
		"redis://host?sentinel_password=" + secret: "option sentinel_password is for sentinels",
	})
}

func TestMistakesOfSockets(t *testing.T) {
	mistaken(t, map[string]string{
		"unix://":                     "the path of the socket is missing",
		"unix://user:" + secret + "@": "the path of the socket is missing",
		"unix:///":                    "the path of the socket is missing",
		"unix://user:" + secret + "@run/redis.sock":      "a host stands before the path of the socket",
		"unix://" + secret + "/redis.sock":               "a host stands before the path of the socket",
		"unix://user:" + secret + "/a@/redis.sock":       "percent-encoded",
		"unix:///redis.sock#" + secret:                   "cannot be read as a URL",
		"unix:///redis.sock?db=" + secret:                "option db cannot be read: give a number from 0",
		"unix:///redis.sock?tls_ca_file=" + secret:       "option tls_ca_file is for TLS",
		"unix:///redis.sock?sentinel_password=" + secret: "option sentinel_password is for sentinels",
	})
}

func TestMistakesOfTLS(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	if err := os.WriteFile(garbage, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	mistaken(t, map[string]string{
		"redis://host?tls_ca_file=" + secret:                                  "option tls_ca_file is for TLS",
		"redis://host?skip_verify=true":                                       "option skip_verify is for TLS",
		"rediss://host?tls_ca_file=/" + secret:                                "option tls_ca_file: the file cannot be read: no such file",
		"rediss://host?tls_ca_file=" + garbage:                                "option tls_ca_file: the file has no certificate",
		"rediss://host?tls_cert_file=" + secret:                               "tls_cert_file and tls_key_file belong together",
		"rediss://host?tls_cert_file=/" + secret + "&tls_key_file=/" + secret: "tls_cert_file and tls_key_file: no such file",
	})
}
