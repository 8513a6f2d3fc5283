package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/argument"
)

// maxAsked is how many bytes a question of the page may have.
const maxAsked = 64 << 10

// question is what the page asks to have explained. It comes by POST, so that no log on the way has the URL.
type question struct {
	Method  string   `json:"method"` // GET unless given
	URL     string   `json:"url"`
	Fields  []string `json:"fields"`  // of the header, as "Accept-Language: de"
	Content string   `json:"content"` // of a QUERY or POST
}

// explained is what is answered.
type explained struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

// explain answers with what would become of a request, in the words for a person.
func (d *dashboard) explain(c *gin.Context) {
	var asked question
	if err := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, maxAsked)).Decode(&asked); err != nil {
		c.JSON(http.StatusBadRequest, explained{Error: "the question is no JSON such as {\"url\": \"https://shop.example/products\", \"fields\": [\"Accept-Language: de\"]}"})
		return
	}
	r, err := asked.request(c)
	if err != nil {
		c.JSON(http.StatusBadRequest, explained{Error: err.Error()})
		return
	}
	x, err := d.cache.Explain(c, r)
	failed := new(cachette.OpError)
	switch {
	case err == nil:
		c.JSON(http.StatusOK, explained{Text: x.String()})
	case errors.Is(err, cachette.ErrInvalid) && errors.As(err, &failed):
		c.JSON(http.StatusBadRequest, explained{Error: failed.Err.Error()})
	default:
		c.JSON(http.StatusInternalServerError, explained{Error: "it cannot be told: the cache or its store does not answer"})
	}
}

// request returns the request that is asked about, as if it came from where the question does.
func (q question) request(c *gin.Context) (*http.Request, error) {
	var content io.Reader
	switch q.Method {
	case "", http.MethodGet, http.MethodHead:
		if q.Content != "" {
			return nil, errors.New("a GET has no content; leave it out, or ask for a QUERY or POST")
		}
	case "QUERY", http.MethodPost:
		content = strings.NewReader(q.Content)
	default:
		return nil, fmt.Errorf("what answers %.20q is not stored; ask for GET, HEAD, QUERY or POST", q.Method)
	}
	r, err := http.NewRequestWithContext(c.Request.Context(), q.Method, q.URL, content)
	if err != nil || r.URL.Host == "" {
		return nil, fmt.Errorf("%.200q is no URL with a host; give one as https://shop.example/products?page=1", q.URL)
	}
	for _, line := range q.Fields {
		name, value, ok := strings.Cut(line, ":")
		if name = textproto.TrimString(name); !ok || !argument.IsToken(name) {
			return nil, fmt.Errorf("%.40q… is no field of a header; give a line as Accept-Language: de", name)
		}
		if !argument.IsFieldValue(value) {
			return nil, fmt.Errorf("the field %.40q has a line break or another control character in it; give each field in a line of its own", name)
		}
		r.Header.Add(name, textproto.TrimString(value))
	}
	r.RemoteAddr = c.Request.RemoteAddr
	return r, nil
}
