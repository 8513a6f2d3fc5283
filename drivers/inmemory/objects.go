package inmemory

import (
	"time"
	"unsafe"
)

// GetObject returns the object stored under key, as it was at now. It allocates nothing and never blocks.
func (d *Driver) GetObject(key []byte, now time.Time) (any, bool) {
	cache := d.store.Load()
	if cache == nil {
		return nil, false
	}
	// otter notes which entry was read, not by which key, so the bytes are looked at during this call alone.
	e, ok := cache.GetIfPresent(unsafe.String(unsafe.SliceData(key), len(key)))
	if !ok || !e.live(now.Sub(d.start)) {
		return nil, false
	}
	switch e.value.(type) {
	case byteString, *log:
		return nil, false
	}
	return e.value, true
}

// PutObject stores object under key for ttl, weighing size bytes, and reports whether it did. It does not when ttl is
// not positive, when the entry alone exceeds the memory limit or takes 4 GiB or more, or when the driver is closed. An
// object that does not fit takes what was stored under key with it, as in [Driver.Set].
func (d *Driver) PutObject(key string, object any, size int, ttl time.Duration) bool {
	cache := d.store.Load()
	if cache == nil || ttl <= 0 {
		return false
	}
	size = max(size, 0)
	if int64(size) > d.budget.room(key) {
		cache.Invalidate(key)
		return false
	}
	d.put(cache, key, object, size, ttl) // the key is kept: an object has it as well, as a rule
	return true
}
