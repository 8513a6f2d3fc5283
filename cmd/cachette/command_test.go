package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func asExit(err error, exited **exec.ExitError) bool { return errors.As(err, exited) }

// here runs a command in this process. Its answer, if it is not empty, is what a person types at a terminal.
func here(t *testing.T, environ []string, answer string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	c := command{environ: environ, in: strings.NewReader(answer), out: &out, err: &errs, asks: answer != ""}
	code := c.run(t.Context(), args)
	return ran{code, out.String(), errs.String()}
}

// nowhere is a store that refuses connections. Its URL has a password.
var nowhere = []string{"CACHETTE_URL=redis://night:s3cret@127.0.0.1:1/0", "CACHETTE_SERVICE=shop"}

// TestUsage: what is wrong with a call is told with what would be right, nothing is done, and the program ends with 2.
func TestUsage(t *testing.T) {
	none := []string{"CACHETTE_URL=redis://127.0.0.1:1"}
	for _, test := range []struct {
		name    string
		environ []string
		args    []string
		says    []string
	}{
		{"nothing", nowhere, nil, []string{"ping, stats, get, explain, purge"}},
		{"no command", nowhere, []string{"prug"}, []string{`"prug"`, "ping, stats, get, explain, purge"}},
		{"no store", nil, []string{"ping"}, []string{"CACHETTE_URL"}},
		{"memory", []string{"CACHETTE_URL=memory:"}, []string{"get", "a"}, []string{"CACHETTE_URL", "each process"}},
		{"disabled", []string{"CACHETTE_DISABLED=true"}, []string{"ping"}, []string{"CACHETTE_DISABLED"}},
		{"a variable that is not known", append(none, "CACHETTE_SERVCE=a"), []string{"ping"}, []string{"CACHETTE_SERVCE", "CACHETTE_SERVICE"}},
		{"a URL that is none", []string{"CACHETTE_URL=reds://night:s3cret@h"}, []string{"ping"}, []string{"CACHETTE_URL", "redis"}},
		{"no service for a tag", none, []string{"purge", "tag", "a"}, []string{"which service", "CACHETTE_SERVICE", "go version -m"}},
		{"no service for a key", none, []string{"purge", "key", "a"}, []string{"which service"}},
		{"no service for a page", none, []string{"explain", "http://h/"}, []string{"which service", "-service"}},
		{"no URL", nowhere, []string{"explain"}, []string{"URL"}},
		{"a path", nowhere, []string{"explain", "/products"}, []string{`"/products"`, "https://"}},
		{"the content of a GET", nowhere, []string{"explain", "http://h/", "-method", "GET", "-content", "a"}, []string{"QUERY"}},
		{"a write", nowhere, []string{"explain", "http://h/", "-method", "PUT"}, []string{"PUT", "QUERY"}},
		{"two keys", nowhere, []string{"get", "a", "b"}, []string{"one KEY"}},
		{"an argument of ping", nowhere, []string{"ping", "redis"}, []string{`"redis"`}},
		{"a flag that is not known", nowhere, []string{"ping", "-fast"}, []string{"-fast", "cachette ping -h"}},
		{"a flag behind a name", nowhere, []string{"purge", "tag", "a", "-yess"}, []string{"-yess"}},
		{"purge of nothing", nowhere, []string{"purge"}, []string{"path, url, prefix, namespace, tag"}},
		{"purge of no such thing", nowhere, []string{"purge", "tags", "a"}, []string{`"tags"`, "path, url, prefix"}},
		{"purge without a name", nowhere, []string{"purge", "path"}, []string{"path", "name one"}},
		{"purge of all and more", nowhere, []string{"purge", "all", "/a", "-yes"}, []string{`"/a"`}},
		{"purge of values softly", nowhere, []string{"purge", "all", "-values", "-soft", "-yes"}, []string{"-soft"}},
		{"purge of values of a path", nowhere, []string{"purge", "path", "/a", "-values"}, []string{"-values"}},
		{"purge of all by a script", nowhere, []string{"purge", "all"}, []string{"no terminal", "-yes"}},
		{"purge of each path by a script", nowhere, []string{"purge", "prefix", "/shop/", "/"}, []string{"no terminal", "-yes"}},
		{"a path that is none", nowhere, []string{"purge", "path", "products"}, []string{`"products"`}},
		{"a pattern", nowhere, []string{"purge", "path", "/products/:id"}, []string{"pattern"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := here(t, test.environ, "", test.args...)
			if got.code != exitUsage {
				t.Errorf("%v", got)
			}
			for _, says := range test.says {
				if !strings.Contains(got.err, says) {
					t.Errorf("%q is not in %v", says, got)
				}
			}
			if strings.Contains(got.String(), "s3cret") || strings.Count(got.err, "cachette: ") != 1 {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestAsks: a purge of everything asks, and goes on for a yes alone. Here it then fails, for there is no store.
func TestAsks(t *testing.T) {
	for _, test := range []struct {
		answer string
		args   []string
		code   int
	}{
		{"yes\n", []string{"all"}, exitFailed},
		{"no\n", []string{"all"}, exitUsage},
		{"y\n", []string{"all"}, exitUsage},
		{"\n", []string{"prefix", "/"}, exitUsage},
		{"yes\n", []string{"prefix", "/"}, exitFailed},
		{"no\n", []string{"all", "-yes"}, exitFailed},
		{"no\n", []string{"path", "/"}, exitFailed},
	} {
		got := here(t, nowhere, test.answer, append([]string{"purge"}, test.args...)...)
		if asked := strings.Contains(got.out, "Type yes"); got.code != test.code || asked != (test.args[0] != "path" && len(test.args) == 1 || test.args[0] == "prefix") {
			t.Errorf("%q, answered by %q: %v", test.args, test.answer, got)
		}
	}
}

// TestDeadStore: a store that does not answer is told of, by its host and without its password, and the program ends with 1.
func TestDeadStore(t *testing.T) {
	for _, args := range [][]string{
		{"ping"}, {"stats"}, {"get", "a"}, {"explain", "https://shop.example/"}, {"purge", "path", "/"}, {"purge", "tag", "a"}, {"purge", "key", "a"},
		{"purge", "all", "-yes"}, {"purge", "all", "-values", "-yes"},
	} {
		got := here(t, nowhere, "", args...)
		if got.code != exitFailed || !strings.Contains(got.err, "redis") || strings.Contains(got.String(), "s3cret") || strings.Contains(got.String(), "night") || strings.Contains(got.err, "*redis") {
			t.Errorf("%q: %v", args, got)
		}
	}
}

// TestHelp: -h has all commands and codes, that of each command all its flags, and each ends with 0.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"help"}} {
		got := here(t, nil, "", args...)
		for _, says := range []string{"ping", "stats", "get KEY", "explain URL", "purge KIND", "CACHETTE_URL", "CACHETTE_SERVICE", "Ends with 0", "3 if"} {
			if got.code != exitOK || !strings.Contains(got.out, says) {
				t.Errorf("%q is not in %v", says, got)
			}
		}
	}
	for name, flags := range map[string][]string{
		"ping": nil, "stats": {"-keys"}, "get": {"-all", "-raw"}, "purge": {"-soft", "-yes", "-values", "path /products/7", "tag product:42"},
		"explain": {"-H", "-namespace", "-query", "-ignored", "-tracking", "-sorted", "-part", "-cookie", "-identity", "-vary", "-method", "-content"},
	} {
		got := here(t, nil, "", name, "-h")
		for _, says := range append(flags, "-service", "-v") {
			if got.code != exitOK || !strings.Contains(got.out, says) {
				t.Errorf("%q is not in %v", says, got)
			}
		}
	}
}

// TestPage: docs/cli.md has each command, flag, kind of purge and code.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, s := range subcommands {
		c := command{flags: flag.NewFlagSet(s.name, flag.ContinueOnError)}
		s.prepare(&c)
		c.flags.VisitAll(func(f *flag.Flag) {
			if !strings.Contains(page, "`-"+f.Name) {
				t.Errorf("-%s of %s is missing", f.Name, s.name)
			}
		})
		if !strings.Contains(page, "`"+s.name) {
			t.Errorf("%s is missing", s.name)
		}
	}
	for _, k := range kinds {
		if !strings.Contains(page, "\n| `"+k.name) {
			t.Errorf("the kind %s is missing", k.name)
		}
	}
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitMiss} {
		if !strings.Contains(page, fmt.Sprintf("\n| %d |", code)) {
			t.Errorf("the code %d is missing", code)
		}
	}
}

