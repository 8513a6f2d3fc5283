package stores_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gin-cachette/cachette"
)

// units are DynamoDB's read and write request units, which capacity units are for each second.
type units struct{ read, write int }

// A meter passes requests on to a server of DynamoDB's protocol, and counts what DynamoDB would ask for them: a unit for each 4 KB of an item
// that is read consistently, and for each KB of one that is written or removed, as it was or as it is, whichever is larger; one where there is
// none, and where a condition does not hold, too. A batch counts item by item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type meter struct {
	server string
	mu     sync.Mutex
	used   units
	wrong  string
}

// item is an item as its protocol has it: each value by the name of its type.
type item map[string]map[string]any

// size is what DynamoDB takes an item for: names and values, of which a number has a byte for two digits, and one.
func (i item) size() (n int) {
	for name, value := range i {
		n += len(name)
		for kind, v := range value {
			text, _ := v.(string)
			switch kind {
			case "S":
				n += len(text)
			case "B":
				n += base64.StdEncoding.DecodedLen(len(text))
			case "N":
				n += (len(text)+1)/2 + 1
			default:
				n += 1 << 20 // nothing that the driver writes
			}
		}
	}
	return n
}

func unitsOf(size, each int) int { return max(1, (size+each-1)/each) }

func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var answer *http.Response
		again, _ := http.NewRequestWithContext(r.Context(), r.Method, m.server+r.URL.Path, bytes.NewReader(body))
		again.Header = r.Header.Clone()
		if answer, err = http.DefaultTransport.RoundTrip(again); err == nil {
			defer answer.Body.Close()
			var told []byte
			if told, err = io.ReadAll(answer.Body); err == nil {
				_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
				m.count(operation, body, told)
				for name, values := range answer.Header {
					w.Header()[name] = values
				}
				w.WriteHeader(answer.StatusCode)
				_, _ = w.Write(told)
				return
			}
		}
	}
	http.Error(w, err.Error(), http.StatusBadGateway)
}

// count counts an operation by what was asked and what was told.
func (m *meter) count(operation string, body, told []byte) {
	type keys struct {
		Keys           []item
		ConsistentRead bool
	}
	var asked struct {
		Item           item
		ConsistentRead bool
		RequestItems   map[string]json.RawMessage
	}
	var answer struct {
		Item, Attributes item
		Responses        map[string][]item
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := json.Unmarshal(body, &asked); err != nil {
		m.wrong = fmt.Sprintf("%s: %v", operation, err)
	}
	_ = json.Unmarshal(told, &answer)
	switch operation {
	case "GetItem":
		m.used.read += unitsOf(answer.Item.size(), 4<<10)
		m.check(operation, asked.ConsistentRead)
	case "BatchGetItem":
		for name, raw := range asked.RequestItems {
			var of keys
			_ = json.Unmarshal(raw, &of)
			m.check(operation, of.ConsistentRead)
			for _, found := range answer.Responses[name] {
				m.used.read += unitsOf(found.size(), 4<<10)
			}
			m.used.read += len(of.Keys) - len(answer.Responses[name]) // those that are not there
		}
	case "PutItem":
		m.used.write += unitsOf(asked.Item.size(), 1<<10)
	case "DeleteItem":
		m.used.write += unitsOf(answer.Attributes.size(), 1<<10)
	case "UpdateItem": // of marks and heads of logs alone, which have less than a KB
		m.used.write++
	case "BatchWriteItem": // removes marks, which have less than a KB, too
		for _, raw := range asked.RequestItems {
			var removed []struct{ DeleteRequest *struct{} }
			_ = json.Unmarshal(raw, &removed)
			m.used.write += len(removed)
		}
	default:
		m.wrong = operation + " is not expected"
	}
}

func (m *meter) check(operation string, consistent bool) {
	if !consistent {
		m.wrong = operation + " is not consistent"
	}
}

// start begins to count, and returns what stops it.
func (m *meter) start() (stop func() (units, string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used, m.wrong = units{}, ""
	return func() (units, string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.used, m.wrong
	}
}

// metered are the rows of the table of request units, which are among those of the table of round trips.
var metered = []string{
	"a hit", "a hit with 1 tag", "a hit with 10 tags",
	"a miss", "a miss with 1 new tag", "a miss with 10 new tags", "a miss with 10 tags that it had before",
	"`PurgePath`", "`Invalidate` of 1 tag", "`Invalidate` of 10 tags",
}

// TestRequestUnits holds the table of DynamoDB's request units in docs/backends.md: the fewest of some attempts, as in that of round trips.
func TestRequestUnits(t *testing.T) {
	t.Parallel()
	s := newDynamoDB(t)
	s.start(t)
	m := &meter{server: fmt.Sprintf("http://127.0.0.1:%d", s.port)}
	front := httptest.NewServer(m)
	t.Cleanup(front.Close)
	c := newCounted(t, front.Listener.Addr().(*net.TCPAddr).Port, func(addr string) cachette.Config {
		return cachette.Config{Backend: "dynamodb", DynamoDBURL: "http://" + addr}
	})
	for _, name := range metered {
		row := countings[slices.IndexFunc(countings, func(row counting) bool { return row.name == name })]
		fewest := units{1 << 20, 1 << 20}
		for range 3 {
			c.get(t, "/plain/warm", "en") // so that the view of the log is new
			do := row.prepare(t, c)
			stop := m.start()
			do(t)
			used, wrong := stop()
			if wrong != "" {
				t.Errorf("%s: %s", name, wrong)
			}
			if used.read+used.write < fewest.read+fewest.write {
				fewest = used
			}
		}
		want := units{}
		for column, number := range map[string]*int{"read": &want.read, "write": &want.write} {
			*number, _ = strconv.Atoi(documentedIn(t, "| request units |", name, column))
		}
		if fewest != want {
			t.Errorf("%s takes %+v, the documentation says %+v", name, fewest, want)
		}
	}
}
