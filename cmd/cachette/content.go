package main

import (
	"crypto/sha256"
	"flag"
	"net/http"
	"os"
	"strings"

	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/target"
)

// content is what a person says of the content of a request.
type content struct {
	method string
	bytes  []byte
	given  bool
}

// flagsIn adds its flags to others.
func (of *content) flagsIn(flags *flag.FlagSet) {
	flags.StringVar(&of.method, "method", "", "the request's `method`: GET, QUERY, or POST of a route with WithBodyKey; QUERY where there is a -content, else GET")
	flags.Func("content", "the request's content, byte for byte, as `text`, or as @FILE; the fields that describe it are for -H", func(text string) (err error) {
		of.bytes, of.given = []byte(text), true
		if file, ok := strings.CutPrefix(text, "@"); ok {
			of.bytes, err = os.ReadFile(file)
		}
		return err
	})
}

// key gives a request its method, and returns what its key has of the content; nothing for one that is not keyed by it.
func (of *content) key(request *http.Request) (string, error) {
	switch {
	case of.method == "" && of.given:
		request.Method = rfc9111.MethodQuery
	case of.method != "":
		request.Method = of.method
	}
	switch request.Method {
	case http.MethodGet:
		if of.given {
			return "", usage("explain: a GET has no content; leave out -content, or say by -method that it is a QUERY or POST")
		}
		return "", nil
	case rfc9111.MethodQuery, http.MethodPost:
		n := int64(len(of.bytes))
		keyed := target.Content{Method: request.Method, Header: request.Header, Declared: n, Length: n, Sum: sha256.Sum256(of.bytes)}
		return serve.Texts(keyed.Key()), nil
	}
	return "", usage("explain: results of " + request.Method + " are not stored; give -method GET, QUERY or POST")
}
