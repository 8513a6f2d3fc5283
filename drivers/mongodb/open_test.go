package mongodb_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func open(t *testing.T, ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	t.Helper()
	backend, ok := drivers.Lookup("mongodb")
	if !ok {
		t.Fatal(`no driver is registered as "mongodb"`)
	}
	d, err := backend.Open(ctx, settings)
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	return d, err
}

func TestOpen(t *testing.T) {
	url := testservers.Find(t, testservers.MongoDB)
	collection := fresh(t, connect(t))
	var log journal
	settings := drivers.Settings{
		MongoDBURL: url, DatabaseName: collection.Database().Name(), TableName: collection.Name(), Logger: log.logger(),
	}
	d, err := open(t, t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if names := uniqueIndexes(t, collection); len(names) != 1 {
		t.Errorf("the unique indexes are %q before the first operation, want one", names)
	}
	if err := d.Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
		t.Error(err)
	}
	if n := count(t, collection); n != 1 {
		t.Errorf("%d documents are in the collection of the settings", n)
	}
	if log.count("WARN") != 0 {
		t.Errorf("the log is\n%s", &log)
	}
}

const password = "hunter2-the-secret"

// A server that refuses is an error that names the setting, and never the password.
func TestOpenRefused(t *testing.T) {
	refusing := func(command string, answer bson.D) string {
		return newFake(t, onCommand(command, func(bson.Raw) bson.D { return answer }))
	}
	overTLS := tlsListener(t)
	rows := []struct {
		name, url string
		want      []string
	}{
		{"Password", "mongodb://user:" + password + "@" + refusing("saslStart", failure(18, "AuthenticationFailed")),
			[]string{"MongoDBURL", "CACHETTE_MONGODB_URL", "the user or the password", "AuthenticationFailed"}},
		{"PasswordOfAtlas", "mongodb://user:" + password + "@" + refusing("saslStart", failure(8000, "AtlasError")),
			[]string{"MongoDBURL", "the user or the password"}},
		{"NoUser", "mongodb://" + refusing("createIndexes", failure(13, "Unauthorized")),
			[]string{"MongoDBURL", "asks for a user"}},
		{"Name", "mongodb://" + refusing("createIndexes", failure(73, "InvalidNamespace")),
			[]string{"DatabaseName", "CACHETTE_DATABASE_NAME", "TableName", "CACHETTE_TABLE_NAME"}},
		{"Certificate", "mongodb://user:" + password + "@" + overTLS + "/?tls=true",
			[]string{"MongoDBURL", "CACHETTE_MONGODB_URL", "TLS", "certificate"}},
		{"NoTLSOfAServer", "mongodb://" + serverAddress(t) + "/?tls=true",
			[]string{"MongoDBURL", "CACHETTE_MONGODB_URL", "the server speaks no TLS: leave out tls=true"}},
		{"TLSOfAServer", "mongodb://" + overTLS, []string{"MongoDBURL", "CACHETTE_MONGODB_URL", "the server speaks TLS: give the option tls=true"}},
		{"NoTLSThere", "mongodb://" + plainListener(t) + "/?tls=true", []string{"MongoDBURL", "TLS"}},
	}
	before := runtime.NumGoroutine()
	t.Cleanup(func() { wantGoroutines(t, before) }) // when all are done
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // a client goes on trying a bad certificate
			defer cancel()
			var log journal
			d, err := open(t, ctx, drivers.Settings{MongoDBURL: row.url, DatabaseName: "d", TableName: "c", Logger: log.logger()})
			if err == nil {
				d.Close()
				t.Fatalf("no error; the log is\n%s", &log)
			}
			for _, text := range row.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not contain %q", err, text)
				}
			}
			if strings.Contains(err.Error()+log.String(), password) {
				t.Errorf("the password is shown: %v\n%s", err, &log)
			}
		})
	}
}

// tlsListener is a server whose certificate nobody has signed.
func tlsListener(t *testing.T) string {
	t.Helper()
	listener, _ := listenTLS(t, "localhost")
	serve(t, listener, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	return listener.Addr().String()
}

// listenTLS listens with a certificate for a name, which is also in a file.
func listenTLS(t *testing.T, name string) (listener net.Listener, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	return listener, file
}

// plainListener is a server that answers TLS with something else.
func plainListener(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, func(c net.Conn) {
		_, _ = c.Write(bytes.Repeat([]byte("no TLS here "), 10))
		_, _ = io.Copy(io.Discard, c)
	})
	return listener.Addr().String()
}

