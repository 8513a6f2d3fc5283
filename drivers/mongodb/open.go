package mongodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

func init() {
	drivers.Register("mongodb", drivers.Backend{Open: open, Check: check, Schemes: schemes})
}

// The settings, as errors and the log name them.
const (
	settingDatabase   = "DatabaseName (CACHETTE_DATABASE_NAME)"
	settingNamespaces = settingDatabase + " or TableName (CACHETTE_TABLE_NAME)"
)

const (
	// startTimeout is how long the server has to answer at the start.
	startTimeout = 3 * time.Second

	// openTimeout is how long an operation looks for a server whose context does not end before. A URL may say otherwise, by
	// serverSelectionTimeoutMS and connectTimeoutMS.
	openTimeout = 5 * time.Second
)

// open makes a client of its own. It is the [drivers.Opener] of "mongodb".
func open(ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	var err error
	if settings.DatabaseName, err = databaseOf(settings); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	watched := newHeartbeat()
	d, err := connect(ctx, settings, watched)
	if errors.Is(err, errLookup) && !errors.Is(ctx.Err(), context.Canceled) {
		warnUnreachable(settings, "the server does not answer", err)
		return newPending(func(ctx context.Context) (*Driver, error) { return connect(ctx, settings, newHeartbeat()) }), nil
	}
	if err != nil {
		return nil, err
	}

	unreachable := d.start(ctx, watched)
	reason := refusal(settings, unreachable)
	// One that says nothing to either is not asked a second time.
	if reason == "" && unreachable != nil && !answered(unreachable) && !mongo.IsTimeout(unreachable) {
		reason = mismatch(ctx, settings)
	}
	if unreachable == nil {
		if actions := d.forbidden(ctx); len(actions) > 0 {
			_ = d.Close()
			return nil, fmt.Errorf("mongodb: %s: %s", place(settings).Named, forbids(actions, d.collection))
		}
	}
	switch {
	case reason != "":
		_ = d.Close()
		return nil, fmt.Errorf("mongodb: %s: %w", reason, tlsfiles.Advised(unreachable))
	case errors.Is(ctx.Err(), context.Canceled):
		_ = d.Close()
		return nil, fmt.Errorf("mongodb: open: %w", ctx.Err())
	case unreachable != nil && !answered(unreachable):
		heard := cmp.Or(watched.misfit(), "the server does not answer")
		if isForeign(unreachable) {
			heard = "the server answers, but not as MongoDB does"
		}
		warnUnreachable(settings, heard, unreachable)
	}
	return d, nil
}

// start makes the indexes, and returns why that cannot be done, or why no server answers: the client goes on looking for one, as operations
// may want it to, and does not tell them of a certificate that it refuses.
func (d *Driver) start(ctx context.Context, watched *heartbeat) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-watched.none:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := d.indexes.wait(ctx)
	if err == nil {
		err = d.indexes.made.Outcome()
	}
	if told := watched.get(); told != nil && err != nil && !answered(err) {
		return told
	}
	return err
}

// databaseOf returns the database that the settings name, or nothing. Of two it shows neither: what a URL has in the place
// of one may be a part of a password.
func databaseOf(settings drivers.Settings) (string, error) {
	raw := place(settings).Raw
	database := databaseIn(raw)
	if database != "" && settings.DatabaseName != "" && database != settings.DatabaseName {
		return "", fmt.Errorf("mongodb: %s and %s name two databases: give one of them; where the user is known is said by the "+
			"option authSource of the URL", place(settings).Named, settingDatabase)
	}
	return cmp.Or(settings.DatabaseName, database), nil
}

// isForeign tells whether the client has not understood an answer. Its error has no type.
func isForeign(err error) bool {
	return strings.Contains(err.Error(), "length of read message too large") || strings.Contains(err.Error(), "malformed message")
}

// warnUnreachable tells what was heard of a server that cannot be used.
func warnUnreachable(settings drivers.Settings, heard string, err error) {
	settings.Logger.Warn("cachette: mongodb: "+heard+": the cache does without it until it does",
		"setting", place(settings).Named, "error", err)
}

