package dynamodb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

func init() {
	drivers.Register("dynamodb", drivers.Backend{Open: open, Check: check, Schemes: []string{scheme}})
}

const (
	// defaultRegion is what requests to a server of one's own are signed for.
	defaultRegion = "us-east-1"

	// idleConnections is how many connections are kept for later. The SDK keeps ten, and dials anew for each burst.
	idleConnections = 256

	// The SDK waits for up to a second before it tries again, which is longer than an operation may take.
	firstBackoff = 25 * time.Millisecond
	lastBackoff  = time.Second
)

// open makes a client as the AWS SDK does: credentials, and what the settings leave open, come from its default chain, the
// variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY first.
func open(ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	where, problem := fromURL(settings)
	if problem != "" {
		return nil, errors.New("dynamodb: URL (CACHETTE_URL): " + problem)
	}
	if where.DynamoDBURL != "" {
		if problem := checkEndpointURL(where.DynamoDBURL); problem != "" {
			return nil, errors.New("dynamodb: " + where.setting() + ": " + problem)
		}
	}
	cfg, err := loadConfig(ctx, where)
	if err != nil {
		return nil, err
	}
	if err := checkCredentials(ctx, cfg, where); err != nil {
		return nil, err
	}
	client, err := newClient(cfg, where)
	if err != nil {
		return nil, err
	}
	d, err := New(client, Options{Table: cmp.Or(where.TableName, settings.TableName), Logger: settings.Logger})
	if err != nil {
		return nil, err
	}
	if err := d.open(ctx, where); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// open prepares the table, and looks whether the program may use it. A server that does not answer may come back, and is none of its errors.
func (d *Driver) open(ctx context.Context, where place) error {
	_, err := d.await(ctx)
	if err == nil {
		err = d.checkPermissions(ctx)
	}
	var known refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return d.fail(ctx, nil, "open", err)
	case errors.As(err, &known):
		return fmt.Errorf("dynamodb: %w", known)
	case codeOf(err) == "" && where.wantsTLS(ctx, err):
		return fmt.Errorf("dynamodb: %s: the server speaks TLS: give an endpoint that begins with https://: %w", where.setting(), brief{err})
	case isRefusal(err):
		return fmt.Errorf("dynamodb: %s: %s: %w", where.setting(), why(err), tlsfiles.Advised(brief{err}))
	}
	where.Logger.Warn("cachette: dynamodb: the table is not ready: the first operation that finds the server prepares it",
		"setting", where.setting(), "error", brief{err}.Error())
	return nil
}

// why says what a refusal comes from, and what would be right.
func why(err error) string {
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS: give an endpoint that begins with http://"
	case tlsfiles.IsRefusal(err):
		return "the server and the client do not agree on TLS: its certificate has to be for the host of the endpoint, and signed by an " +
			"authority that this machine trusts, or by one in AWS_CA_BUNDLE"
	case codeOf(err) == "":
		return "the server does not answer as DynamoDB does: give the endpoint of one"
	}
	return "the server refuses the request; the credentials come from the AWS chain " +
		"(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role)"
}

// wantsTLS tells whether a server that was found, and did not understand what it was asked without TLS, speaks TLS. err is what came of it. The
// server is sent nothing but the beginning of a handshake, whose certificate so does not matter.
func (p place) wantsTLS(ctx context.Context, err error) bool {
	u, problem := url.Parse(p.DynamoDBURL)
	var network *net.OpError
	if problem != nil || u.Scheme != "http" || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Op == "dial" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, problem := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
	if problem != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// setting names what tells where the server is.
func (p place) setting() string {
	if p.URL != "" {
		return "URL (CACHETTE_URL)"
	}
	if p.DynamoDBURL != "" {
		return "DynamoDBURL (CACHETTE_DYNAMODB_URL)"
	}
	return "Region (CACHETTE_REGION)"
}

// logOf returns a log for the SDK, which otherwise writes to stderr. It logs requests, with what is secret in them, only where
// a program makes its own client and asks for it.
func logOf(logger *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(class logging.Classification, format string, args ...any) {
		level := slog.LevelDebug
		if class == logging.Warn {
			level = slog.LevelWarn
		}
		logger.Log(context.Background(), level, "cachette: dynamodb: the client logs", "line", fmt.Sprintf(format, args...))
	})
}