// A URL that the client does not take is an error that names the setting and shows no secret.
func TestOpenMalformed(t *testing.T) {
	for _, row := range []struct{ name, url, want string }{
		{"Empty", "", "does not take it"},
		{"Scheme", "http://user:" + password + "@h", "scheme"},
		{"Escape", "mongodb://user:%zz" + password + "@h", "the password"},
		{"EscapeOnly", "mongodb://user:" + password + "%zz@h", "the password"},
		{"Colon", "mongodb://user:a:" + password + "@h", ""},
		{"Slash", "mongodb://user:a/" + password + "@h", ""},
		{"At", "mongodb://user:a@" + password + "@h", ""},
		{"Port", "mongodb://user:" + password + "@h:port", "port"},
		{"Option", "mongodb://user:" + password + "@h/?directConnection=maybe", "directConnection"},
		{"SecretOption", "mongodb://h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN" + password, "an option"},
		{"KeyPassword", "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=" + password + "%zz", "an option"},
		{"KeyFile", "mongodb://h/?tls=true&tlsCertificateKeyFile=/nowhere.pem&tlsCertificateKeyFilePassword=" + password, "nowhere.pem"},
		{"Mechanism", "mongodb://user:" + password + "@h/?authMechanism=ROT13", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log journal
			_, err := open(t, t.Context(), drivers.Settings{MongoDBURL: row.url, DatabaseName: "d", TableName: "c", Logger: log.logger()})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), "MongoDBURL (CACHETTE_MONGODB_URL)") || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%q does not name the setting and %q", err, row.want)
			}
			if strings.Contains(err.Error()+log.String(), password) {
				t.Errorf("the password is shown: %v\n%s", err, &log)
			}
		})
	}
}

// The start ends when no server that the URL names answers, and does not wait for one that may come.
func TestOpenDead(t *testing.T) {
	var hosts []string
	for range 2 {
		p := proxy.New(t, serverAddress(t))
		p.Die()
		hosts = append(hosts, p.Addr())
	}
	var log journal
	d, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + strings.Join(hosts, ",") + "/?replicaSet=set", DatabaseName: "d", TableName: "c", Logger: log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if log.count("level=WARN", "connection refused") != 1 || strings.Contains(log.String(), "deadline") {
		t.Errorf("the log is\n%s\nwant a warning that tells what the servers' addresses say, and of no deadline", &log)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// A server that says nothing is asked once.
func TestOpenSilent(t *testing.T) {
	p := proxy.New(t, serverAddress(t))
	p.Hang()
	var log journal
	if _, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + p.Addr(), DatabaseName: "d", TableName: "c", Logger: log.logger(),
	}); err != nil {
		t.Fatal(err)
	}
	if log.count("level=WARN", "the server does not answer") != 1 {
		t.Errorf("the log is\n%s\nwant a warning that the server does not answer", &log)
	}
	const most = 3 // the client's watcher, which tries once more, and the operation
	if n := p.Counts().Dials; n > most {
		t.Errorf("%d connections were made, want %d at most", n, most)
	}
}

