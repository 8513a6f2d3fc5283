package identity_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func init() { gin.SetMode(gin.TestMode) }

// site is an engine with a cache and all the rules, at each of its mounts, in this process and behind a socket.
type site struct {
	*http.ServeMux
	cache  *cachette.Cache
	data   *scopes
	socket string // the URL of the server
}

// newSite returns a site. everywhere puts a Cached around all routes of the engine.
func newSite(t testing.TB, cfg cachette.Config, data *scopes, everywhere bool) *site {
	t.Helper()
	engine := gin.New()
	engine.Use(recovery, outside)
	cfg.Logger = slog.New(slog.DiscardHandler)
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return cfg, nil })
	if err != nil {
		t.Fatal(err)
	}
	s := &site{ServeMux: http.NewServeMux(), cache: cache, data: data}
	if everywhere {
		engine.Use(cachette.Cached(ttlEverywhere))
	}
	for _, r := range rules() {
		s.mount(engine, r)
	}
	for i, w := range ways {
		s.rewrite(engine, w, i%2 == 0)
	}
	s.Handle("/", engine)
	for _, prefix := range []string{"/mnt/a", "/mnt/b"} {
		s.Handle(prefix+"/", http.StripPrefix(prefix, engine))
	}
	server := httptest.NewServer(s)
	s.socket = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var unsafeMethods = []string{http.MethodPost, http.MethodPut, http.MethodDelete}

// mount registers the route of a rule, for all methods.
func (s *site) mount(engine *gin.Engine, r *rule) {
	var chain []gin.HandlerFunc
	if r.outside != nil {
		chain = append(chain, r.outside)
	}
	for _, l := range r.layers {
		chain = append(chain, l.handler())
		if r.between != nil {
			chain = append(chain, r.between)
		}
	}
	chain = append(chain, func(c *gin.Context) { s.answer(c, r) })
	engine.Match(append(unsafeMethods, http.MethodGet, http.MethodHead), "/"+r.name+"/*page", chain...)
}

// rewrite registers the prefix of a way: its handler takes it off, and has the engine go on with what is left.
func (s *site) rewrite(engine *gin.Engine, w way, inPlace bool) {
	if w.prefix == "" || w.mount != "" {
		return
	}
	pattern := w.prefix + "/*rest"
	if w.tenant {
		pattern = w.prefix + "/:tenant/*rest"
	}
	var chain []gin.HandlerFunc
	for _, l := range w.layers {
		chain = append(chain, l.handler())
	}
	chain = append(chain, func(c *gin.Context) {
		if !inPlace {
			clone(c)
		}
		if w.tenant {
			c.Request.Header.Set("X-Tenant", c.Param("tenant"))
		}
		c.Request.URL.Path, c.Request.URL.RawPath = c.Param("rest"), ""
		engine.HandleContext(c)
	})
	engine.Match(append(unsafeMethods, http.MethodGet, http.MethodHead), pattern, chain...)
}

// recovery turns a panic into a 500.
func recovery(c *gin.Context) {
	defer func() {
		if recover() != nil {
			c.AbortWithStatus(http.StatusInternalServerError)
		}
	}()
	c.Next()
}

// outside stands before the cache, and tells on each answer which request it is for. Once that has gone out, it spoils the header.
func outside(c *gin.Context) {
	c.Header("X-Request", c.GetHeader("X-Run"))
	c.Next()
	if c.Writer.Written() {
		spoil(c.Writer.Header())
	}
}

// visit sets a cookie that is for one client.
func visit(c *gin.Context) { c.Header("Set-Cookie", "visit="+c.GetHeader("X-Run")) }

// visitLate sets it as the header goes out, as middleware that keeps sessions does.
func visitLate(c *gin.Context) {
	outer := c.Writer
	defer func() { c.Writer = outer }()
	c.Writer = lateCookie{outer, c.GetHeader("X-Run")}
	c.Next()
}

type lateCookie struct {
	gin.ResponseWriter
	run string
}

func (w lateCookie) commit() {
	if !w.Written() {
		w.Header().Set("Set-Cookie", "visit="+w.run)
	}
}

func (w lateCookie) WriteHeaderNow() {
	w.commit()
	w.ResponseWriter.WriteHeaderNow()
}

func (w lateCookie) Write(b []byte) (int, error) {
	w.commit()
	return w.ResponseWriter.Write(b)
}

func (w lateCookie) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w lateCookie) Flush() {
	w.commit()
	w.ResponseWriter.Flush()
}

// varyOutside says for all that is behind it what it varies by.
func varyOutside(c *gin.Context) { c.Header("Vary", "X-Kind") }

// clone gives the handlers behind it a request of their own.
func clone(c *gin.Context) { c.Request = c.Request.Clone(c.Request.Context()) }

// sawOf returns what a handler sees of its request.
func sawOf(c *gin.Context) traits {
	r := c.Request
	t := traits{
		authorization: r.Header.Get("Authorization"), cookie: r.Header.Get("Cookie"), tenant: r.Header.Get("X-Tenant"),
		kind: r.Header.Get("X-Kind"), scheme: "http", host: r.Host, came: r.RequestURI, path: r.URL.Path,
	}
	if r.TLS != nil {
		t.scheme = "https"
	}
	return t
}