// connect returns a driver with a client of its own, which tells watched when it finds a server not to answer. It
// reaches no server, but may ask name servers.
func connect(ctx context.Context, settings drivers.Settings, watched *heartbeat) (*Driver, error) {
	o, err := clientOptions(ctx, settings)
	if err != nil {
		return nil, err
	}
	o.SetServerMonitor(&event.ServerMonitor{ServerHeartbeatFailed: watched.note, ServerHeartbeatSucceeded: watched.answered})
	o.SetMonitor(&event.CommandMonitor{Started: started})
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, refusedURL(settings, err)
	}
	d := newDriver(client, Options{Database: settings.DatabaseName, Collection: settings.TableName, Logger: settings.Logger})
	d.owned, d.collection.by = true, newSenders(d.life.Done())
	watched.expect(o.Hosts, o.ReplicaSet, d.indexes.forget)
	return d, nil
}

// clientOptions reads the URL of the settings.
func clientOptions(ctx context.Context, settings drivers.Settings) (*options.ClientOptions, error) {
	raw, tls, err := clientURL(settings)
	if err != nil {
		return nil, err
	}
	o, err := readURL(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := o.Validate(); err != nil {
		var lookup *net.DNSError
		if errors.As(err, &lookup) {
			return nil, fmt.Errorf("mongodb: %w: %w", errLookup, err)
		}
		return nil, refusedURL(settings, err)
	}
	mergeTLS(o, tls)
	if o.ServerSelectionTimeout == nil {
		o.SetServerSelectionTimeout(openTimeout)
	}
	if o.ConnectTimeout == nil {
		o.SetConnectTimeout(openTimeout)
	}
	if o.MaxAdaptiveRetries == nil {
		o.SetMaxAdaptiveRetries(0) // a handler is asked in place of a server that has too much to do
	}
	if o.Dialer == nil {
		// The time that an operation may take begins before its request is sent.
		o.SetDialer(&Dialer{Patience: min(settings.OperationTimeout/2, defaultPatience)})
	}
	if !o.WriteConcern.Acknowledged() {
		o.SetWriteConcern(writeconcern.W1()) // or it could not be told how many entries were removed
	}
	return o, nil
}

// errLookup says that name servers do not tell where the servers are.
var errLookup = errors.New("looking up the host")

// readURL reads url, without judging it. One of the scheme mongodb+srv has a name to look up, which may take its time.
func readURL(ctx context.Context, url string) (*options.ClientOptions, error) {
	if !strings.HasPrefix(url, "mongodb+srv://") {
		return options.Client().ApplyURI(url), nil
	}
	read := make(chan *options.ClientOptions, 1)
	go func() { read <- options.Client().ApplyURI(url) }()
	select {
	case o := <-read:
		return o, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("mongodb: %w: %w", errLookup, ctx.Err())
	}
}

// secretOptions are the options of a URL whose values are never shown.
var secretOptions = regexp.MustCompile(`(?i)((?:tls|ssl)[a-z]*password|authMechanismProperties)=[^&;]*`)

// refusedURL says why the client does not take the URL. Its error may repeat what it did not understand, so it is shown only
// if it is the same without all that is secret.
func refusedURL(settings drivers.Settings, err error) error {
	url, _, problem := clientURL(settings)
	if problem != nil {
		url = place(settings).Raw
	}
	_, rest, _ := strings.Cut(url, "://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	if strings.HasPrefix(url, "mongodb") {
		bare := options.Client().ApplyURI("mongodb://" + secretOptions.ReplaceAllString(rest, "")).Validate()
		if bare == nil || bare.Error() != err.Error() {
			return fmt.Errorf("mongodb: %s: the client does not understand the user name, the password or an option", place(settings).Named)
		}
	}
	return fmt.Errorf("mongodb: %s: the client does not take it: %w", place(settings).Named, err)
}

// Codes of MongoDB's errors.
const (
	codeUserNotFound         = 11
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeInvalidNamespace     = 73
	codeMechanismUnavailable = 334
	codeAtlas                = 8000 // its proxy refuses a password
)

// refusal returns which setting the server or the client refuses by err, and how; or nothing, where it is no refusal.
func refusal(settings drivers.Settings, err error) string {
	switch {
	case hasCode(err, codeAuthenticationFailed, codeUserNotFound, codeMechanismUnavailable, codeAtlas):
		return place(settings).Named + ": the server refuses the user or the password"
	case hasCode(err, codeUnauthorized):
		return place(settings).Named + ": the server asks for a user and a password, or does not let this user make the index of the collection"
	case hasCode(err, codeInvalidNamespace):
		return settingNamespaces + ": the server refuses the name"
	case tlsfiles.IsRefusal(err):
		return place(settings).Named + ": no TLS connection can be made"
	}
	return ""
}