// TestHosts: a store is named without what may be a password, however that is written.
func TestHosts(t *testing.T) {
	for raw, want := range map[string]string{
		"redis://h:6379/2":                             "h:6379/2",
		"redis://night:s3cret@h/2":                     "h/2",
		"redis://:s3cret@h?password=s3cret":            "h",
		"redis://:s3c@ret@h/2":                         "h/2",
		"redis://:s3/cret@h/2":                         "",
		"redis://h/2#s3cret":                           "h/2",
		"redis+cluster://u:s3cret@a:1,b:2":             "a:1,b:2",
		"rediss+sentinel://u:s3cret@a:1,b:2/main/0":    "a:1,b:2/main/0",
		"redis://:6379?s3cret@h/2":                     "",
		"redis://:6379#s3cret@h/2":                     "",
		"unix://u:s3cret@/run/redis.sock?db=1":         "/run/redis.sock",
		"h:11211,i:11211":                              "h:11211,i:11211",
		"memcached://u:s3cret@h":                       "h",
		"mongodb://u:s3cret@a,b/shop?authSource=admin": "a,b/shop",
		"dynamodb://eu-central-1/table":                "eu-central-1/table",
		"redis://h\x1b[2J":                             `h\x1b[2J`,
	} {
		if got := hosts(raw); got != want {
			t.Errorf("%q is shown as %q, want %q", raw, got, want)
		}
	}
}

