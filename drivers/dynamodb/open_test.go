package dynamodb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// isolate keeps the machine's own AWS configuration out of a test. There is a metadata service, which is not to be asked.
func isolate(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // which restores it
			os.Unsetenv(name)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the metadata service of EC2 was asked")
		http.NotFound(w, nil)
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
}

// openWith opens a driver by its name.
func openWith(t testing.TB, ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	t.Helper()
	backend, ok := drivers.Lookup("dynamodb")
	if !ok {
		t.Fatal("dynamodb is not registered")
	}
	if settings.Logger == nil {
		settings.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := backend.Open(ctx, settings)
	if err == nil {
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	return d, err
}

func openSettings(t testing.TB, endpoint string) (drivers.Driver, error) {
	t.Helper()
	return openWith(t, t.Context(), drivers.Settings{DynamoDBURL: endpoint})
}

func openURL(t testing.TB, endpoint string) drivers.Driver {
	t.Helper()
	d, err := openSettings(t, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What requests are signed with comes from the settings and the chain of the SDK; a local server needs nothing of it.
func TestSignature(t *testing.T) {
	for _, row := range []struct {
		name   string
		env    map[string]string
		region string
		byURL  bool
		want   string // in the credential: the key, and the region after the date
	}{
		{"Nothing", nil, "", true, "local us-east-1"},
		{"Region", nil, "eu-central-1", true, "local eu-central-1"},
		{"RegionOfTheChain", map[string]string{"AWS_REGION": "eu-west-3"}, "", true, "local eu-west-3"},
		{"Keys", map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": secretKey}, "", true, "AKID us-east-1"},
		{"KeysAndRegion", map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_REGION": "eu-west-3"},
			"eu-central-1", true, "AKID eu-central-1"},
		{"RegionAlone", map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": secretKey}, "eu-central-1", false,
			"AKID eu-central-1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			isolate(t)
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			f := newFake(t, nil)
			settings := drivers.Settings{Region: row.region, DynamoDBURL: f.URL}
			if !row.byURL {
				settings.DynamoDBURL = ""
				t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", f.URL) // instead of AWS
			}
			d, err := openWith(t, t.Context(), settings)
			if err != nil {
				t.Fatal(err)
			}
			wantMiss(t, d, "key")
			signature := f.called("GetItem")[0].signature
			_, credential, _ := strings.Cut(signature, "Credential=")
			parts := strings.Split(credential, "/")
			if len(parts) < 4 || parts[0]+" "+parts[2] != row.want {
				t.Errorf("the request is signed with %q, want %q", signature, row.want)
			}
		})
	}
}

// A profile is part of the chain too.
func TestProfile(t *testing.T) {
	isolate(t)
	err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"),
		[]byte("[default]\naws_access_key_id = AKPROFILE\naws_secret_access_key = "+secretKey+"\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t, nil)
	wantMiss(t, openURL(t, f.URL), "key")
	if signature := f.called("GetItem")[0].signature; !strings.Contains(signature, "Credential=AKPROFILE/") {
		t.Errorf("the request is signed with %q", signature)
	}

	t.Setenv("AWS_PROFILE", "absent")
	_, err = openSettings(t, f.URL)
	wantSaying(t, err, "DynamoDBURL (CACHETTE_DYNAMODB_URL)", "absent")
}

// On AWS there is no use in starting without credentials.
func TestNoCredentials(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := openWith(t, t.Context(), drivers.Settings{Region: "eu-central-1"})
	wantSaying(t, err, "Region (CACHETTE_REGION)", "no AWS credentials", "AWS_ACCESS_KEY_ID")
	for _, endpoint := range []string{"https://dynamodb.eu-central-1.amazonaws.com",
		"https://dynamodb.cn-north-1.amazonaws.com.cn:443",
		"https://dynamodb.eu-central-1.api.aws"} {
		_, err = openSettings(t, endpoint)
		wantSaying(t, err, "DynamoDBURL (CACHETTE_DYNAMODB_URL)", "no AWS credentials")
	}
}

// Nothing is guessed of where the data goes.
func TestNoRegion(t *testing.T) {
	isolate(t)
	_, err := openWith(t, t.Context(), drivers.Settings{})
	wantSaying(t, err, "Region (CACHETTE_REGION)", "DynamoDBURL (CACHETTE_DYNAMODB_URL)")
}

// A server that refuses is an error that names the setting, and shows nothing that was signed.
func TestRefused(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_SESSION_TOKEN", sessionToken)
	for _, code := range []string{"UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignatureException",
		"MissingAuthenticationTokenException", "ExpiredTokenException", "OptInRequired", "ValidationException"} {
		t.Run(code, func(t *testing.T) {
			f := newFake(t, map[string]answer{"DescribeTable": always(fails(code, "It does not match.\n\nThe Canonical String for "+
				"this request should have been\n'POST\n/\n\nx-amz-security-token:"+sessionToken+"\n'"))})
			_, err := openSettings(t, f.URL)
			wantSaying(t, err, "dynamodb: DynamoDBURL (CACHETTE_DYNAMODB_URL)", "AWS chain", code, "It does not match.")
			t.Setenv("AWS_ENDPOINT_URL", f.URL)
			_, err = openWith(t, t.Context(), drivers.Settings{Region: "eu-central-1"})
			wantSaying(t, err, "dynamodb: Region (CACHETTE_REGION)", "AWS chain", code)
		})
	}
	t.Run("AnswersNothing", func(t *testing.T) {
		_, err := openSettings(t, newFake(t, map[string]answer{"DescribeTable": always(object{})}).URL)
		wantSaying(t, err, "no DynamoDB")
	})
	t.Run("NoKeys", func(t *testing.T) {
		_, err := openSettings(t, newFake(t, map[string]answer{
			"DescribeTable": always(object{"Table": object{"TableStatus": "ACTIVE"}})}).URL)
		wantSaying(t, err, "TableName (CACHETTE_TABLE_NAME)")
	})
}

// Nothing of a URL that is wrong is shown: a password may be in it.
func TestWrongURL(t *testing.T) {
	isolate(t)
	for _, endpoint := range []string{"http://user:" + password + "@localhost:8000", "localhost:" + password, "ftp://" + password,
		"http://", "http://%zz" + password, "http://user:" + password + "@[::1"} {
		_, err := openSettings(t, endpoint)
		wantSaying(t, err, "DynamoDBURL (CACHETTE_DYNAMODB_URL)", "http://host:port")
	}
}

// A server that does not answer, or not now, is a line in the log.
func TestUnreachable(t *testing.T) {
	isolate(t)
	for name, endpoint := range map[string]string{
		"Refused": "http://" + closedPort(t),
		"NoHost":  "http://cachette.invalid:8000",
		"Failing": newFake(t, map[string]answer{"DescribeTable": always(failure{500, "InternalServerError", "no"})}).URL,
		"Busy":    newFake(t, map[string]answer{"DescribeTable": always(fails("ThrottlingException", "no"))}).URL,
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			d, err := openWith(t, t.Context(), drivers.Settings{DynamoDBURL: endpoint, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			text := log.String()
			if strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "DynamoDBURL (CACHETTE_DYNAMODB_URL)") {
				t.Errorf("the log is %q", text)
			}
			_, err = d.Get(t.Context(), "key")
			wantSaying(t, err, "dynamodb: get: describe the table")
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// A program that is told to stop while it opens its cache does not get one.
func TestOpenCancelled(t *testing.T) {
	isolate(t)
	p := before(t, "127.0.0.1:1")
	p.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for i := 0; i < 5000 && p.Counts().Dials == 0; i++ {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	d, err := openWith(t, ctx, drivers.Settings{DynamoDBURL: through(p)})
	if !errors.Is(err, context.Canceled) || d != nil {
		t.Errorf("open = %v, %v, want context.Canceled", d, err)
	}

	// One whose time is over does, since the server may come back.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := openWith(t, ctx, drivers.Settings{DynamoDBURL: through(p)}); err != nil {
		t.Errorf("open: %v", err)
	}
}

// The driver's own client keeps its connections, and closes them.
func TestConnections(t *testing.T) {
	isolate(t)
	endpoint, table := prepared(t)
	p := before(t, endpoint)
	d, err := openWith(t, t.Context(), drivers.Settings{DynamoDBURL: through(p), TableName: table})
	if err != nil {
		t.Fatal(err)
	}
	// In bursts: between two of them all connections are idle.
	for range 16 {
		var burst sync.WaitGroup
		for range 64 {
			burst.Go(func() {
				if _, err := d.Get(t.Context(), "key"); !errors.Is(err, drivers.ErrMiss) {
					t.Errorf("Get: %v", err)
				}
			})
		}
		burst.Wait()
	}
	// A burst may dial once more than it has use for.
	dials := p.Counts().Dials
	if dials > 2*64 {
		t.Errorf("%d connections were made for 1024 requests of 64 goroutines", dials)
	}
	t.Logf("%d connections", dials)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for range 500 {
		if p.Open() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d connections are open after Close", p.Open())
}
