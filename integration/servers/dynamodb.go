package servers

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// dynalite pins the server that stands in for DynamoDB, and all that it consists of, and has what it is started with.
//
//go:embed dynalite/package.json dynalite/package-lock.json dynalite/.npmrc dynalite/outlive.js
var dynalite embed.FS

// dynaliteFiles are those of dynalite.
var dynaliteFiles = []string{"package.json", "package-lock.json", ".npmrc", "outlive.js"}

// HaveDynamoDB returns an error if what the server needs is not installed.
func HaveDynamoDB() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s: %w", program, errMissing)
		}
	}
	return nil
}

// DynamoDB starts a server that speaks DynamoDB's protocol, installs it below build if it is not there, and returns its URL.
func DynamoDB(ctx context.Context, build string) (where string, stop Stop, err error) {
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	server, err := DynamoDBServer(ctx, build, port)
	if err != nil {
		return "", nil, err
	}
	return "http://" + address(port), server.Stop, nil
}

// DynamoDBServer starts a server on a port, with no tables. It is installed below build if it is not there.
func DynamoDBServer(ctx context.Context, build string, port int) (*Process, error) {
	dir, err := installDynalite(ctx, build)
	if err != nil {
		return nil, err
	}
	return Start(ctx, fmt.Sprintf("dynalite on port %d", port), dynamoDBReady(port), "node",
		"--require", filepath.Join(dir, "outlive.js"), filepath.Join(dir, "node_modules", "dynalite", "cli.js"), "--host", "127.0.0.1", "--port", strconv.Itoa(port),
		"--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0")
}

// dynamoDBReady returns a ready function that tells whether a server answers.
func dynamoDBReady(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address(port), nil)
		if err != nil {
			return err
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", response.Status)
		}
		return nil
	}
}

// installDynalite returns the folder below build that has the pinned server. Several may install it at the same time: the
// folder appears when it is complete.
func installDynalite(ctx context.Context, build string) (string, error) {
	if err := HaveDynamoDB(); err != nil {
		return "", err
	}
	version := sha256.New()
	for _, name := range dynaliteFiles {
		content, err := dynalite.ReadFile("dynalite/" + name)
		if err != nil {
			return "", err
		}
		version.Write(content)
	}
	dir, err := filepath.Abs(filepath.Join(build, "dynalite-"+hex.EncodeToString(version.Sum(nil)[:6])))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(build, "dynalite-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	for _, name := range dynaliteFiles {
		content, err := dynalite.ReadFile("dynalite/" + name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(unfinished, name), content, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = unfinished
	if output, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("servers: npm ci: %w\n%s", err, output)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return dir, nil
}