// answer is the handler of each rule. What it answers is a page that says what it saw, and which data it read first.
func (s *site) answer(c *gin.Context, r *rule) {
	saw := sawOf(c)
	p := page{route: r.name, status: http.StatusOK, saw: saw, run: "-"}
	if r.shows != nil {
		p.saw = r.shows(saw)
	}
	fault := c.GetHeader("X-Fault")
	if r.ranges && (fault == "short" || fault == "half panic") {
		fault = "" // net/http writes its pages
	}
	safe := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	if !safe && fault == "" {
		s.change(c, saw)
	}
	p.read = s.data.read(saw.host, saw.path, saw.came)
	number := len(saw.path) + strings.Count(saw.path, "1")
	if len(r.vary) > 0 {
		p.vary = r.vary[number%len(r.vary)]
		if !r.varies {
			c.Header("Vary", p.vary)
		}
	}
	p.spoilt = spoilt(c, r, fault)
	if r.odd404 && number%2 == 1 {
		p.status = http.StatusNotFound
	}
	if r.apart || !safe || p.spoilt != "" {
		p.run = c.GetHeader("X-Run")
	}
	linger(c.GetHeader("X-Slow"))
	if run := c.GetHeader("X-Run"); r.breaks && safe && fault == "" && strings.ContainsAny(run[len(run)-1:], "012357") {
		fault = "503"
	}
	if s.fails(c, &p, fault) {
		return
	}
	if r.control != "" {
		c.Header("Cache-Control", r.control)
	}
	if r.cookie {
		c.Header("Set-Cookie", "login="+p.run)
	}
	if !safe {
		s.changed(c, r, &p)
		return
	}
	r.send(c, &p, fault)
}

// spoilt tells why an answer is for none but the client that it is made for.
func spoilt(c *gin.Context, r *rule, fault string) string {
	switch {
	case c.Request.Method == http.MethodGet && slices.Contains(lateFaults, fault):
		return fault
	case c.GetHeader("Cache-Control") == "no-store" && r.name != "quiet":
		return "no-store"
	}
	return ""
}

// change changes what a request that is not safe is for, and tells the version; of another page too, if the client says so.
func (s *site) change(c *gin.Context, saw traits) {
	c.Header("X-Changed", strconv.FormatInt(s.data.on(saw.host, pathOf(saw.came)).change(), 10))
	if other := c.GetHeader("X-Other"); other != "" {
		c.Header("X-Changed-Other", strconv.FormatInt(s.data.on(saw.host, pathOf(other)).change(), 10))
		c.Header("Location", other)
	}
}

// changed answers a request that is not safe.
func (s *site) changed(c *gin.Context, r *rule, p *page) {
	text := p.String()
	if !r.posts {
		c.Header("X-Page", text)
		c.Status(http.StatusNoContent)
		return
	}
	c.Header("Content-Location", p.saw.came)
	r.write(c, p, text)
}

// linger lets others go on, so many times.
func linger(times string) {
	n, _ := strconv.Atoi(times)
	for range n {
		runtime.Gosched()
	}
}

// fails has the handler fail before it answers, if the client says so, and tells whether it did.
func (s *site) fails(c *gin.Context, p *page, fault string) bool {
	switch fault {
	case "panic":
		panic("as the client says")
	case "cut off":
		panic(http.ErrAbortHandler)
	case "403", "500", "503":
		p.status, _ = strconv.Atoi(fault)
		p.run = c.GetHeader("X-Run")
		s.data.failed.Store(p.run, s.data.floors(p.saw.host, p.saw.path, p.saw.came))
		text := p.String()
		c.Header("X-Page", text)
		c.String(p.status, "%s", bodyOf(text, false))
		if fault == "403" {
			c.Abort()
		}
		return true
	}
	return false
}

// send answers with a page, or with what a client's preconditions leave of it.
func (r *rule) send(c *gin.Context, p *page, fault string) {
	text := p.String()
	c.Header("X-Page", text)
	if !r.untagged {
		c.Header("ETag", tagOf(text))
		if strings.Contains(c.GetHeader("If-None-Match"), tagOf(text)) {
			c.Status(http.StatusNotModified)
			return
		}
	}
	body := bodyOf(text, r.large)
	c.Writer.Header()["X-Line"] = []string{text + "#1", text + "#2"}
	switch {
	case fault == "short":
		c.Header("Content-Length", strconv.Itoa(len(body)+10))
	case r.length:
		c.Header("Content-Length", strconv.Itoa(len(body)))
	}
	if r.ranges {
		c.Header("Content-Type", "text/plain")
		http.ServeContent(c.Writer, c.Request, "", zeroTime, strings.NewReader(body))
	} else {
		r.write(c, p, text)
	}
	switch fault {
	case "late panic":
		panic("as the client says")
	case "late error":
		_ = c.Error(http.ErrAbortHandler)
	case "no store":
		cachette.NoStore(c)
	}
	if r.takes {
		cachette.NoStore(c)
	}
}

// write writes a page in two parts, from a buffer that it uses again, and spoils its header values behind it: what is sent, or
// kept, is what was there when it was written.
func (r *rule) write(c *gin.Context, p *page, text string) {
	body := bodyOf(text, r.large)
	c.Header("X-Page", text)
	c.Header("Content-Type", "text/plain")
	c.Status(p.status)
	buffer := make([]byte, len(body))
	for _, half := range []string{body[:len(body)/3], body[len(body)/3:]} {
		n := copy(buffer, half)
		if _, err := c.Writer.Write(buffer[:n]); err != nil {
			return
		}
		clear(buffer)
		if c.GetHeader("X-Fault") == "half panic" {
			panic("as the client says")
		}
		if r.flushes {
			c.Writer.Flush()
		}
		linger(c.GetHeader("X-Slow"))
	}
	spoil(c.Writer.Header())
}

// spoil edits the values of a header in place, as middleware does: neither what is stored nor what others get is made of them. It
// leaves Content-Type, for which gin has values that all answers share.
func spoil(h http.Header) {
	for name, values := range h {
		for i := 0; i < len(values) && name != "Content-Type"; i++ {
			values[i] = "spoiled"
		}
	}
}
