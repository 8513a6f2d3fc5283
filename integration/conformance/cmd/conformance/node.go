package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/integration/conformance/suite"
)

// node runs the suite's programs. Each of them is one process, and ends with the context it was started with.
type node struct {
	scripts string // the directory of package.json and our own scripts
	modules string // where the pinned suite is installed, and the packages that any other needs
	suite   string // the directory of the suite that runs
	engine  string // where in it its programs are
	tests   string // the directory of the tests
}

// choose picks the suite that runs: a checkout of its repository or, where checkout is empty, the pinned one. Its programs
// run its own tests, or those of another directory, in tests.
func (n *node) choose(checkout, tests string) error {
	n.suite = filepath.Join(n.modules, "node_modules", "http-cache-tests")
	if checkout != "" {
		n.suite = checkout
	}
	n.tests = filepath.Join(n.suite, "tests")
	if tests != "" {
		n.tests = tests
	}
	for _, n.engine = range []string{"test-engine", ""} { // up to 0.4.5, the programs are beside the tests
		if _, err := os.Stat(filepath.Join(n.suite, n.engine, "cli.mjs")); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is no checkout of http-cache-tests: it has neither test-engine/cli.mjs nor cli.mjs", n.suite)
}

// install brings the pinned suite into dir, unless it is there already.
func install(ctx context.Context, scripts, dir string) (node, error) {
	n := node{scripts: scripts, modules: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return n, err
	}
	installed := true
	for _, name := range []string{"package.json", "package-lock.json"} {
		wanted, err := os.ReadFile(filepath.Join(scripts, name))
		if err != nil {
			return n, err
		}
		present, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && bytes.Equal(wanted, present) {
			continue
		}
		installed = false
		if err := os.WriteFile(filepath.Join(dir, name), wanted, 0o644); err != nil {
			return n, err
		}
	}
	// npm writes this file last of all.
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && installed {
		return n, nil
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if output, err := npm.CombinedOutput(); err != nil {
		os.RemoveAll(filepath.Join(dir, "node_modules"))
		return n, fmt.Errorf("npm ci: %w\n%s", err, output)
	}
	return n, nil
}

// command prepares one of the suite's programs, with the environment in which `npm run` would start it.
func (n node) command(ctx context.Context, config map[string]string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", append([]string{"--no-warnings"}, args...)...)
	cmd.Dir = n.suite
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = os.Environ()
	for _, key := range slices.Sorted(maps.Keys(config)) {
		cmd.Env = append(cmd.Env, "npm_config_"+key+"="+config[key], "npm_package_config_"+key+"="+config[key])
	}
	return cmd
}

// client prepares one of the programs that run tests, which load packages.
func (n node) client(ctx context.Context, config map[string]string, args ...string) *exec.Cmd {
	packages := "--import=file://" + filepath.ToSlash(filepath.Join(n.scripts, "packages.mjs"))
	cmd := n.command(ctx, config, append([]string{packages}, args...)...)
	cmd.Env = append(cmd.Env, "CONFORMANCE_MODULES="+n.modules)
	return cmd
}

// program returns the path of one of the suite's programs.
func (n node) program(name string) string { return filepath.Join(n.engine, name) }

// definitions asks the suite what tests it has.
func (n node) definitions(ctx context.Context) (definitions suite.Definitions, err error) {
	output, err := run(n.client(ctx, nil, filepath.Join(n.scripts, "definitions.mjs"), n.suite, n.tests))
	if err != nil {
		return definitions, err
	}
	return definitions, json.Unmarshal(output, &definitions)
}

// published asks the suite what it has of caches that others have tested.
func (n node) published(ctx context.Context) (caches []suite.Published, err error) {
	output, err := run(n.client(ctx, nil, filepath.Join(n.scripts, "published.mjs"), n.suite))
	if err != nil {
		return nil, err
	}
	return caches, json.Unmarshal(output, &caches)
}

// all runs every test of the suite against the cache at base.
func (n node) all(ctx context.Context, base string) (map[string]suite.Result, error) {
	output, err := run(n.client(ctx, map[string]string{"base": base, "id": ""}, n.program("cli.mjs")))
	if err != nil {
		return nil, err
	}
	var results map[string]suite.Result
	if err := json.Unmarshal(output, &results); err != nil {
		return nil, fmt.Errorf("the suite's results: %w\n%s", err, output)
	}
	return results, nil
}

// inLots does what all does, with so many tests at a time, and calls between after each lot.
func (n node) inLots(ctx context.Context, base string, size int, between func() error) (results map[string]suite.Result, err error) {
	cmd := n.client(ctx, nil, filepath.Join(n.scripts, "chunks.mjs"), n.suite, n.engine, n.tests, base, fmt.Sprint(size))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		stdin.Close()
		if ended := cmd.Wait(); ended != nil && err != nil {
			err = fmt.Errorf("%w: %w\n%s", err, ended, stderr.String())
		}
	}()
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("the suite: %w", err)
		}
		if string(line) != "next\n" {
			return results, json.Unmarshal(line, &results)
		}
		if err := between(); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(stdin, "\n"); err != nil {
			return nil, err
		}
	}
}

// one runs a single test against the cache at base, and also returns what the suite prints: the requests and responses
// as the client saw them.
func (n node) one(ctx context.Context, base, id string) (suite.Result, string, error) {
	output, err := run(n.client(ctx, map[string]string{"base": base, "id": id}, n.program("cli.mjs")))
	if err != nil {
		return suite.Result{}, "", err
	}
	result, err := suite.ParseSingle(string(output))
	return result, string(output), err
}

// run returns what a program prints, and an error that tells what it says of a failure.
func run(cmd *exec.Cmd) ([]byte, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return output, nil
}

// serve starts the suite's server and returns its address once it listens. What it prints later goes to log. The server
// ends with ctx, and when this program does, however it ends: its standard input is closed then.
func (n node) serve(ctx context.Context, log io.Writer) (addr string, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	cmd := n.command(ctx, map[string]string{
		"protocol": "http",
		"port":     fmt.Sprint(port),
		"pidfile":  filepath.Join(n.modules, "server.pid"),
	}, "--require", filepath.Join(n.scripts, "loopback.cjs"), n.program("server/server.mjs"))
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		io.Copy(log, lines)
	}()
	stop = func() {
		stdin.Close()
		<-drained
		cmd.Wait()
	}
	addr = fmt.Sprintf("127.0.0.1:%d", port)
	if want := "Listening on http://" + addr + "/"; err != nil || strings.TrimSpace(line) != want {
		cmd.Process.Kill()
		stop()
		return "", nil, fmt.Errorf("the suite's server says %q, not %q", line, want)
	}
	return addr, stop, nil
}

// listen listens on loopback, on a port below those that systems take for outgoing connections.
func listen() (listener net.Listener, err error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return listener, nil
		}
	}
	return nil, err
}

func freePort() (int, error) {
	listener, err := listen()
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("not a TCP listener")
	}
	return addr.Port, nil
}