// TestStoreThatSteers: what a store says of an error steers no terminal.
func TestStoreThatSteers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "*") { // a command begins
						_, _ = conn.Write([]byte("-ERR \x1b]0;owned\a\x1b[2J\u202e \xff\r\n"))
					}
				}
			}()
		}
	}()
	environ := []string{"CACHETTE_URL=redis://" + listener.Addr().String(), "CACHETTE_SERVICE=shop"}
	for _, args := range [][]string{{"ping"}, {"stats"}, {"get", "a"}, {"explain", "http://h/"}, {"purge", "tag", "a"}} {
		got := here(t, environ, "", args...)
		if got.code != exitFailed || !strings.Contains(got.err, `\x1b]0;owned`) || strings.ContainsAny(got.out+got.err, "\x1b\a\u202e") || strings.Contains(got.out+got.err, "\xff") {
			t.Errorf("%q: %d %q %q", args, got.code, got.out, got.err)
		}
	}
}

// TestBinary: the program as it is built tells what it does, and is no service of its own.
func TestBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	binary := filepath.Join(t.TempDir(), "cachette")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), nowhere[0])
		out, err := cmd.CombinedOutput()
		if exited := new(exec.ExitError); err != nil && !errors.As(err, &exited) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run("-h"); code != exitOK || !strings.Contains(out, "explain URL") {
		t.Errorf("-h: code %d\n%s", code, out)
	}
	if out, code := run("purge", "tag", "a"); code != exitUsage || !strings.Contains(out, "which service") {
		t.Errorf("without a service: code %d\n%s", code, out)
	}
	if out, code := run("explain", "-service", "", "http://h/"); code != exitFailed || !strings.Contains(out, "without a name") {
		t.Errorf("of a program without a service: code %d\n%s", code, out)
	}
	if out, code := run("purge", "all"); code != exitUsage {
		t.Errorf("purge all without a terminal: code %d\n%s", code, out)
	}
}
