// Package gateway is a gin handler that forwards a request to one HTTP/1.1 server and hands the response back as it
// came: a reverse proxy without opinions, so that whatever a test sees was done by the cache in front of it.
//
// It speaks HTTP/1.1 over a socket of its own, since net/http's client hides or refuses what a cache must cope with:
// an unknown Transfer-Encoding, for one.
package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// exchangeTimeout bounds one exchange with the upstream server, so that a server that neither answers nor closes
// does not hold a request for ever.
const exchangeTimeout = 30 * time.Second

// Forward returns a handler that sends each request to the server that listens on addr ("host:port") and answers with
// what that server answers. Status, header fields and body pass unchanged but for the framing of a message and what
// concerns the upstream connection alone (RFC 9110, section 7.6.1): Transfer-Encoding, and a Connection field that says
// no more than close or keep-alive. Interim responses pass too (RFC 9110, section 15.2).
//
// The answer is 502 Bad Gateway where the server cannot be reached, sends no response or sends one that makes no sense.
// Where a response breaks off in the middle the handler panics with [http.ErrAbortHandler], so that the client sees
// that it is incomplete.
func Forward(addr string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := forward(c, addr); err != nil {
			if c.Writer.Written() {
				panic(http.ErrAbortHandler)
			}
			c.String(http.StatusBadGateway, "Bad Gateway: %v\n", err)
		}
	}
}

func forward(c *gin.Context, addr string) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), exchangeTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	// A connection that is closed ends the reads and writes that wait on it.
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	if err := writeRequest(conn, c.Request); err != nil {
		return fmt.Errorf("sending the request: %w", err)
	}
	response, err := readResponse(bufio.NewReader(conn), c.Request.Method, func(status int, header http.Header) {
		writeInterim(c.Writer, status, header)
	})
	if err != nil {
		return fmt.Errorf("reading the response: %w", err)
	}

	header := c.Writer.Header()
	for name, values := range response.header {
		header[name] = append(header[name], values...)
	}
	c.Status(response.status)
	c.Writer.WriteHeaderNow()
	_, err = io.Copy(c.Writer, response.body)
	return err
}

// notForwarded are the request fields that belong to the client's connection. The upstream connection gets its own.
var notForwarded = map[string]bool{
	"Connection":        true,
	"Content-Length":    true,
	"Expect":            true, // net/http answers it when the body is read
	"Transfer-Encoding": true,
}

// writeRequest asks the server to close after its response: one connection for each exchange, so that a body that
// only the end of the connection delimits needs nothing special.
func writeRequest(conn io.Writer, r *http.Request) error {
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.Host)
	if err := r.Header.WriteSubset(w, notForwarded); err != nil {
		return err
	}
	io.WriteString(w, "Connection: close\r\n")

	switch {
	case r.ContentLength < 0:
		io.WriteString(w, "Transfer-Encoding: chunked\r\n\r\n")
		body := httputil.NewChunkedWriter(w)
		if _, err := io.Copy(body, r.Body); err != nil {
			return err
		}
		body.Close()
		io.WriteString(w, "\r\n") // no trailers
	case r.ContentLength > 0:
		fmt.Fprintf(w, "Content-Length: %d\r\n\r\n", r.ContentLength)
		if _, err := io.Copy(w, r.Body); err != nil {
			return err
		}
	case r.Header.Get("Content-Length") != "":
		io.WriteString(w, "Content-Length: 0\r\n\r\n")
	default:
		io.WriteString(w, "\r\n")
	}
	return w.Flush()
}

// response is a final response whose body has yet to be read.
type response struct {
	status int
	header http.Header
	body   io.Reader
}

// readResponse reads up to the final response's body, and gives each interim response before it to interim.
func readResponse(r *bufio.Reader, method string, interim func(int, http.Header)) (response, error) {
	for {
		status, header, err := readHead(r)
		if err != nil {
			return response{}, err
		}
		switch {
		case status == http.StatusContinue:
			// For this hop alone, and nothing here waits for it.
		case status == http.StatusSwitchingProtocols:
			return response{}, errors.New("the server switches protocols")
		case status < 200:
			interim(status, header)
		default:
			body, err := bodyOf(r, method, status, header)
			return response{status, header, body}, err
		}
	}
}

// readHead reads a status line and a header section (RFC 9112, sections 4 and 5).
func readHead(r *bufio.Reader) (int, http.Header, error) {
	lines := textproto.NewReader(r)
	line, err := lines.ReadLine()
	if err != nil {
		return 0, nil, noEOF(err)
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(code) != 3 || status < 100 {
		return 0, nil, fmt.Errorf("malformed status line %q", line)
	}
	header, err := lines.ReadMIMEHeader()
	if err != nil {
		return 0, nil, noEOF(err)
	}
	dropHopOnly(header)
	return status, http.Header(header), nil
}

// dropHopOnly removes what the server says about its own connection and nothing else. A Connection field with other
// options in it is the origin's, and what to do with it is for the cache to know.
func dropHopOnly(header textproto.MIMEHeader) {
	kept := header["Connection"][:0]
	for _, value := range header["Connection"] {
		if !strings.EqualFold(value, "close") && !strings.EqualFold(value, "keep-alive") {
			kept = append(kept, value)
		}
	}
	if len(kept) == 0 {
		delete(header, "Connection")
	} else {
		header["Connection"] = kept
	}
}

// bodyOf finds where a response's body ends (RFC 9112, section 6.3) and takes the message's own framing out of header.
func bodyOf(r *bufio.Reader, method string, status int, header http.Header) (io.Reader, error) {
	codings := header["Transfer-Encoding"]
	delete(header, "Transfer-Encoding")
	if method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return http.NoBody, nil
	}
	if len(codings) > 0 {
		delete(header, "Content-Length") // the transfer coding rules
		list := strings.ToLower(strings.Join(codings, ","))
		if last := strings.LastIndex(list, ","); strings.TrimSpace(list[last+1:]) != "chunked" {
			return r, nil // until the server closes, as for any coding that is not known
		} else if strings.Trim(list[:last+1], " \t,") != "" {
			return nil, fmt.Errorf("no decoder for transfer coding %q", list)
		}
		return httputil.NewChunkedReader(r), nil
	}
	lengths := header["Content-Length"]
	if len(lengths) == 0 {
		return r, nil
	}
	length, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil {
		return nil, fmt.Errorf("malformed Content-Length %q", lengths[0])
	}
	for _, other := range lengths[1:] {
		if other != lengths[0] {
			return nil, fmt.Errorf("contradicting Content-Length fields %q", lengths)
		}
	}
	return &exactReader{r, int64(length)}, nil
}

// exactReader reads left bytes and takes an earlier end for an error.
type exactReader struct {
	r    io.Reader
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if e.left > 0 {
		err = noEOF(err)
	}
	return n, err
}

// noEOF says that the end of the connection came too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeInterim sends an interim response at once. Gin's writers only note a status, so it goes to the writer under
// them, whose header is the final response's too and gets back what it had.
func writeInterim(w http.ResponseWriter, status int, fields http.Header) {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	header := w.Header()
	final := maps.Clone(header)
	clear(header)
	maps.Copy(header, fields)
	w.WriteHeader(status)
	clear(header)
	maps.Copy(header, final)
}
