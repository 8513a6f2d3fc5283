package response

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"
)

// ginPath is the package of gin's own writer.
var ginPath = reflect.TypeFor[gin.Context]().PkgPath()

// packageOf returns the package of a writer's type.
func packageOf(w http.ResponseWriter) string {
	t := reflect.TypeOf(w)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}

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
			return path != "net/http" && !strings.HasPrefix(path, "net/http/")
		}
		w = inner.Unwrap()
	}
}
