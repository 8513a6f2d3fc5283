package response

import (
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// ginPath is the package of gin's own writer.
var ginPath = reflect.TypeFor[gin.Context]().PkgPath()

// origin is a type of writer and the package that it is of.
type origin struct {
	of   reflect.Type
	path string
}

// origins are those of the writers that were seen. A program has few types of them, which are found sooner in a list than by a hash.
var origins atomic.Pointer[[]origin]

// packageOf returns the package of a writer's type.
func packageOf(w http.ResponseWriter) string { return packageOfType(reflect.TypeOf(w)) }

func packageOfType(t reflect.Type) string {
	known := origins.Load()
	if known != nil {
		for i := range *known {
			if (*known)[i].of == t {
				return (*known)[i].path
			}
		}
	}
	named := t
	if t.Kind() == reflect.Pointer {
		named = t.Elem()
	}
	path := named.PkgPath()
	var more []origin
	if known != nil {
		more = slices.Clip(*known)
	}
	more = append(more, origin{t, path})
	origins.CompareAndSwap(known, &more) // another one may have been noted meanwhile: this one will be the next time
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

// engineWriter is where a context of gin has the writer that its engine was given.
var engineWriter, engineWriterShown = reflect.TypeFor[gin.Context]().FieldByName("writermem")

// Enclosed tells whether what stands around the engine has a writer of its own, or may have one.
func Enclosed(c *gin.Context) bool {
	if !engineWriterShown || engineWriter.Type.Kind() != reflect.Struct {
		return true
	}
	w := reflect.ValueOf(c).Elem().FieldByIndex(engineWriter.Index).Field(0)
	return w.Kind() != reflect.Interface || w.IsNil() || !slices.Contains(servers[:], packageOfType(w.Elem().Type()))
}
