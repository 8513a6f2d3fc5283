package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// Stop ends what was started.
type Stop func() error

// A starter starts one of the servers that tests look for.
type starter struct {
	server string // as testservers names it
	// start returns the value of the setting by which to reach the server. dir is an empty folder for its data; build is one
	// that stays, for what takes long to install. errMissing says that the server is not installed.
	start func(ctx context.Context, build, dir string) (where string, stop Stop, err error)
}

// errMissing says that a program is not installed.
var errMissing = errors.New("not installed")

// startAttempts is how often a server is started whose port was taken in the meantime.
const startAttempts = 3

// Options say what to start and where.
type Options struct {
	Build string    // a folder for what takes long to build or to install
	Only  []string  // the names of the servers (see testservers); none for all
	Log   io.Writer // what was started, and what was not and why
}

// Set is the servers that Start has started.
type Set struct {
	Environment []string // CACHETTE_TEST_ variables that tell where they are
	Missing     []string // the names of those that could not be started because they are not installed

	mu    sync.Mutex
	stops []Stop
	dir   string
}

// StartAll starts servers, side by side. One whose variable is set already is left alone; one that is not installed is
// noted in the Set; one that does not start is an error, and nothing is then left running.
//
// The four that docker-compose.yml has come from Docker Compose where an engine answers, the others from the programs that
// are installed.
func StartAll(ctx context.Context, o Options) (*Set, error) {
	dir, err := os.MkdirTemp("", "cachette-servers-")
	if err != nil {
		return nil, err
	}
	set := &Set{dir: dir}
	wanted := starters()
	if engineAnswers(ctx) {
		composed, err := set.compose(ctx, o)
		if err != nil {
			return nil, errors.Join(err, set.Stop())
		}
		wanted = slices.DeleteFunc(wanted, func(s starter) bool { return slices.Contains(composed, s.server) })
	}

	var all sync.WaitGroup
	failures := make([]error, len(wanted))
	for i, s := range wanted {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.server) || os.Getenv(testservers.Variable(s.server)) != "" {
			continue
		}
		all.Go(func() { failures[i] = set.start(ctx, o, s) })
	}
	all.Wait()
	slices.Sort(set.Missing)
	slices.Sort(set.Environment)
	if err := errors.Join(failures...); err != nil {
		return nil, errors.Join(err, set.Stop())
	}
	return set, nil
}

// start starts one server and notes where it is.
func (set *Set) start(ctx context.Context, o Options, s starter) error {
	where, stop, err := set.attempt(ctx, o, s)
	for attempt := 1; portTaken(err) && attempt < startAttempts; attempt++ {
		set.log(o, "servers: %s starts again, on another port\n", s.server)
		where, stop, err = set.attempt(ctx, o, s)
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	if errors.Is(err, errMissing) {
		set.Missing = append(set.Missing, s.server)
		fmt.Fprintf(o.Log, "servers: %s is missing: %v\n", s.server, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.server, err)
	}
	set.stops = append(set.stops, stop)
	set.found(o, s.server, where)
	return nil
}

// log writes one line at a time, since servers start side by side.
func (set *Set) log(o Options, format string, args ...any) {
	set.mu.Lock()
	defer set.mu.Unlock()
	fmt.Fprintf(o.Log, format, args...)
}

// attempt starts one server in a folder of its own.
func (set *Set) attempt(ctx context.Context, o Options, s starter) (where string, stop Stop, err error) {
	dir, err := os.MkdirTemp(set.dir, strings.ToLower(s.server)+"-")
	if err != nil {
		return "", nil, err
	}
	return s.start(ctx, o.Build, dir)
}

func (set *Set) found(o Options, server, where string) {
	set.Environment = append(set.Environment, testservers.Variable(server)+"="+where)
	fmt.Fprintf(o.Log, "servers: %s is up\n", server)
}

// Where returns the setting by which to reach a server that was started, empty if it was not.
func (set *Set) Where(server string) string {
	for _, variable := range set.Environment {
		if where, ok := strings.CutPrefix(variable, testservers.Variable(server)+"="); ok {
			return where
		}
	}
	return os.Getenv(testservers.Variable(server))
}

// Stop stops the servers and removes their data.
func (set *Set) Stop() error {
	set.mu.Lock()
	defer set.mu.Unlock()
	failures := make([]error, len(set.stops))
	var all sync.WaitGroup
	for i, stop := range set.stops {
		all.Go(func() { failures[i] = stop() })
	}
	all.Wait()
	set.stops = nil
	return errors.Join(append(failures, os.RemoveAll(set.dir))...)
}
