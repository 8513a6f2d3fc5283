package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// composed are the servers that docker-compose.yml has.
var composed = []struct {
	server   string
	service  string
	variable string // of docker-compose.yml, for the port on this machine
	where    string // the setting, but for the port
}{
	{testservers.Redis, "redis", "REDIS_PORT", "redis://127.0.0.1:%d"},
	{testservers.Memcached, "memcached", "MEMCACHED_PORT", "127.0.0.1:%d"},
	{testservers.MongoDB, "mongodb", "MONGODB_PORT", "mongodb://127.0.0.1:%d"},
	{testservers.DynamoDB, "dynamodb", "DYNAMODB_PORT", "http://127.0.0.1:%d"},
}

// engineAnswers tells whether there is a Docker engine with Compose.
func engineAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "info").Run() == nil &&
		exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil
}

// compose brings up the servers of docker-compose.yml on free ports, in a project of its own, and returns their names.
func (set *Set) compose(ctx context.Context, o Options) ([]string, error) {
	file, err := composeFile()
	if err != nil {
		return nil, err
	}
	project := filepath.Base(set.dir)
	environment := os.Environ()
	var services, names []string
	var found []func()
	for _, c := range composed {
		if len(o.Only) > 0 && !slices.Contains(o.Only, c.server) || os.Getenv(testservers.Variable(c.server)) != "" {
			continue
		}
		port, err := testservers.FreePort()
		if err != nil {
			return nil, err
		}
		services, names = append(services, c.service), append(names, c.server)
		environment = append(environment, fmt.Sprintf("%s=%d", c.variable, port))
		found = append(found, func() { set.found(o, c.server, fmt.Sprintf(c.where, port)) })
	}
	if len(services) == 0 {
		return nil, nil
	}
	run := func(ctx context.Context, args ...string) error {
		cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "-f", file, "-p", project}, args...)...)
		cmd.Env = environment
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("docker compose %s: %w\n%s", strings.Join(args, " "), err, output)
		}
		return nil
	}
	set.stops = append(set.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return run(ctx, "down", "--volumes", "--timeout", "1")
	})
	if err := run(ctx, append([]string{"up", "--wait", "--quiet-pull"}, services...)...); err != nil {
		return nil, err
	}
	for _, note := range found {
		note()
	}
	return names, nil
}

// composeFile finds docker-compose.yml, above the folder of the integration module.
func composeFile() (string, error) {
	for _, path := range []string{"docker-compose.yml", filepath.Join("..", "docker-compose.yml")} {
		if _, err := os.Stat(path); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("docker-compose.yml is neither here nor one folder up")
}
