package response

import (
	"net/http"
	"reflect"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"
)

// ginPath is the package of gin's own writer.
var ginPath = reflect.TypeFor[gin.Context]().PkgPath()

// packages are those of the types of writers that were seen, by type. A program has few.
var packages sync.Map

// packageOf returns the package of a writer's type.
func packageOf(w http.ResponseWriter) string {
	t := reflect.TypeOf(w)
	if path, ok := packages.Load(t); ok {
		return path.(string)
	}
	named := t
	if t.Kind() == reflect.Pointer {
		named = t.Elem()
	}
	path := named.PkgPath()
	packages.Store(t, path)
	return path
}

// servers are the packages whose writers are those of servers. golang.org/x/net/http2, by which gin serves HTTP/2 without TLS, is what
// net/http has for HTTP/2.
var servers = [...]string{"net/http", "net/http/httptest", "golang.org/x/net/http2"}

// Wrapped tells whether a writer of middleware stands between a response and its client, inside of the engine or around it: it may
// change the header as that goes out.
func Wrapped(w http.ResponseWriter) bool {
	for {
		if recorder, ok := w.(*Recorder); ok {
			w = recorder.Outer()
			continue
		}
		path := packageOf(w)
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if path != ginPath || !ok {
			// Others of net/http's, as cgi's, look at the header when the first of the content is written.
			return !slices.Contains(servers[:], path)
		}
		w = inner.Unwrap()
	}
}

// captures tells whether a recorder outside keeps what is written to it: it looks at the header each time.
func captures(w http.ResponseWriter) bool {
	for {
		if recorder, ok := w.(*Recorder); ok {
			if recorder.mode != Pass {
				return true
			}
			w = recorder.Outer()
			continue
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = inner.Unwrap()
	}
}
