package address

import (
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	for address, want := range map[string]string{
		"localhost": "", "my_redis:6379": "", "a.example.com.": "", "10.0.0.1:1": "", "[::1]": "", "[::1]:65535": "",
		"":                              "the host is missing",
		":6379":                         "the host is missing",
		"a:":                            "the port is not a number",
		"a:0":                           "the port is not a number",
		"a:65536":                       "the port is not a number",
		"::1":                           "in brackets",
		"[a]":                           "no IPv6 address",
		"[::1":                          "no IPv6 address",
		"[10.0.0.1]":                    "no IPv6 address",
		"[::1]1":                        "only a port",
		"256.1.1.1":                     "no IPv4 address",
		"a..b":                          "empty or longer than 63",
		strings.Repeat("a", 64):         "empty or longer than 63",
		strings.Repeat("a.", 127) + "a": "longer than 253",
		"ho!st":                         "a character",
	} {
		if got := Host(address); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// TestNothingIsShown: whatever is malformed may hold a password, and only what looks like a scheme is shown.
func TestNothingIsShown(t *testing.T) {
	const secret = "hunter2"
	for _, raw := range []string{secret, secret + "://host", "redis:" + secret, "ftp://user:" + secret + "@host", "a:" + secret, secret + ":1", "[" + secret + "]"} {
		for _, problem := range []string{Scheme(raw, "a URL", "redis"), Host(raw), Separated([]string{raw + " "}), Socket("/" + strings.Repeat(raw, 50))} {
			if strings.Contains(problem, secret) {
				t.Errorf("%q: %q shows it", raw, problem)
			}
		}
	}
	if got := Scheme("ftp://host", "a URL", "redis"); !strings.Contains(got, "ftp://") {
		t.Errorf("%q does not show the scheme", got)
	}
}