func loadConfig(ctx context.Context, where place) (aws.Config, error) {
	most, idle := where.pool()
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(where.Region),
		config.WithLogger(logOf(where.Logger)),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
			d.Timeout = where.dialTimeout()
		}).WithTransportOptions(func(t *http.Transport) {
			t.MaxConnsPerHost, t.MaxIdleConns, t.MaxIdleConnsPerHost = most, idle, idle
		})))
	if err != nil {
		return cfg, fmt.Errorf("dynamodb: %s: the configuration of the AWS SDK cannot be read: %w", where.setting(), brief{err})
	}
	if where.DynamoDBURL == "" && cfg.Region == "" {
		return cfg, errors.New("dynamodb: Region (CACHETTE_REGION): it is required unless DynamoDBURL (CACHETTE_DYNAMODB_URL) is set")
	}
	cfg.Region = cmp.Or(cfg.Region, defaultRegion)
	if !isAWS(where.DynamoDBURL) && hasNoCredentials(cfg) {
		cfg.Credentials = credentials.NewStaticCredentialsProvider("local", "local", "")
	}
	return cfg, nil
}

// isAWS reports whether endpoint is of AWS, where a machine's own role may be what the credentials come from. No
// endpoint is.
func isAWS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		return endpoint == ""
	}
	host := "." + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonwebservices.com.cn",
		".amazonaws.eu"}, func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// hasNoCredentials reports whether the chain has come to its end, which is to ask the metadata service of an EC2 machine.
func hasNoCredentials(cfg aws.Config) bool {
	chain, ok := cfg.Credentials.(aws.CredentialProviderSource)
	return ok && slices.Equal(chain.ProviderSources(), []aws.CredentialSource{aws.CredentialSourceIMDS})
}

// checkCredentials tells early, and better than the first request could, that there are none.
func checkCredentials(ctx context.Context, cfg aws.Config, where place) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return nil
	case hasNoCredentials(cfg):
		return fmt.Errorf("dynamodb: %s: there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "+
			"give the program a profile or a role: %w", where.setting(), brief{err})
	case tlsfiles.IsRefusal(err):
		return fmt.Errorf("dynamodb: %s: the service that the AWS chain has credentials from and the client do not agree on TLS: its "+
			"certificate has to be signed by an authority that this machine trusts, or in AWS_CA_BUNDLE: %w", where.setting(), brief{err})
	case isRefusal(err):
		return fmt.Errorf("dynamodb: %s: the AWS chain has no valid credentials: %w", where.setting(), brief{err})
	}
	return nil // they may come, and the first request meets the same error
}

// newClient returns a client, whose connections the driver makes. The options for TLS are not for the services that credentials come from.
func newClient(cfg aws.Config, where place) (*dynamodb.Client, error) {
	if buildable, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok && where.hasTLS() {
		given, err := tlsfiles.Read(func(name string) string { return where.options[name] })
		if err != nil {
			return nil, fmt.Errorf("dynamodb: %s: %w", where.setting(), err)
		}
		cfg.HTTPClient = buildable.WithTransportOptions(func(t *http.Transport) {
			if given.RootCAs != nil {
				t.TLSClientConfig.RootCAs = given.RootCAs
			}
			t.TLSClientConfig.ServerName, t.TLSClientConfig.Certificates = given.ServerName, given.Certificates
		})
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint := where.DynamoDBURL; endpoint != "" {
			o.BaseEndpoint = &endpoint
			// Not every server sends checksums, and the SDK complains of each answer without one.
			o.DisableValidateResponseChecksum = !isAWS(endpoint)
		}
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return backoff(attempt), nil })
		})
	}), nil
}

// backoff returns how long to wait after the attempt of that number, the first being 1: a random part of a time that
// doubles.
func backoff(attempt int) time.Duration {
	most := min(firstBackoff<<min(max(attempt, 1)-1, 10), lastBackoff)
	return time.Duration(1 + rand.Int64N(int64(most)))
}
