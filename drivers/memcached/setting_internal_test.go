package memcached

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

func TestParseSetting(t *testing.T) {
	for _, row := range []struct {
		raw            string
		servers        []string
		user, password string
		tls            bool
		serverName     string
	}{
		{"localhost", []string{"localhost:11211"}, "", "", false, ""},
		{"localhost:1", []string{"localhost:1"}, "", "", false, ""},
		{"a,b:2,[::1],[::1]:3,10.0.0.1", []string{"a:11211", "b:2", "[::1]:11211", "[::1]:3", "10.0.0.1:11211"}, "", "", false, ""},
		{"memcached://a", []string{"a:11211"}, "", "", false, ""},
		{"memcached://a/", []string{"a:11211"}, "", "", false, ""},
		{"memcached://u:p%40%3a%2F@a:1,b", []string{"a:1", "b:11211"}, "u", "p@:/", false, ""},
		{"/run/memcached.sock", []string{"/run/memcached.sock"}, "", "", false, ""},
		{"/a b%20.sock,host,[::1]", []string{"/a b%20.sock", "host:11211", "[::1]:11211"}, "", "", false, ""},
		{"memcached:///run/a.sock", []string{"/run/a.sock"}, "", "", false, ""},
		{"memcached://u:p%2F@/run/a%20b.sock,host/", []string{"/run/a b.sock", "host:11211"}, "u", "p/", false, ""},
		{"memcacheds://a", []string{"a:11211"}, "", "", true, ""},
		{"memcacheds://u:p@a/?tls_server_name=b.c", []string{"a:11211"}, "u", "p", true, "b.c"},
	} {
		got, err := parseSetting(row.raw)
		d := got.dialer
		if err != nil || !slices.Equal(got.servers, row.servers) || d.Username != row.user || d.Password != row.password ||
			(d.TLS != nil) != row.tls || d.TLS != nil && d.TLS.ServerName != row.serverName {
			t.Errorf("%s: %+v, %v", row.raw, got, err)
		}
	}
}

func TestPoolSizeOfASetting(t *testing.T) {
	for raw, want := range map[string]int{
		"host": 0, "memcached://host": 0, "memcached://host?pool_size=7": 7, "memcacheds://host/?pool_size=65535&tls_server_name=a": 65535,
	} {
		if got, err := parseSetting(raw); err != nil || got.pool != want {
			t.Errorf("%s: %d idle connections, %v, want %d", raw, got.pool, err, want)
		}
	}
}

func TestDialTimeoutOfASetting(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		"host": 0, "memcached://host": 0, "memcached://host?dial_timeout=2": 2 * time.Second, "memcacheds://host/?dial_timeout=500ms": time.Second / 2,
	} {
		if got, err := parseSetting(raw); err != nil || got.dial != want {
			t.Errorf("%s: a connection may take %v, %v, want %v", raw, got.dial, err, want)
		}
	}
}

const secret = "hunter2"

// A mistaken setting is refused with an error that says what is wanted.
type mistaken struct{ raw, want string }

func (row mistaken) check(t *testing.T) {
	t.Helper()
	_, err := parseSetting(row.raw)
	if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), secret) {
		t.Errorf("%s: %v; want an error that says %q and shows no secret", row.raw, err, row.want)
	}
}

func TestParseSettingMistakes(t *testing.T) {
	for _, row := range []mistaken{
		{"", "the host is missing"},
		{"a,,b", "host 2 of 3"},
		{"a:", "the port"},
		{"a,b:1,a", "host 3 of 3: it is named twice"},
		{"a,b:1,a:11211", "host 3 of 3: it is named twice"},
		{"memcached:///run/a%20b,c,/run/a b", "host 3 of 3: it is named twice"},
		{"::1", "in brackets"},
		{secret + "@host", "no URL"},
		{"http://user:" + secret + "@host", "the scheme http:// is not one"},
		{"memcached://user:%zz" + secret + "@host", "begins no escape"},
		{"memcached://" + secret + "@host", "belong together"},
		{"memcached://:" + secret + "@host", "belong together"},
		{"memcached://@host", "belong together"},
		{"memcached://user:a%20" + secret + "@host", "no space"},
		{"memcached://user:%0A" + secret + "@host", "control character"},
		{"memcached://host/" + secret, "nothing may follow the hosts"},
		{"/", "the path of the socket is missing"},
		{"a,//" + secret + "/b", "host 2 of 2"},
		{"//user:" + secret + "@host", "begins with a slash, and no URL"},
		{"/user:" + secret + "@host", "begins with a slash, and no URL"},
		{"/run/memcached.sock?" + secret, "no URL"},
		{"run/" + secret, "begins with a slash"},
		{"memcached:///run/%zz" + secret, "begins no escape"},
		{"memcacheds:///run/" + secret, "a socket takes no TLS"},
	} {
		row.check(t)
	}
}

