package mongodb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/gin-cachette/cachette/drivers"
)

// An option that is unknown, unreadable, or of no use is told before anything is dialled, and no value is shown.
func TestOptionsRefused(t *testing.T) {
	backend, _ := drivers.Lookup("mongodb")
	for query, want := range map[string]string{
		"tls_ca_flie=x":                             `it has no option "tls_ca_flie": did you mean tls_ca_file?`,
		"tlsCAFlie=x":                               `it has no option "tlsCAFlie": did you mean tls_ca_file?`,
		"maxPoolSiz=1":                              `it has no option "maxPoolSiz": did you mean maxPoolSize?`,
		"tlsAllowInvalidCertificates=true":          `it has no option "tlsAllowInvalidCertificates": give any of appName, authMechanism, `,
		password + "=1":                             "it has no option of a name that is not shown",
		"pool_size=" + password:                     "the option pool_size cannot be read: give a number from 1 to 65535",
		"pool_size=-1":                              "the option pool_size cannot be read",
		"dial_timeout=1x":                           "the option dial_timeout cannot be read: give a duration of a millisecond at least, such as 500ms or 2s, or a number of seconds",
		"dial_timeout=1us":                          "the option dial_timeout cannot be read",
		"tls=true&skip_verify=maybe":                "the option skip_verify cannot be read: give true or false",
		"skip_verify=true":                          "the option skip_verify is for TLS: give tls=true, too",
		"tlsInsecure=true":                          "the option tlsInsecure is for TLS: give tls=true, too",
		"tlsCertificateKeyFilePassword=" + password: "the option tlsCertificateKeyFilePassword is for TLS: give tls=true, too",
		"tls=false&tls_ca_file=x":                   "the option tls_ca_file is for TLS, which is switched off: give tls=true",
		"tlsCAFile=x&tls=false":                     "the option tlsCAFile is for TLS, which is switched off: give tls=true",
		"tls_cert_file=x":                           "the options tls_cert_file and tls_key_file belong together, and one of them is missing",
		"tls_ca_file=":                              "the option tls_ca_file cannot be read: give a text",
		"pool_size=1&pool_size=2":                   "the option pool_size is given twice",
		"retryWrites=true&retrywrites=false":        "the options retryWrites and retrywrites are the same: give one of them",
		"pool_size=1&maxPoolSize=2":                 "the options pool_size and maxPoolSize are the same: give one of them",
	} {
		url := "mongodb://user:" + password + "@host/?" + query
		problems := backend.Check(drivers.Settings{MongoDBURL: url})
		if len(problems) != 1 || problems[0].Setting != "MongoDBURL" || !strings.HasPrefix(problems[0].Text, want) {
			t.Errorf("%s: %q, want %q of MongoDBURL", query, problems, want)
		}
		_, err := open(t, t.Context(), drivers.Settings{MongoDBURL: url, Logger: (&journal{}).logger()})
		if err == nil || !strings.Contains(err.Error(), "MongoDBURL (CACHETTE_MONGODB_URL): "+want) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: open: %v, want %q of MongoDBURL", query, err, want)
		}
	}
	for _, query := range []string{
		"", "retryWrites=true&w=majority&appName=a", "TLS=true&TLSInsecure=true", "tls_ca_file=x", "tls=true&tls_server_name=a",
		"readPreferenceTags=a:b&readPreferenceTags=c:d", "pool_size=10;dial_timeout=2", "skip_verify=true&tlsCAFile=x",
	} {
		if problems := backend.Check(drivers.Settings{MongoDBURL: "mongodb://host/?" + query}); problems != nil {
			t.Errorf("%q: %q", query, problems)
		}
	}
	if problems := backend.Check(drivers.Settings{MongoDBURL: "mongodb+srv://host.example/?skip_verify=true"}); problems != nil {
		t.Errorf("skip_verify of mongodb+srv, which has TLS: %q", problems)
	}
}

// The options that all backends have in common do what the client's own do.
func TestOptionsInCommon(t *testing.T) {
	var mu sync.Mutex
	names := make(map[string]bool)
	hello := func(command bson.Raw) bson.D {
		mu.Lock()
		defer mu.Unlock()
		if name, ok := command.Lookup("client", "application", "name").StringValueOK(); ok {
			names[name] = true
		}
		return nil
	}
	const serverName = "cache.example"
	listener, file := listenTLS(t, serverName)
	newFakeOn(t, listener, hello)
	secure := "mongodb://" + listener.Addr().String() + "/?tls_ca_file=" + file
	for _, row := range []struct{ name, url, want string }{
		{"client_name", "mongodb://" + newFake(t, hello) + "/?client_name=shop&pool_size=1&dial_timeout=500ms&min_idle_conns=1&conn_max_idle_time=60", ""},
		{"tls_server_name", secure + "&tls_server_name=" + serverName, ""},
		{"skip_verify", secure + "&skip_verify=1", ""},
		{"another name", secure, "no TLS connection can be made: its certificate is for another host: give the name that it is for by the option tls_server_name"},
		{"unknown authority", "mongodb://" + listener.Addr().String() + "/?tls=true&tls_server_name=" + serverName, "give that one by the option tls_ca_file"},
		{"no such file", secure + ".absent", "the option tls_ca_file: the file cannot be read"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			d, err := open(t, ctx, drivers.Settings{MongoDBURL: row.url, DatabaseName: "d", TableName: "c", Logger: (&journal{}).logger()})
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Fatalf("open: %v, want %q", err, row.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Get(ctx, "k"); !errors.Is(err, drivers.ErrMiss) {
				t.Errorf("Get: %v", err)
			}
		})
	}
	if !names["shop"] {
		t.Errorf("the client's names are %v, want shop", names)
	}
}
