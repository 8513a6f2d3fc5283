// Servers starts the real servers that tests run against, runs a command that finds them in its environment, and stops them:
//
//	servers [-build FOLDER] [-only REDIS_URL,…] -- COMMAND [ARGUMENT…]
//
// A server that is not installed is named, and tests that need it are skipped; where CACHETTE_TEST_REQUIRED is set, as in
// CI, that is an error. On Debian, run by root, what packages have is installed first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gin-cachette/cachette/integration/servers"
)

func main() {
	build := flag.String("build", "build", "the folder for what takes long to build or to install")
	only := flag.String("only", "", "the servers to start, separated by commas; all unless given")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "servers: no command is given: servers [flags] -- COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	var names []string
	if *only != "" {
		names = strings.Split(*only, ",")
	}
	code, err := run(servers.Options{Build: *build, Only: names, Log: os.Stderr}, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs a command beside the servers and returns the status that it exits with.
func run(o servers.Options, command []string) (code int, err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := servers.Install(ctx, o.Log); err != nil {
		return 0, err
	}
	set, err := servers.StartAll(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, set.Stop()) }()
	if len(set.Missing) > 0 && os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
		return 0, fmt.Errorf("not installed: %s", strings.Join(set.Missing, ", "))
	}

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), set.Environment...)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })()
	var exit *exec.ExitError
	err = cmd.Wait()
	if len(set.Missing) > 0 {
		fmt.Fprintf(o.Log, "servers: not tested, since they are not installed: %s\n", strings.Join(set.Missing, ", "))
	}
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
