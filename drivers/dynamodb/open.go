package dynamodb

import (
	"cmp"
	"context"
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
	given, problem := fromURL(settings)
	if problem != "" {
		return nil, errors.New("dynamodb: URL (CACHETTE_URL): " + problem)
	}
	if given.TableName == "" {
		given.TableName = settings.TableName
	}
	settings = given
	if settings.DynamoDBURL != "" {
		if problem := checkEndpointURL(settings.DynamoDBURL); problem != "" {
			return nil, errors.New("dynamodb: " + settingOf(settings) + ": " + problem)
		}
	}
	cfg, err := loadConfig(ctx, settings)
	if err != nil {
		return nil, err
	}
	if err := checkCredentials(ctx, cfg, settings); err != nil {
		return nil, err
	}
	d, err := New(newClient(cfg, settings.DynamoDBURL), Options{Table: settings.TableName, Logger: settings.Logger})
	if err != nil {
		return nil, err
	}
	if err := d.open(ctx, settings); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// open prepares the table. A server that does not answer may come back, and is none of its errors.
func (d *Driver) open(ctx context.Context, settings drivers.Settings) error {
	_, err := d.await(ctx)
	var known refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return d.fail(ctx, nil, "open", err)
	case errors.As(err, &known):
		return fmt.Errorf("dynamodb: %w", known)
	case isRefusal(err):
		return fmt.Errorf("dynamodb: %s: the server refuses the request; the credentials come from the AWS chain "+
			"(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role): %w", settingOf(settings), brief{err})
	}
	settings.Logger.Warn("cachette: dynamodb: the table is not ready: the first operation that finds the server prepares it",
		"setting", settingOf(settings), "error", brief{err}.Error())
	return nil
}

// settingOf names what tells where the server is.
func settingOf(settings drivers.Settings) string {
	if settings.URL != "" {
		return "URL (CACHETTE_URL)"
	}
	if settings.DynamoDBURL != "" {
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

func loadConfig(ctx context.Context, settings drivers.Settings) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(settings.Region),
		config.WithLogger(logOf(settings.Logger)),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
			d.Timeout = callTimeout
		}).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConnections, idleConnections
			t.DialContext = dropping(t.DialContext)
		})))
	if err != nil {
		return cfg, fmt.Errorf("dynamodb: %s: the configuration of the AWS SDK cannot be read: %w", settingOf(settings), brief{err})
	}
	if settings.DynamoDBURL == "" && cfg.Region == "" {
		return cfg, errors.New("dynamodb: Region (CACHETTE_REGION): it is required unless DynamoDBURL (CACHETTE_DYNAMODB_URL) is set")
	}
	cfg.Region = cmp.Or(cfg.Region, defaultRegion)
	if !isAWS(settings.DynamoDBURL) && hasNoCredentials(cfg) {
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
func checkCredentials(ctx context.Context, cfg aws.Config, settings drivers.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return nil
	case hasNoCredentials(cfg):
		return fmt.Errorf("dynamodb: %s: there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "+
			"give the program a profile or a role: %w", settingOf(settings), brief{err})
	case isRefusal(err):
		return fmt.Errorf("dynamodb: %s: the AWS chain has no valid credentials: %w", settingOf(settings), brief{err})
	}
	return nil // they may come, and the first request meets the same error
}

// newClient returns a client, whose connections the driver makes.
func newClient(cfg aws.Config, endpoint string) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
			// Not every server sends checksums, and the SDK complains of each answer without one.
			o.DisableValidateResponseChecksum = !isAWS(endpoint)
		}
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return backoff(attempt), nil })
		})
	})
}

// backoff returns how long to wait after the attempt of that number, the first being 1: a random part of a time that
// doubles.
func backoff(attempt int) time.Duration {
	most := min(firstBackoff<<min(max(attempt, 1)-1, 10), lastBackoff)
	return time.Duration(1 + rand.Int64N(int64(most)))
}
