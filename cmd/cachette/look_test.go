package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGet: a value is shown as text, or in hexadecimal, never at a length that floods a terminal, and never so that it steers one.
func TestGet(t *testing.T) {
	long, wide := strings.Repeat("0123456789", 1000), strings.Repeat("é", 3000)
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		for _, test := range []struct {
			value string
			args  []string
			says  []string
			not   string
		}{
			{"plain text", nil, []string{"10 bytes", "for another 59m", "\nplain text\n"}, "Remember"},
			{"", nil, []string{"0 bytes"}, "nothing"},
			{"two\nlines", nil, []string{"\ntwo\nlines\n"}, "74 77"},
			{"\x1b[2Jbeep\a", nil, []string{"1b 5b 32 4a 62 65 65 70  07"}, "\x1b"},
			{"\xff\xfe\x00", nil, []string{"ff fe 00"}, "\xff"},
			{long, nil, []string{"10000 bytes", "7952 bytes more", "-all"}, long},
			{long, []string{"-all"}, []string{"10000 bytes", long}, "more"},
			{wide, nil, []string{"6000 bytes", "3952 bytes more"}, "c3 a9"},
			{long, []string{"-raw"}, []string{long}, "bytes"},
			{"\x1b[2J", []string{"-raw"}, []string{"\x1b[2J"}, "store"},
		} {
			s.get("/values/put/k?value=" + url.QueryEscape(test.value))
			got := here(t, environ, "", append([]string{"get", "k"}, test.args...)...)
			for _, says := range test.says {
				if got.code != exitOK || !strings.Contains(got.out, says) {
					t.Errorf("%.20q, %q: %.40q is not in %.300v", test.value, test.args, says, got)
				}
			}
			if strings.Contains(got.out, test.not) {
				t.Errorf("%.20q, %q: %.40q is in %.300v", test.value, test.args, test.not, got)
			}
		}
	})
}

// TestGetRemembered: a value of Remember is found by its service, and one that was purged is none.
func TestGetRemembered(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		value, _ := s.get("/values/remember/user:7")
		value = strings.TrimSuffix(value, " <nil>")
		if got := here(t, environ, "", "get", "user:7"); got.code != exitOK || !strings.Contains(got.out, value) || !strings.Contains(got.out, `tag "product:42": good`) {
			t.Errorf("%q: %v", value, got)
		}
		if got := here(t, environ, "", "get", "user:7", "-service", "another"); got.code != exitMiss || !strings.Contains(got.out, `"another"`) {
			t.Errorf("of another service: %v", got)
		}
		if got := here(t, without(environ, "CACHETTE_SERVICE"), "", "get", "user:7"); got.code != exitMiss || !strings.Contains(got.out, "CACHETTE_SERVICE") {
			t.Errorf("without a service: %v", got)
		}
		if got := here(t, environ, "", "get", "user:8"); got.code != exitMiss || !strings.Contains(got.out, "nothing") {
			t.Errorf("another key: %v", got)
		}
		s.get("/values/remember/nobody")
		if got := here(t, environ, "", "get", "nobody"); got.code != exitMiss || !strings.Contains(got.out, "that there is none") {
			t.Errorf("of nobody: %v", got)
		}
		if got := here(t, environ, "", "get", "nobody", "-raw"); got.code != exitMiss || got.out != "" {
			t.Errorf("raw, of nobody: %v", got)
		}
		here(t, environ, "", "purge", "tag", "product:42")
		got := here(t, environ, "", "get", "user:7")
		if got.code != exitMiss || !strings.Contains(got.out, `tag "product:42": purged`) || strings.Contains(got.out, value) {
			t.Errorf("behind a purge: %v", got)
		}
		if got := here(t, environ, "", "get", "user:7", "-raw"); got.code != exitMiss || got.out != "" {
			t.Errorf("raw, behind a purge: %v", got)
		}
	})
}

func without(environ []string, name string) (left []string) {
	for _, variable := range environ {
		if !strings.HasPrefix(variable, name+"=") {
			left = append(left, variable)
		}
	}
	return left
}

