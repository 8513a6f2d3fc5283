package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// fake is a server that speaks as much of DynamoDB's protocol as a test gives it answers for.
type fake struct {
	URL     string
	answers map[string]answer

	mu    sync.Mutex
	calls []call
}

type (
	object = map[string]any
	answer func(in object) any // a failure is an error of the server

	call struct {
		operation string
		in        object
		signature string
	}

	failure struct {
		status        int
		code, message string
	}
)

// newFake returns a server whose table is ready, and empty, unless answers say otherwise.
func newFake(t testing.TB, answers map[string]answer) *fake {
	t.Helper()
	f := &fake{answers: map[string]answer{
		"DescribeTable":      always(table("ACTIVE")),
		"DescribeTimeToLive": always(timeToLive("ENABLED", "expires")),
		"GetItem":            always(object{}),
		"PutItem":            always(object{}),
		"DeleteItem":         always(object{}),
	}}
	for operation, answer := range answers {
		f.answers[operation] = answer
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

func always(out any) answer { return func(object) any { return out } }

// inTurn answers with each of outs, and then with the last of them again.
func inTurn(outs ...any) answer {
	i := 0
	return func(object) any {
		out := outs[min(i, len(outs)-1)]
		i++
		return out
	}
}

func fails(code, message string) failure { return failure{http.StatusBadRequest, code, message} }

func table(status string) object {
	return object{"Table": object{
		"TableStatus":          status,
		"AttributeDefinitions": []object{{"AttributeName": "key", "AttributeType": "S"}},
		"KeySchema":            []object{{"AttributeName": "key", "KeyType": "HASH"}},
	}}
}

func timeToLive(status, attribute string) object {
	return object{"TimeToLiveDescription": object{"TimeToLiveStatus": status, "AttributeName": attribute}}
}

// ServeHTTP answers one request at a time.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in object
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	f.calls = append(f.calls, call{operation, in, r.Header.Get("Authorization")})
	var out any = fails("UnknownOperationException", operation)
	if answer := f.answers[operation]; answer != nil {
		out = answer(in)
	}
	status := http.StatusOK
	if failed, ok := out.(failure); ok {
		status = failed.status
		out = object{"__type": "com.amazonaws.dynamodb.v20120810#" + failed.code, "message": failed.message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(body))) // the SDK complains without it
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// client returns a client that asks the server without a network between them, as a test under synctest needs it.
func (f *fake) client() *sdk.Client {
	return inProcess(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w.Result(), nil
	})
}

// inProcess returns a client whose requests do answers.
func inProcess(do roundTripper) *sdk.Client {
	endpoint := "http://fake.invalid"
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: do},
		Retryer:      aws.NopRetryer{},
	})
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (do roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return do(r) }

// called returns the calls of an operation.
func (f *fake) called(operation string) (calls []call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range f.calls {
		if call.operation == operation {
			calls = append(calls, call)
		}
	}
	return calls
}

// set gives an operation another answer.
func (f *fake) set(operation string, a answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[operation] = a
}