func TestParseSettingMistakesOfOptions(t *testing.T) {
	for _, row := range []mistaken{
		{"memcached://host?dial_timeout=0", "dial_timeout cannot be read: give a duration of a millisecond at least, such as 500ms or 2s, or a number of seconds"},
		{"memcached://host?dial_timeout=-1s", "dial_timeout cannot be read"},
		{"memcached://host?dial_timeout=" + secret, "dial_timeout cannot be read"},
		{"memcached://host?pool_size=0", "pool_size cannot be read: give a number from 1 to 65535"},
		{"memcached://host?pool_size=" + secret, "pool_size cannot be read"},
		{"memcached://host?pool_size=65536", "pool_size cannot be read"},
		{"memcached://host?pool_size=1&pool_size=2", "pool_size is given twice"},
		{"memcached://host?pool=1", "it has no option \"pool\": give any of dial_timeout, pool_size"},
	} {
		row.check(t)
	}
}

func TestParseSettingMistakesOfTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), secret+".pem")
	if err := os.WriteFile(file, []byte("no certificate: "+secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []mistaken{
		{"memcached://host?tls_ca_file=" + secret, "give memcacheds://"},
		{"memcacheds://host?timeout=" + secret, "it has no option \"timeout\": give any of dial_timeout, pool_size, tls_ca_file, tls_cert_file"},
		{"memcacheds://host?tls_ca_file=%zz" + secret, "tls_ca_file"},
		{"memcacheds://host?tls_ca_file=/nowhere/" + secret, "tls_ca_file: the file cannot be read"},
		{"memcacheds://host?tls_ca_file=" + file, "tls_ca_file: the file has no certificate"},
		{"memcacheds://host?tls_cert_file=" + file, "tls_cert_file and tls_key_file belong together"},
		{"memcacheds://host?tls_key_file=" + file, "belong together"},
		{"memcacheds://host?tls_cert_file=" + file + "&tls_key_file=" + file, "tls_cert_file and tls_key_file: "},
		{"memcacheds://host?tls_cert_file=/nowhere/" + secret + "&tls_key_file=" + file, "tls_cert_file and tls_key_file: "},
		{"memcacheds://host?tls_server_name=a&tls_server_name=" + secret, "tls_server_name"},
	} {
		row.check(t)
	}
}

// TestServersAreSpreadAsByServerList holds the driver's way to gomemcache's own.
func TestServersAreSpreadAsByServerList(t *testing.T) {
	hosts := []string{"/run/memcached.sock", "127.0.0.1:1", "127.0.0.1:3"}
	for n := 1; n <= len(hosts); n++ {
		var list memcache.ServerList
		if err := list.SetServers(hosts[:n]...); err != nil {
			t.Fatal(err)
		}
		given := slices.Clone(hosts[:n])
		slices.Reverse(given) // in any order
		servers := newServers(given)
		for _, key := range []string{"", "a", "b", "c", "cachette:d", "ж", "\xff", strings.Repeat("k", 250),
			strings.Repeat("k", 256) + "a", strings.Repeat("k", 256) + "b"} {
			want, err := list.PickServer(key)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := servers.PickServer(key); err != nil || got.String() != want.String() || got.Network() != want.Network() {
				t.Errorf("%d servers: %q is kept by %v (%v), want %v", n, key, got, err, want)
			}
		}
	}
}
