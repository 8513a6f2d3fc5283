package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/gin-cachette/cachette/internal/testservers"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// ferretDBSource is where the server lies that stands in for MongoDB, from the root of the repository.
var ferretDBSource = filepath.Join("integration", "servers", "ferretdb")

// HaveMongoDB returns an error if neither MongoDB is installed nor what it takes to build a server that stands in for it.
func HaveMongoDB() error {
	if _, err := exec.LookPath("mongod"); err == nil {
		return nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("mongod, or go to build FerretDB: %w", errMissing)
	}
	return nil
}

// MongoDB starts a server, and returns its URL: MongoDB where it is installed, elsewhere FerretDB, which is built in build
// if it is not there. dir is an empty folder for its data.
func MongoDB(ctx context.Context, build, dir string) (where string, stop Stop, err error) {
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	server, err := MongoDBServer(ctx, build, dir, port)
	if err != nil {
		return "", nil, err
	}
	return "mongodb://" + address(port), server.Stop, nil
}

// MongoDBServer starts a server on a port, with the data that are in dir, a folder. See [MongoDB].
func MongoDBServer(ctx context.Context, build, dir string, port int) (*Process, error) {
	if err := HaveMongoDB(); err != nil {
		return nil, err
	}
	ready := mongoDBReady(port)
	if mongod, err := exec.LookPath("mongod"); err == nil {
		return Start(ctx, fmt.Sprintf("mongod on port %d", port), ready, mongod,
			"--bind_ip", "127.0.0.1", "--port", strconv.Itoa(port), "--dbpath", dir)
	}
	ferretDB, err := buildFerretDB(ctx, build)
	if err != nil {
		return nil, err
	}
	return Start(ctx, fmt.Sprintf("FerretDB on port %d", port), ready, ferretDB, "-listen", address(port), "-data", dir)
}

// mongoDBReady returns a ready function that tells whether a server answers.
func mongoDBReady(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address(port) + "/?directConnection=true"))
		if err != nil {
			return err
		}
		defer func() { _ = client.Disconnect(ctx) }()
		return client.Ping(ctx, nil)
	}
}

// buildFerretDB builds the server in build, which takes a minute the first time and a moment once it is there, and returns
// the program.
func buildFerretDB(ctx context.Context, build string) (string, error) {
	source, err := fromRoot(ferretDBSource)
	if err != nil {
		return "", err
	}
	program, err := filepath.Abs(filepath.Join(build, "ferretdb"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "ferretdb_no_postgresql", "-o", program, ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("servers: build FerretDB: %w\n%s", err, output)
	}
	return program, nil
}

// fromRoot returns where path is that is given from the root of the repository, in which the program runs.
func fromRoot(path string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(dir, path)
		if _, err := os.Stat(found); err == nil {
			return found, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("servers: " + path + " is not found: run this in the repository of cachette")
		}
		dir = filepath.Dir(dir)
	}
}
