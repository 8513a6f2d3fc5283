package cachette

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/audit"
	"github.com/gin-cachette/cachette/internal/options"
)

// WithAudit has the handlers of a part of the route's hits run in the background, from 0 for none to 1 for all, and what they answer compared with
// what was served: it is to find pages that depend on what is not in their key, so that clients are given what was made for others. It goes
// before [Config.Audit].
//
// The request goes through the engine as the client's did, with its own cookies and other fields, and then a few times more, each time without one
// thing of it: a cookie, a field, a value of c.Keys, the client's address. Nothing of one client goes into the request of another. What is
// answered is seen by no client, not stored and not counted, nor are values that it would put or remember, and a cause is told once in the log, by names alone, never by what it
// holds. [Cache.AuditReport] has it all.
//
// So handlers, and the middleware before Cached, run more often than clients ask: about three times for a hit that is audited and right, and eight for
// one that is wrong. They answer GET, which is to change nothing (RFC 9110 §9.2.1). Four audits are under way at most; see docs/audit.md.
func WithAudit(rate float64) Option { return routeOption{options.Audit(rate)} }

// WithAuditNormaliser takes out of responses what may differ from one to the next, as a nonce, before audits compare them. It may change the header, and
// returns the body to compare; both are copies, and it is called at any time, by several goroutines at once. Several of them all count, one after
// the other. Fields such as Date, Expires, Set-Cookie and X-Request-Id are never compared.
func WithAuditNormaliser(normalise func(header http.Header, body []byte) []byte) Option {
	return routeOption{options.AuditNormaliser(normalise)}
}

// WithDryRun serves nothing of a route from the cache, and says what it would have served: for a week before it is switched on. Each request is looked up
// and judged as always, and its handler runs and answers it. What would have been a hit has fwd=bypass and detail=dry-run in its
// Cache-Status, and the answer is compared with what is stored, which stays; else the answer is stored as usual, and neither shared with those that wait, nor
// validated. So a handler runs as often as without a cache. [Cache.AuditReport] counts hits that would have been, and those that would have been
// wrong. The cause of each that is wrong is looked for as by [WithAudit], which says, or [Config.Audit] does, with which part of those that are right the
// same is done.
func WithDryRun() Option { return routeOption{options.DryRun()} }

// AuditReport returns what audits have found so far, by route: how many requests were hits, how many of these were compared and differed, on
// what the responses depend that is not in their key, and what to do. It works after Close, too.
func (c *Cache) AuditReport() audit.Report { return c.server.Audited() }

// ReportHandler returns a handler that answers with [Cache.AuditReport]: as text, or as JSON where the client prefers that. It is to be mounted on
// a group that only operators reach, as admin.GET("/report", cache.ReportHandler()).
func (c *Cache) ReportHandler() gin.HandlerFunc {
	return func(ctx *gin.Context) {
		ctx.Header("Cache-Control", "no-store")
		report := c.AuditReport()
		if ctx.NegotiateFormat(gin.MIMEPlain, gin.MIMEJSON) == gin.MIMEJSON {
			ctx.JSON(http.StatusOK, report)
			return
		}
		ctx.String(http.StatusOK, "%s", report)
	}
}
