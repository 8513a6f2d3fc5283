package serve

import (
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// A QUERY (RFC 10008), and a POST of a route that says that it only reads, are answered by their content. It is read before they are
// looked up, and handlers are given it as it came. What is longer than what is kept of a body passes by: what was read of it is handed on,
// and the rest comes from the client as ever.

// byContent tells whether requests with a method are answered by their content.
func (rt *Route) byContent(method string) bool {
	return method == rfc9111.MethodQuery || method == http.MethodPost && rt.BodyKey
}

// lookable tells whether requests with a method are answered by the cache.
func (rt *Route) lookable(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || rt.byContent(method)
}

// byContent tells whether the request is answered by its content.
func (x *exchange) byContent() bool { return x.around.rt.byContent(x.request.Method) }

// admit tells why a request goes past the cache; nothing for one that does not, of which it reads the content where that is in the key. read is to be
// freed when the request is answered.
func (s *Server) admit(c *gin.Context, in *around) (why rfc9111.Refusal, read *content) {
	if why = s.bypassed(c, in); why != "" || !in.rt.byContent(c.Request.Method) {
		return why, nil
	}
	of := unread(c.Request.Body)
	if of == nil {
		of = s.readContent(c, in.rt.bodyLimit(s))
		read = of
	}
	if of.why == "" {
		in.addContent(of.key(c))
	}
	return of.why, read
}

// addContent adds a content to what the key has, unless it is the one that a route outside has added.
func (a *around) addContent(key string) {
	if last := appendText("", key); !strings.HasSuffix(a.contents, last) {
		a.contents += last
	}
}

// content is what was read of the content of a request. It does not change.
type content struct {
	bytes  []byte
	sum    [sha256.Size]byte // of them
	before []byte            // a digest of what was read of it by others, and is not what is left of it; nil for nothing
	why    rfc9111.Refusal   // why it is no key, where it is none: it was not read whole
	budget *budget           // that has room for it
}

// readContent reads the content of a request as far as limit, and gives the request a body from which it comes as before.
func (s *Server) readContent(c *gin.Context, limit int64) *content {
	r := c.Request
	of := &content{budget: &s.contents}
	came := r.Body
	if t, ok := came.(*tap); ok {
		came = t.ReadCloser // what is read here is not read by others
	}
	before, tapped := readBefore(c)
	b := &body{of: of, came: came, end: io.EOF}
	switch {
	case came == nil || came == http.NoBody:
		b = nil
	case r.ContentLength > limit:
		of.why = bypassedContentSize
		b.goesOn = true
	default:
		of.read(b, r.ContentLength, limit)
	}
	of.sum = sha256.Sum256(of.bytes)
	if before.n > 0 && (before.n != int64(len(of.bytes)) || before.sum != of.sum) { // else it was put back as it came
		of.before = before.sum[:]
	}
	if of.why == "" && of.lacks(c, before.n, tapped) {
		of.why = bypassedContent
	}
	if b != nil {
		r.Body = b
	}
	return of
}

// firstRead is how many bytes of a content there is room for at first.
const firstRead = 2048

// read reads from the client what a body is to hand on.
func (of *content) read(b *body, declared, limit int64) {
	room := int64(firstRead)
	if declared >= 0 {
		room = min(room, declared+1) // the last one is for the end to be seen
	}
	for {
		grown, ok := of.budget.grow(of.bytes, int(room))
		if !ok {
			of.why, b.goesOn = bypassedContentRoom, true
			return
		}
		n, err := b.came.Read(grown[len(grown):cap(grown)])
		of.bytes = grown[:len(grown)+n]
		switch {
		case int64(len(of.bytes)) > limit:
			of.why, b.goesOn = bypassedContentSize, err == nil
			b.ends(err)
			return
		case err != nil:
			if b.ends(err); err != io.EOF {
				of.why = bypassedContent
			}
			return
		}
		if len(of.bytes) == cap(of.bytes) {
			room = min(int64(cap(of.bytes)), limit+1-int64(len(of.bytes)))
		} else {
			room = 0
		}
	}
}

// lacks tells whether something of the content was read before, and cannot be known: by what stands around the engine, or before it was known that the
// route is answered by its content.
func (of *content) lacks(c *gin.Context, before int64, tapped bool) bool {
	r, n := c.Request, before+int64(len(of.bytes))
	switch {
	case r.ContentLength > n:
		return true
	case r.ContentLength == 0, before > 0:
		return false
	}
	return n == 0 || !tapped && (r.ContentLength < 0 || contentRead(c))
}

// key returns what the key has of the content.
func (of *content) key(c *gin.Context) string {
	r := c.Request
	t := target.Content{
		Method: r.Method, Header: r.Header, Trailer: r.Trailer, Declared: r.ContentLength, Length: int64(len(of.bytes)), Sum: of.sum, Before: of.before,
	}
	return t.Key()
}

// again returns a body for another request with the same content.
func (of *content) again() io.ReadCloser {
	if len(of.bytes) == 0 {
		return http.NoBody
	}
	return &body{of: of, came: http.NoBody, end: io.EOF}
}

// hold takes room for the content for as long as another request has it, and tells whether there is some.
func (of *content) hold() bool { return of == nil || of.budget == nil || of.budget.take(cap(of.bytes)) }

// free gives the room back.
func (of *content) free() {
	if of != nil && of.budget != nil {
		of.budget.take(-cap(of.bytes))
	}
}

// contentOf returns the content of a request that was read, and can be sent once more; nil for none.
func contentOf(r *http.Request) *content {
	if b, ok := r.Body.(*body); ok && b.of.why == "" && b.of.before == nil {
		return b.of
	}
	if r.ContentLength == 0 {
		return new(content)
	}
	return nil
}

// content returns the content by which the request is answered, where it can be sent once more; nil for none.
func (x *exchange) content() *content {
	if !x.byContent() {
		return nil
	}
	return contentOf(x.request)
}

// unread returns the content of a body of which nothing was handed on; nil for another.
func unread(r io.Reader) *content {
	if t, ok := r.(*tap); ok && t.n == 0 {
		r = t.ReadCloser
	}
	if b, ok := r.(*body); ok && b.at == 0 && !b.closed.Load() && !b.gone {
		return b.of
	}
	return nil
}

// body is the body of a request whose content was read: it hands on what was read, and what comes behind that, or how it ended.
type body struct {
	of     *content
	at     int           // how many of its bytes were handed on
	came   io.ReadCloser // the body as it came
	goesOn bool          // more comes from there
	gone   bool          // some of that was handed on
	end    error         // with which it ends
	closed atomic.Bool
}

// ends notes how the body ended.
func (b *body) ends(err error) {
	if err != nil {
		b.end = err
	}
}

// Read reads what comes next.
func (b *body) Read(p []byte) (n int, err error) {
	switch {
	case b.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case len(p) == 0:
		return 0, nil
	case b.at < len(b.of.bytes):
		n = copy(p, b.of.bytes[b.at:])
		b.at += n
		return n, nil
	case b.goesOn:
		b.gone = true
		return b.came.Read(p)
	}
	return 0, b.end
}

// Close closes the body that came.
func (b *body) Close() error {
	b.closed.Store(true)
	return b.came.Close()
}

// budget is the memory that contents may take up together.
type budget struct {
	limit int64
	taken atomic.Int64
}

// take takes so many bytes, or gives them back, where n is negative, and tells whether there is room.
func (b *budget) take(n int) bool {
	if b.taken.Add(int64(n)) <= b.limit || n <= 0 {
		return true
	}
	b.taken.Add(int64(-n))
	return false
}

// grow returns bytes with room for n more.
func (b *budget) grow(bytes []byte, n int) ([]byte, bool) {
	if n == 0 || !b.take(n) {
		return bytes, n == 0
	}
	grown := make([]byte, len(bytes), cap(bytes)+n)
	copy(grown, bytes)
	return grown, true
}

// tap is the body of a request that may be answered by its content, from the engine's middleware on: what others read of it before it comes to
// Cached they may have left to handlers, so it has to be in the key.
type tap struct {
	io.ReadCloser
	n   int64
	sum hash.Hash
}

// tapKey is the key of a tap in a gin.Context.
type tapKey struct{}

// passage is what was read by a tap.
type passage struct {
	n   int64
	sum [sha256.Size]byte
}

// readBefore returns what was read of a request's content since it came to the engine, and whether that is known.
func readBefore(c *gin.Context) (p passage, known bool) {
	value, known := c.Get(tapKey{})
	if !known {
		return p, c.Request.Method == rfc9111.MethodQuery // which had none
	}
	t := value.(*tap)
	p.n = t.n
	t.sum.Sum(p.sum[:0])
	return p, true
}

// Read reads, and notes what was read.
func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.n += int64(n)
	t.sum.Write(p[:n])
	return n, err
}

