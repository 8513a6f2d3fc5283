// Package engines keeps which engines have a cache, and finds the one of a request without its help.
package engines

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
)

// Table is the engines that have a cache, of type C. It keeps none of them from being collected.
type Table[C any] struct {
	mu  sync.Mutex
	all map[weak.Pointer[gin.Engine]]weak.Pointer[C] // an engine's own handlers hold its cache
}

// Claim notes that an engine is to have a cache, and reports whether it had none. forget takes that back.
func (e *Table[C]) Claim(engine *gin.Engine) (forget func(), ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := weak.Make(engine)
	if _, taken := e.all[key]; taken {
		return nil, false
	}
	if e.all == nil {
		e.all = make(map[weak.Pointer[gin.Engine]]weak.Pointer[C])
	}
	e.all[key] = weak.Pointer[C]{}
	forget = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.all, key)
	}
	runtime.AddCleanup(engine, func(struct{}) { forget() }, struct{}{})
	return forget, true
}

// Own notes which cache an engine has.
func (e *Table[C]) Own(engine *gin.Engine, cache *C) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[weak.Make(engine)] = weak.Make(cache)
}

// Known reports whether gin's contexts hold their engine where it is looked for.
func Known() bool { return engineField != nil }

// engineField is where a gin.Context holds its engine, which gin tells by no method; nil where a release of gin holds it elsewhere.
var engineField = func() []int {
	field, ok := reflect.TypeFor[gin.Context]().FieldByName("engine")
	if !ok || field.Type != reflect.TypeFor[*gin.Engine]() {
		return nil
	}
	return field.Index
}()

// Of returns the cache of the engine that a context is of, or nil; middleware is the name that gin has for the one of the cache. It
// is for a context without the cache's own key, as that
// of a hit on the short way. A route that is older than the cache has none, as its chain of handlers shows; a copy has no chain.
func (e *Table[C]) Of(c *gin.Context, middleware string) *C {
	if engineField == nil {
		return nil
	}
	engine := (*gin.Engine)(reflect.ValueOf(c).Elem().FieldByIndex(engineField).UnsafePointer())
	if engine == nil {
		return nil
	}
	e.mu.Lock()
	cache := e.all[weak.Make(engine)].Value()
	e.mu.Unlock()
	if cache == nil {
		return nil
	}
	if names := c.HandlerNames(); len(names) > 0 && !slices.Contains(names, middleware) {
		return nil
	}
	return cache
}

// CheckRoutes refuses an engine that has routes already.
func CheckRoutes(engine *gin.Engine, allowed bool) error {
	routes := engine.Routes()
	if len(routes) == 0 || allowed {
		return nil
	}
	const shown = 5
	var names []string
	for _, route := range routes[:min(len(routes), shown)] {
		names = append(names, route.Method+" "+route.Path)
	}
	if more := len(routes) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: Install: the engine has routes that were registered before, and these have no cache: %s; call Install "+
		"before the routes are registered, or set Config.EarlierRoutes if they need none", argument.Err, strings.Join(names, ", "))
}

// NameOf returns the name that gin has for a handler.
func NameOf(handler gin.HandlerFunc) string {
	return runtime.FuncForPC(reflect.ValueOf(handler).Pointer()).Name()
}
