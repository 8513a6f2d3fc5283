package cachette

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"weak"

	"github.com/gin-gonic/gin"
)

// installed are the engines that have a cache. It keeps none of them from being collected.
var installed engines

type engines struct {
	mu  sync.Mutex
	all map[weak.Pointer[gin.Engine]]weak.Pointer[Cache] // an engine's own handlers hold its cache
}

// claim notes that an engine is to have a cache. forget takes that back.
func (e *engines) claim(engine *gin.Engine) (forget func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := weak.Make(engine)
	if _, ok := e.all[key]; ok {
		return nil, ErrInstalled
	}
	if e.all == nil {
		e.all = make(map[weak.Pointer[gin.Engine]]weak.Pointer[Cache])
	}
	e.all[key] = weak.Pointer[Cache]{}
	forget = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.all, key)
	}
	runtime.AddCleanup(engine, func(struct{}) { forget() }, struct{}{})
	return forget, nil
}

// own notes which cache an engine has.
func (e *engines) own(engine *gin.Engine, cache *Cache) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[weak.Make(engine)] = weak.Make(cache)
}

// engineField is where a gin.Context holds its engine, which gin tells by no method; nil where a release of gin holds it elsewhere.
var engineField = func() []int {
	field, ok := reflect.TypeFor[gin.Context]().FieldByName("engine")
	if !ok || field.Type != reflect.TypeFor[*gin.Engine]() {
		return nil
	}
	return field.Index
}()

// cacheOf returns the cache of the engine that a context is of, or nil. It is for a context without the cache's own key, as that
// of a hit on the short way. A route that is older than the cache has none, as its chain of handlers shows; a copy has no chain.
func (e *engines) cacheOf(c *gin.Context) *Cache {
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
	if names := c.HandlerNames(); len(names) > 0 && !slices.Contains(names, nameOf(cache.middleware)) {
		return nil
	}
	return cache
}