// tap notes what is read of a request's body from now on, where its content may be in the key.
func (s *Server) tap(c *gin.Context) {
	r := c.Request
	if r.Method != rfc9111.MethodQuery && !(r.Method == http.MethodPost && s.readsBy(c.FullPath())) || r.Body == nil || r.Body == http.NoBody {
		return
	}
	t, ok := r.Body.(*tap)
	if !ok {
		t = &tap{ReadCloser: r.Body, sum: sha256.New()}
		r.Body = t
	}
	c.Set(tapKey{}, t)
}

// readsBy tells whether POST of a route is known to only read.
func (s *Server) readsBy(pattern string) bool {
	_, reads := s.reads.Load(pattern)
	return reads
}

// reading notes that a POST only reads, as those of its route do.
func (s *Server) reading(c *gin.Context) {
	if !s.readsBy(c.FullPath()) {
		s.reads.Store(c.FullPath(), true)
	}
	w := writeOf(c)
	if w == nil || w.reads.Swap(true) {
		return
	}
	if len(w.outdates()) > 0 {
		s.tellOnce("reads", c.FullPath(), "cachette: a route with WithBodyKey has Invalidates or InvalidatesFrom, by which nothing is invalidated, since its "+
			"POST only reads; take off the one that is wrong")
	}
}
