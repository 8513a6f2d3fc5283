// Package cachette caches the responses of gin routes, and values, in memory or in a store that services share.
//
// [Install] puts one cache on an engine. [Cached] wraps GET routes: whole responses are kept, by host, path and query, for
// as long as the response itself or the route says, and served to the clients that HTTP caching lets have them (RFC 9111).
// [Get] hands the cache to a handler that wants to keep values of its own.
//
//	r := gin.Default()
//	cache, err := cachette.Install(r, cachette.FromEnv)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer cache.Close()
//
//	r.GET("/products", cachette.Cached(time.Minute), listProducts)
//
// # What is never cached
//
// A response is kept only when a shared cache may keep it: it is not marked no-store or private, sets no cookie, does not
// vary by "*", and does not answer a request with Authorization unless it says that it is for everybody. It must have ended
// well, too: a handler that panics, aborts with an error or is cut off leaves nothing behind. [WithIdentity] keeps what is for
// one user for that user, and [NoStore] keeps nothing of one response.
//
// A page that differs by a cookie, a session or a header of its own and does not say so, in Vary or by being private, looks
// the same as any other, and every client gets it: say so, or key the route by [WithIdentity], [WithCookie], [WithVary] or
// [WithKeyPart].
//
// # Guards
//
// Whatever stands after [Cached] is skipped on a hit. What checks who asks belongs before it:
//
//	r.GET("/orders", requireUser, cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), listOrders)
//
// The file docs/safety.md tells what is in the key of a response, what is not, and what to do about it.
//
// # Stores and codecs
//
// This package links the in-memory store and the vanilla and json codecs. The others are linked by a blank import, as
// with database/sql, and chosen by name in [Config], or made by their own constructors and put there as they are.
package cachette