// TestExplain: each kind of page is found by what the flags say of its route, and by nothing less.
func TestExplain(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		for _, test := range []struct {
			path   string
			fields []string
			args   []string
			lacks  []string // args without which it is not found; nil for none
			says   []string
		}{
			{path: "/plain", says: []string{"status 200", "Content-Type: text/plain", `path "/plain" of every host: good`, "a hit for another 59m"}},
			{path: "/plain?a=1&b=2", says: []string{"a hit", "the whole query"}},
			{path: "/path?a=1", says: []string{"a hit", "no query"}},
			{path: "/group/inner", says: []string{"a hit", "inside of another Cached"}},
			{path: "/lasting", says: []string{"a hit for another 9m", "Cache-Control: max-age=600", "refreshed (RFC 5861 §3): 1m0s", "errors (RFC 5861 §4): 2m0s"}},
			{path: "/tagged", says: []string{`tag "product:42": good`}},
			{path: "/spaced", args: []string{"-namespace", "shop"}, lacks: []string{}, says: []string{`namespace "shop": good`}},
			{path: "/listed?b=1&page=2", args: []string{"-query", "page"}, lacks: []string{}, says: []string{"a hit"}},
			{path: "/declared?b=2&a=3", says: []string{"a hit", "by No-Vary-Search: params=(\"b\")"}},
			{path: "/simpler?utm_source=a&b=1&x=2&a=3", args: []string{"-ignored", "x", "-tracking", "-sorted"}, lacks: []string{"-tracking", "-sorted"}, says: []string{"a hit"}},
			{path: "/users", fields: []string{"User", "ann"}, args: []string{"-identity", "ann"}, lacks: []string{"-identity", "bob"}, says: []string{"whom it is for", "a hit"}},
			{
				path: "/plans", fields: []string{"Plan", "gold", "Cookie", "theme=dark"},
				args: []string{"-cookie", "theme=dark", "-part", "gold"}, lacks: []string{"-part", "gold", "-cookie", "theme=dark"}, says: []string{"a part of the key", "a hit"},
			},
			{
				path: "/language", fields: []string{"Accept-Language", "de", "X-Currency", "EUR"},
				args:  []string{"-vary", "accept-language", "-H", "Accept-Language: de", "-H", "x-currency: EUR"},
				lacks: []string{"-vary", "accept-language", "-H", "Accept-Language: de"},
				says:  []string{"varies by X-Currency", "a hit"},
			},
		} {
			s.keep(test.path, test.fields...)
			asked := strings.Replace(test.path, "declared?b=2", "declared?b=7", 1) // which the page answers, too
			got := here(t, environ, "", append([]string{"explain", s.url + asked}, test.args...)...)
			for _, says := range test.says {
				if got.code != exitOK || !strings.Contains(got.out, says) {
					t.Errorf("%s %q: %q is not in %v", test.path, test.args, says, got)
				}
			}
			if test.lacks == nil {
				continue
			}
			if got := here(t, environ, "", append([]string{"explain", s.url + test.path}, test.lacks...)...); got.code != exitMiss || !strings.Contains(got.out, "nothing") {
				t.Errorf("%s %q: %v", test.path, test.lacks, got)
			}
		}
	})
}

// TestExplainQuery: the result of a QUERY, or of a POST that only reads, is found by its content and content type, and by nothing less.
func TestExplainQuery(t *testing.T) {
	const asked, kind = "price < 9\n", "text/plain"
	file := filepath.Join(t.TempDir(), "asked")
	if err := os.WriteFile(file, []byte(asked), 0o600); err != nil {
		t.Fatal(err)
	}
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		for _, method := range []string{"QUERY", "POST"} {
			s.keepSent(method, "/search?page=1", asked, "Content-Type", kind)
			by := []string{"-method", method, "-H", "Content-Type: " + kind}
			for _, test := range []struct {
				args []string
				code int
				says string
			}{
				{append(by, "-content", asked), exitOK, "a hit for another 59m"},
				{append(by, "-content", "@"+file), exitOK, "a hit for another 59m"},
				{append(by, "-content", "price < 9"), exitMiss, "query, content,"},
				{by, exitMiss, "nothing"},
				{[]string{"-method", method, "-content", asked}, exitMiss, "nothing"},
				{append(by, "-content", "@"+file+"s"), exitUsage, ""},
				{nil, exitMiss, "nothing"},
			} {
				got := here(t, environ, "", append([]string{"explain", s.url + "/search?page=1"}, test.args...)...)
				if got.code != test.code || !strings.Contains(got.out, test.says) {
					t.Errorf("%q: %v", test.args, got)
				}
			}
		}
		if got := here(t, environ, "", "explain", s.url+"/search?page=1", "-content", asked, "-H", "content-type: "+kind); got.code != exitOK {
			t.Errorf("a content alone is one of a QUERY: %v", got)
		}
	})
}

