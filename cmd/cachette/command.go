package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// The codes with which the command ends.
const (
	exitOK     = 0
	exitFailed = 1 // the store did not answer, or did not take it all
	exitUsage  = 2 // it was called wrongly, or the environment is wrong, or the question was not answered by yes: nothing was done
	exitMiss   = 3 // nothing is stored for what was asked
)

// command is one run of the program.
type command struct {
	environ []string // name=value
	in      io.Reader
	out     io.Writer
	err     io.Writer
	asks    bool // a person can answer
	shown   bool // what is written is shown to a person

	flags   *flag.FlagSet
	service serviceFlag
	verbose bool
}

// errMiss says that nothing is stored for what was asked, which has been told.
var errMiss = errors.New("miss")

// usage is an error of the one who has called the command.
type usage string

// Error says what is wrong, and what would be right.
func (u usage) Error() string { return string(u) }

// subcommand is one of the things that the command does.
type subcommand struct {
	name, arguments, does string
	more                  string // of its help, beside its flags
	prepare               func(c *command) func(ctx context.Context, args []string) error
}

var subcommands = []subcommand{
	{name: "ping", does: "tells whether the store answers, and how fast", more: pingHelp, prepare: (*command).ping},
	{name: "stats", does: "tells what the store is, how much is in it, and what it can do", more: statsHelp, prepare: (*command).stats},
	{name: "get", arguments: "KEY", does: "shows a value of Put or Remember", more: getHelp, prepare: (*command).get},
	{name: "explain", arguments: "URL", does: "tells what is stored for a page, and what is left of it", more: explainHelp, prepare: (*command).explain},
	{name: "purge", arguments: "KIND NAME…", does: "removes pages by path, url, prefix, tag, namespace, …, values by key, or all", more: purgeHelp, prepare: (*command).purge},
}

const help = `cachette looks into the store of a cache, and purges it.

	cachette COMMAND [flags] [arguments]
	cachette COMMAND -h

Commands:
%s
The store is the one that the program's own variables name, all of which count here, too:

	CACHETTE_URL          redis://host:6379/0, redis+cluster://…, memcached://host, mongodb://…, dynamodb://region/table
	CACHETTE_KEY_PREFIX   what its keys begin with, "cachette:" unless set
	CACHETTE_SERVICE      the service whose pages and tags are meant; -service says it, too
	CACHETTE_VERSION      its version, where the program has one

The service matters: a page, a tag and a value of Remember are those of one service. A program that sets none has the path of its main
package as its service, which "go version -m PROGRAM" tells as path; one that was made from files (go build main.go) has none, which
-service "" stands for.

Ends with 0 if all is well, 1 if the store failed, 2 if the command was called wrongly or not confirmed, and 3 if nothing is stored for
what was asked.
`

// run does what args ask for, and returns the code with which the program ends.
func (c *command) run(ctx context.Context, args []string) int {
	err := c.dispatch(ctx, args)
	var wrong usage
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errMiss):
		return exitMiss
	case errors.As(err, &wrong):
		c.tellError(string(wrong))
		return exitUsage
	}
	c.tellError(err.Error())
	return exitFailed
}

func (c *command) tellError(text string) {
	_, _ = fmt.Fprintln(c.err, "cachette: "+harmless(strings.TrimPrefix(text, "cachette: ")))
}

func (c *command) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usage("say what to do: " + names() + "; cachette -h tells more")
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		var list strings.Builder
		for _, s := range subcommands {
			fmt.Fprintf(&list, "\t%-20s  %s\n", strings.TrimSpace(s.name+" "+s.arguments), s.does)
		}
		c.printf(help, list.String())
		return flag.ErrHelp
	}
	for i := range subcommands {
		if subcommands[i].name == args[0] {
			return c.do(ctx, &subcommands[i], args[1:])
		}
	}
	return usage(fmt.Sprintf("%s is no command: there are %s", quoted(args[0]), names()))
}

func names() string {
	var all []string
	for _, s := range subcommands {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

// do carries out one of the commands.
func (c *command) do(ctx context.Context, s *subcommand, args []string) error {
	c.flags = flag.NewFlagSet("cachette "+s.name, flag.ContinueOnError)
	c.flags.SetOutput(io.Discard)
	c.flags.Var(&c.service, "service", "the `name` of the service; that of CACHETTE_SERVICE unless given, and \"\" for a program without one")
	c.flags.BoolVar(&c.verbose, "v", false, "show what the library logs")
	carryOut := s.prepare(c)
	rest, err := interspersed(c.flags, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printf("cachette %s: %s\n\n\tcachette %s [flags] %s\n\n%s\nFlags:\n", s.name, s.does, s.name, s.arguments, s.more)
		c.flags.SetOutput(c.out)
		c.flags.PrintDefaults()
		return err
	}
	if err != nil {
		return usage(fmt.Sprintf("%s: %v; cachette %s -h tells all flags", s.name, err, s.name))
	}
	return carryOut(ctx, rest)
}

// interspersed parses flags wherever they stand among the arguments, up to "--": a flag that is taken for one more name would be lost.
func interspersed(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if read := len(args) - len(left); read > 0 && args[read-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// logger is what the library logs to.
func (c *command) logger() *slog.Logger {
	if !c.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(c.err, nil))
}

func (c *command) printf(format string, args ...any) { _, _ = fmt.Fprintf(c.out, format, args...) }

// line writes one thing that is told, behind what it is.
func (c *command) line(what, format string, args ...any) {
	c.printf("%-10s %s\n", what, fmt.Sprintf(format, args...))
}

// serviceFlag is the flag for the service.
type serviceFlag struct {
	name string
	set  bool
}

// String implements [flag.Value].
func (s *serviceFlag) String() string { return s.name }

// Set implements [flag.Value].
func (s *serviceFlag) Set(name string) error {
	s.name, s.set = name, true
	return nil
}
