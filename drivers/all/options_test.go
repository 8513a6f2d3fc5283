package all_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
)

// backendURLs are URLs of the backends that an option may follow.
var backendURLs = map[string]string{
	"redis": "rediss://host?", "memcached": "memcacheds://host?", "mongodb": "mongodb://host/?tls=true&",
	"dynamodb": "dynamodb://eu-central-1/table?endpoint=https://host&",
}

// The table of the options that all URLs take says what backends take, and what they refuse.
func TestOptionsThatAllURLsTake(t *testing.T) {
	page, err := os.ReadFile("../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## Options that all URLs take\n")
	section, _, _ = strings.Cut(section, "\n## ")
	values := map[string]string{
		"tls_ca_file": "ca.pem", "tls_cert_file": "a.pem&tls_key_file=b.pem", "tls_key_file": "b.pem&tls_cert_file=a.pem", "tls_server_name": "cache.example",
		"skip_verify": "true", "pool_size": "7", "dial_timeout": "2s", "min_idle_conns": "2", "conn_max_idle_time": "1m", "client_name": "shop",
	}
	var backends []string
	for row := range strings.Lines(section) {
		cells := strings.Split(row, " | ")
		switch {
		case strings.HasPrefix(row, "| option"):
			backends = cells[1:5]
			continue
		case !strings.HasPrefix(row, "| `"):
			continue
		}
		for option := range strings.SplitSeq(strings.Trim(cells[0], "| "), ", ") {
			option = strings.Trim(option, "`")
			value, known := values[option]
			if !known {
				t.Errorf("%s is tried with no value", option)
			}
			delete(values, option)
			for i, name := range backends {
				backend, _ := drivers.Lookup(name)
				problems := backend.Check(drivers.Settings{URL: backendURLs[name] + option + "=" + value})
				if taken := len(problems) == 0; taken != (cells[i+1] == "yes") {
					t.Errorf("the page says of %s on %s: %s; the backend: %v", option, name, cells[i+1], problems)
				}
			}
		}
	}
	for option := range values {
		t.Errorf("the page says nothing of %s", option)
	}
}

// All backends refuse a number of connections, and a time to make one, with which there would be none, in the same words.
func TestOptionsThatConnectNever(t *testing.T) {
	for name, url := range backendURLs {
		backend, _ := drivers.Lookup(name)
		for option, want := range map[string]string{
			"pool_size=0": "a number from 1 to 65535", "pool_size=-1": "a number from 1 to 65535",
			"dial_timeout=0": "a duration of a millisecond at least", "dial_timeout=0s": "a duration of a millisecond at least",
			"dial_timeout=-1": "a duration of a millisecond at least", "dial_timeout=1us": "a duration of a millisecond at least",
		} {
			problems := backend.Check(drivers.Settings{URL: url + option})
			called, _, _ := strings.Cut(option, "=")
			if want := "the option " + called + " cannot be read: give " + want; len(problems) != 1 || !strings.Contains(problems[0].Text, want) {
				t.Errorf("%s with %s: %v, want one problem with %q", name, option, problems, want)
			}
		}
	}
}

// All backends refuse an option that they do not know in the same words, and tell which may have been meant.
func TestUnknownOptions(t *testing.T) {
	for name, url := range backendURLs {
		backend, _ := drivers.Lookup(name)
		for option, want := range map[string]string{
			"tls_ca_flie": `it has no option "tls_ca_flie": did you mean tls_ca_file?`,
			"hunter2":     "it has no option of a name that is not shown, for it may hold a password",
		} {
			problems := backend.Check(drivers.Settings{URL: url + option + "=x"})
			if len(problems) != 1 || !strings.Contains(problems[0].Text, want) || strings.Contains(problems[0].Text, "hunter2") {
				t.Errorf("%s with the option %s: %v, want one problem with %q", name, option, problems, want)
			}
		}
	}
}
