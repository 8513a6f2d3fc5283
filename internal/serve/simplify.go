package serve

import (
	"net/http"
	"net/url"
	"reflect"
	"unsafe"

	"github.com/gin-gonic/gin"
)

// simplify takes off a request that handlers see what the route ignores of its query, and sorts the rest where the route wants that: what is
// not in the key must not go into the page. Only what may be kept is concerned: a write is the handlers' own affair.
func (x *exchange) simplify(r *http.Request) {
	if rt := x.around.rt; len(rt.Ignored) == 0 && !rt.Sorted || !rt.lookable(r.Method) {
		return
	}
	keys := x.around.rt.scheme(x.s)
	query, line := keys.Simpler(r.URL.RawQuery), keys.SimplerLine(r.RequestURI)
	if query == r.URL.RawQuery && line == r.RequestURI {
		return
	}
	u := *r.URL
	u.RawQuery = query
	r.URL, r.RequestURI, r.Form = &u, line, nil
}

// askedField is where a context of gin has the query's parameters, as they were when one of them was first asked for.
var askedField, askedShown = reflect.TypeFor[gin.Context]().FieldByName("queryCache")

// askAnew has the context read the parameters of the query when the handlers ask for them, though middleware outside has asked before, which
// release has find what it did. Where gin does not let it, what the handlers make is not kept.
func (x *exchange) askAnew() (release func()) {
	if !askedShown || askedField.Type != reflect.TypeFor[url.Values]() {
		x.unwished.Store(true)
		return func() {}
	}
	asked := (*url.Values)(unsafe.Add(unsafe.Pointer(x.c), askedField.Offset))
	before := *asked
	*asked = nil
	return func() { *asked = before }
}