// A server that does not answer is a warning; once it does, the first operation makes the indexes.
func TestOpenUnreachable(t *testing.T) {
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	p.Hang()

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var log journal
	d, err := open(t, ctx, drivers.Settings{
		MongoDBURL:   "mongodb://user:" + password + "@" + p.Addr() + "/?connectTimeoutMS=100",
		DatabaseName: "d", TableName: "c", Logger: log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if log.count("level=WARN", "MongoDBURL (CACHETTE_MONGODB_URL)") != 1 || log.count("level=WARN") != 1 ||
		strings.Contains(log.String(), password) {
		t.Errorf("the log is\n%s\nwant one warning that names the setting", &log)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Set(short, "k", nil, time.Hour); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), password) {
		t.Errorf("Set: %v", err)
	}

	// Another, with no user, as this server has none.
	d, err = open(t, ctx, drivers.Settings{
		MongoDBURL:   "mongodb://" + p.Addr() + "/?connectTimeoutMS=100&heartbeatFrequencyMS=500",
		DatabaseName: collection.Database().Name(), TableName: collection.Name(), Logger: log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Resume()
	if err := d.Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
		t.Error(err)
	}
	if names := uniqueIndexes(t, collection); len(names) != 1 {
		t.Errorf("the unique indexes are %q after the first operation, want one", names)
	}
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, ctx, drivers.Settings{
		MongoDBURL: "mongodb://127.0.0.1:1", DatabaseName: "d", TableName: "c", Logger: (&journal{}).logger(),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v, want context.Canceled", err)
	}
}

func TestNewOfNothing(t *testing.T) {
	if _, err := mongodb.New(nil, mongodb.Options{}); err == nil {
		t.Error("New took no client")
	}
}

// A driver of another's client has names of its own.
func TestDefaults(t *testing.T) {
	found := make(chan bson.Raw, 1)
	address := newFake(t, onCommand("find", func(command bson.Raw) bson.D {
		found <- append(bson.Raw{}, command...)
		return nil
	}))
	d, err := mongodb.New(dial(t, options.Client().ApplyURI("mongodb://"+address)), mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Get(t.Context(), "k"); !errors.Is(err, drivers.ErrMiss) {
		t.Fatal(err)
	}
	command := <-found
	database, collection := command.Lookup("$db").StringValue(), command.Lookup("find").StringValue()
	if database != "fastapi-cachette-database" || collection != "fastapi-cachette" {
		t.Errorf("the database is %s, the collection %s", database, collection)
	}
	if !d.Dedicated() {
		t.Error("the collection is said to hold more than the cache")
	}
}

// Reads go to the primary, as purges are not seen elsewhere at once, even where the client prefers another: this replica
// set has no other.
func TestReadsFromThePrimary(t *testing.T) {
	var address atomic.Value
	address.Store("")
	address.Store(newFake(t, func(command bson.Raw) bson.D {
		if name := nameOf(command); name == "hello" || name == "isMaster" || name == "ismaster" {
			return append(usual(command), bson.D{
				{Key: "setName", Value: "set"}, {Key: "hosts", Value: bson.A{address.Load()}}, {Key: "me", Value: address.Load()},
			}...)
		}
		return nil
	}))
	url := "mongodb://" + address.Load().(string) + "/?replicaSet=set&readPreference=secondary"
	d, err := mongodb.New(dial(t, options.Client().ApplyURI(url).SetRetryWrites(false)), mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := d.Get(ctx, "k"); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("Get: %v", err)
	}
	if _, err := d.GetValues(ctx, "k"); err != nil {
		t.Errorf("GetValues: %v", err)
	}
	if err := d.Ping(ctx); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// Without acknowledgements it is not known what was written, so it is an error; a client of the driver's own asks for them.
func TestUnacknowledged(t *testing.T) {
	url := "mongodb://" + serverAddress(t) + "/?w=0"
	collection := fresh(t, connect(t))
	lax := dial(t, options.Client().ApplyURI(url))
	d := newDriver(t, lax.Database(collection.Database().Name()).Collection(collection.Name()), mongodb.Options{})
	if err := d.Set(t.Context(), "k", nil, time.Hour); err == nil || !strings.Contains(err.Error(), "w=0") {
		t.Errorf("Set: %v, want an error that says w=0", err)
	}
	if _, err := d.Delete(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "w=0") {
		t.Errorf("Delete: %v, want an error that says w=0", err)
	}
	own, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: url, DatabaseName: collection.Database().Name(), TableName: collection.Name(), Logger: (&journal{}).logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	// Another key: it is not known when what was written before gets there.
	if err := own.Set(t.Context(), "other", nil, time.Hour); err != nil {
		t.Error(err)
	}
	if n, err := own.Delete(t.Context(), "other"); n != 1 || err != nil {
		t.Errorf("Delete = %d, %v", n, err)
	}
}

// Close leaves a client connected that is another's.
func TestCloseLeavesTheClient(t *testing.T) {
	client := connect(t)
	d := newDriver(t, fresh(t, client), mongodb.Options{})
	set(t, d, "k", "v", time.Hour)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Ping(t.Context(), nil); errors.Is(err, mongo.ErrClientDisconnected) || err != nil {
		t.Errorf("the client after Close: %v", err)
	}
}
