package dynamodb_test

import (
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
)

// checked returns what is wrong with a URL.
func checked(t *testing.T, raw string) string {
	t.Helper()
	backend, _ := drivers.Lookup("dynamodb")
	var problems []string
	for _, problem := range backend.Check(drivers.Settings{URL: raw}) {
		if problem.Setting != "URL" {
			t.Errorf("the problem is of %s", problem.Setting)
		}
		problems = append(problems, problem.Text)
	}
	return strings.Join(problems, "; ")
}

func TestURLOptions(t *testing.T) {
	for options, want := range map[string]string{
		"endpoint=http://localhost:8000":                       "",
		"endpoint=https://localhost:8000&tls_ca_file=ca.pem":   "",
		"tls_ca_file=ca.pem&tls_server_name=example.com":       "", // of AWS itself, behind an endpoint in a private network
		"tls_cert_file=c.pem&tls_key_file=k.pem&pool_size=20":  "",
		"pool_size=1&dial_timeout=500ms":                       "",
		"dial_timeout=2":                                       "",
		"endpont=http://localhost:8000":                        `it has no option "endpont": did you mean endpoint?`,
		"tlsCAFile=ca.pem":                                     `did you mean tls_ca_file?`,
		"region=eu-west-1":                                     `it has no option "region": give any of dial_timeout, endpoint, pool_size, tls_ca_file`,
		password + "2=a":                                       "not shown",
		"endpoint=http://a&endpoint=http://b":                  "the option endpoint is given twice",
		"endpoint=":                                            "the option endpoint cannot be read: give a text",
		"tls_ca_file=":                                         "the option tls_ca_file cannot be read: give a text",
		"pool_size=-1":                                         "the option pool_size cannot be read: give a number from 1 to",
		"pool_size=many":                                       "the option pool_size cannot be read",
		"dial_timeout=0":                                       "the option dial_timeout cannot be read: give a duration",
		"dial_timeout=-1s":                                     "the option dial_timeout cannot be read",
		"endpoint=http://a&tls_ca_file=ca.pem":                 "the option tls_ca_file is for TLS: give an endpoint that begins with https://",
		"endpoint=http://a&tls_server_name=b":                  "the option tls_server_name is for TLS",
		"endpoint=http://a&tls_cert_file=c.pem&tls_key_file=k": "the option tls_cert_file is for TLS",
		"tls_cert_file=c.pem":                                  "the options tls_cert_file and tls_key_file belong together",
		"tls_key_file=k.pem":                                   "the options tls_cert_file and tls_key_file belong together",
		"endpoint":                                             "are not options of the form name=value",
		"tls_ca_file=%zz":                                      "its options cannot be read",
		"endpoint=http%3A%2F%2Flocalhost%3A8000":               "",
		"endpoint=" + url.QueryEscape("http://user:"+password+"@host:1"): "takes no user and password",
	} {
		got := checked(t, "dynamodb://eu-central-1/table?"+options)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", options, got, want)
		}
		if strings.Contains(got, password) {
			t.Errorf("%s: it is shown: %q", options, got)
		}
	}
}

// secure returns a server that speaks TLS, and a file with what its certificate was signed by.
func secure(t *testing.T, handler http.Handler) (server *httptest.Server, authority string) {
	t.Helper()
	server = httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, authority
}

// TestTLS: the options for TLS are followed, and what is wrong with TLS is told as that, not as missing credentials.
func TestTLS(t *testing.T) {
	isolate(t)
	f := newFake(t, nil)
	server, authority := secure(t, f)
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, row := range []struct {
		name, endpoint string
		options        string
		says           string // "" if it opens
	}{
		{"Authority", server.URL, "&tls_ca_file=" + authority, ""},
		{"AuthorityAndName", server.URL, "&tls_ca_file=" + authority + "&tls_server_name=example.com", ""}, // one of the certificate's
		{"NoAuthority", server.URL, "", "give that one by the option tls_ca_file"},
		{"AnothersName", server.URL, "&tls_server_name=example.org&tls_ca_file=" + authority, "give the name that it is for by the option tls_server_name"},
		{"NoFile", server.URL, "&tls_ca_file=" + missing, "the option tls_ca_file: the file cannot be read"},
		{"NoCertificate", server.URL, "&tls_cert_file=" + missing + "&tls_key_file=" + missing, "the options tls_cert_file and tls_key_file"},
		{"NoTLSAtTheServer", strings.Replace(f.URL, "http:", "https:", 1), "", "the server does not speak TLS: give an endpoint that begins with http://"},
		{"TLSAtTheServer", strings.Replace(server.URL, "https:", "http:", 1), "", "the server speaks TLS: give an endpoint that begins with https://"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d, err := openWith(t, t.Context(), drivers.Settings{URL: "dynamodb://eu-central-1/table?endpoint=" + row.endpoint + row.options})
			if row.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				set(t, d, "key", "value", long)
				return
			}
			wantSaying(t, err, "dynamodb: URL (CACHETTE_URL)", row.says)
			if strings.Contains(err.Error(), "AWS chain") || strings.Contains(err.Error(), missing) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestTLSOfCredentials: so it is with the service that gives out credentials.
func TestTLSOfCredentials(t *testing.T) {
	isolate(t)
	sts, _ := secure(t, http.NotFoundHandler())
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(sessionToken), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/cache")
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	_, err := openWith(t, t.Context(), drivers.Settings{Region: "eu-central-1"})
	wantSaying(t, err, "dynamodb: Region (CACHETTE_REGION)", "do not agree on TLS", "certificate")
}

// TestAnotherServer: what is no DynamoDB is told as that.
func TestAnotherServer(t *testing.T) {
	isolate(t)
	for name, status := range map[string]int{"Page": http.StatusOK, "NotFound": http.StatusNotFound, "BadRequest": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte("<html>400 The plain HTTP request was sent to HTTPS port</html>"))
			}))
			defer server.Close()
			_, err := openSettings(t, server.URL)
			wantSaying(t, err, "dynamodb: DynamoDBURL (CACHETTE_DYNAMODB_URL)", "does not answer as DynamoDB does")
			if strings.Contains(err.Error(), "AWS chain") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestPoolSize: there are no more connections than the URL allows.
func TestPoolSize(t *testing.T) {
	isolate(t)
	endpoint, table := prepared(t)
	p := before(t, endpoint)
	d, err := openWith(t, t.Context(), drivers.Settings{URL: "dynamodb://us-east-1/" + table + "?pool_size=3&endpoint=" + through(p)})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var together sync.WaitGroup
		for range 20 {
			together.Go(func() {
				if _, err := d.Get(t.Context(), "absent"); !errors.Is(err, drivers.ErrMiss) {
					t.Errorf("Get: %v", err)
				}
			})
		}
		together.Wait()
	}
	if dials := p.Counts().Dials; dials > 3 {
		t.Errorf("%d connections were made, want 3 at most", dials)
	}
}