// TestExplainMiss: what a page is not a hit for is told: another service, a purge, a soft one.
func TestExplainMiss(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		for _, test := range []struct {
			purge, args []string
			says        []string
		}{
			{nil, []string{"-service", "another"}, []string{"nothing", `"another"`, "looked for under", "the whole query", "but        under another key something is stored"}},
			{[]string{"path", "/tagged"}, nil, []string{`path "/tagged" of every host: purged`, "so it is   a miss"}},
			{[]string{"tag", "product:42"}, nil, []string{`tag "product:42": purged`, `path "/tagged" of every host: good`, "so it is   a miss"}},
			{[]string{"tag", "product:42", "-soft"}, nil, []string{`tag "product:42": purged`}},
			{[]string{"prefix", "/ta"}, nil, []string{`path "/tagged" of every host: good`, "a prefix of its path, or everything: purged", "so it is   a miss"}},
			{[]string{"all", "-yes", "-soft"}, nil, []string{"a prefix of its path, or everything: purged softly"}},
			{[]string{"all", "-yes", "-values"}, nil, []string{"nothing", "nor        is anything under another key"}},
		} {
			s.keep("/tagged")
			if test.purge != nil {
				if got := here(t, environ, "", append([]string{"purge"}, test.purge...)...); got.code != exitOK {
					t.Errorf("purge %q: %v", test.purge, got)
				}
			}
			got := here(t, environ, "", append([]string{"explain", s.url + "/tagged"}, test.args...)...)
			for _, says := range test.says {
				if got.code != exitMiss || !strings.Contains(got.out, says) {
					t.Errorf("behind purge %q, %q: %q is not in %v", test.purge, test.args, says, got)
				}
			}
		}
	})
}

// TestPingAndStats: a store that answers is told with how long that takes, and with what it can do.
func TestPingAndStats(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		if got := here(t, environ, "", "ping"); got.code != exitOK || !strings.Contains(got.out, "answers    in ") {
			t.Errorf("ping: %v", got)
		}
		got := here(t, environ, "", "stats")
		servers := strings.Count(got.out, "server ")
		if several := strings.Contains(got.out, "several servers"); got.code != exitOK || !strings.Contains(got.out, "log of purges") ||
			several != strings.Contains(fmt.Sprint(environ), "cluster") || several && servers != 3 {
			t.Errorf("stats: %v", got)
		}
	})
}

// TestStatsCountsEntries: how many there are of each kind is told, of those that have the key prefix, or that they were not all counted. DynamoDB tells
// how many items the table has.
func TestStatsCountsEntries(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		s.keep("/plain")
		s.keep("/tagged")
		s.get("/values/put/k?value=v")
		s.get("/values/remember/user:7")
		want := "entries    2 pages, 1 value of Remember, 1 value of Put, and "
		if strings.Contains(fmt.Sprint(environ), "dynamodb") {
			want = "in the table"
		}
		if got := here(t, environ, "", "stats"); got.code != exitOK || !strings.Contains(got.out, want) || strings.Contains(got.out, "at least") {
			t.Errorf("%q is not in %v", want, got)
		}
		if got := here(t, environ, "", "stats", "-keys", "1"); got.code != exitOK || want != "in the table" && !strings.Contains(got.out, "at least") {
			t.Errorf("of one key: %v", got)
		}
		if got := here(t, environ, "", "stats", "-keys", "0"); got.code != exitOK || strings.Contains(got.out, "entries") {
			t.Errorf("of none: %v", got)
		}
	})
}

// A duration is shown as closely as a person wants it, and never as none where it is some.
func TestBriefly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		9_400 * time.Nanosecond: "9µs", 51 * time.Microsecond: "51µs", 2_429 * time.Microsecond: "2.42ms", 1_570 * time.Millisecond: "1.5s", 3599 * time.Second: "59m59s",
		-9_400 * time.Nanosecond: "-9µs", 0: "0s",
	} {
		if got := briefly(d); got != want {
			t.Errorf("%v is shown as %s, want %s", d, got, want)
		}
	}
}
