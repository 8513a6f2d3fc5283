package argument

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// Context returns the context that counts: of a *gin.Context, which is never done by itself, that of its request.
func Context(ctx context.Context) context.Context {
	if c, ok := ctx.(*gin.Context); ok {
		if c == nil || c.Request == nil {
			return context.Background()
		}
		return c.Request.Context()
	}
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// checkTarget refuses what no client sends of a path or a URL.
func checkTarget(target string) error {
	bare := strings.TrimSpace(target)
	if bare != "" && bare != target {
		return fmt.Errorf("%w: %.64q has blanks around it; give %.64q, with %%20 for a blank that is part of it", Err, target, bare)
	}
	if bare, _, fragment := strings.Cut(target, "#"); fragment && bare != "" { // RFC 9110 §7.1
		return fmt.Errorf("%w: %.64q has a fragment, which no client sends; give %.64q, with %%23 for a # that is part of it", Err,
			target, bare)
	}
	return nil
}

// PurgePath reads a path that is to be purged, which has no query. isPattern tells the patterns of the engine's routes.
func PurgePath(path string, isPattern func(string) bool) (*url.URL, error) {
	return barePath(path, isPattern, "give a path as clients ask for it, such as /products/7, or purge the prefix %.64q")
}

// PurgePrefix reads the beginning of the paths that are to be purged.
func PurgePrefix(prefix string, isPattern func(string) bool) (*url.URL, error) {
	return barePath(prefix, isPattern, "give the prefix %.64q, which is all paths that begin so")
}

func barePath(path string, isPattern func(string) bool, advice string) (*url.URL, error) {
	if bare, _, query := strings.Cut(path, "?"); query && strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("%w: %.64q has a query; give the path without its query, %.64q: all its queries are "+
			"purged (%%3F is a question mark that is part of the path)", Err, path, bare)
	}
	return readPath(path, isPattern, advice)
}

// readPath reads a path as clients ask for it, with its query. advice is what to give in place of a pattern, of whose beginning it may have
// the place.
func readPath(path string, isPattern func(string) bool, advice string) (*url.URL, error) {
	if err := checkTarget(path); err != nil {
		return nil, err
	}
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("%w: %.64q is not a path; give one that begins with \"/\", escaped as in a URL", Err, path)
	}
	raw, _, _ := strings.Cut(path, "?")
	if before, pattern := cutPattern(raw, isPattern); pattern {
		if strings.Contains(advice, "%") {
			advice = fmt.Sprintf(advice, before)
		}
		return nil, fmt.Errorf("%w: %.64q is the pattern of several paths; %s (%%3A and %%2A are a colon and an asterisk that are part of a path)",
			Err, path, advice)
	}
	return u, nil
}

// cutPattern tells whether a path is a pattern, and returns what stands before the first part of it that may be anything.
func cutPattern(path string, isPattern func(string) bool) (before string, pattern bool) {
	start := 0
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "*" || len(segment) > 1 && (segment[0] == ':' || segment[0] == '*') {
			return path[:start], true
		}
		start += len(segment) + 1
	}
	if i := strings.IndexAny(path, ":*"); i >= 0 && isPattern(path) {
		return path[:i], true
	}
	return "", false
}

// Page makes the request for a page that is to be refreshed, as a client would send it. isSecure tells whether the request of
// a context came by https, and isPattern the patterns of the engine's routes.
func Page(ctx context.Context, target string, isSecure func(*gin.Context) bool, isPattern func(string) bool) (*http.Request, error) {
	base := &url.URL{}
	if in, ok := ctx.(*gin.Context); ok && in != nil && in.Request != nil {
		base.Scheme, base.Host = "http", in.Request.Host
		if isSecure(in) {
			base.Scheme = "https"
		}
	}
	u, err := URL(base, target, ", or a path with the *gin.Context of a request")
	if err != nil {
		return nil, err
	}
	if _, err := readPath(u.RequestURI(), isPattern, "name one page, as clients ask for it"); err != nil {
		return nil, err
	}
	host := u.Host
	if port := u.Port(); port == "" || port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+port) // RFC 9110 §4.2.3
	}
	r := &http.Request{
		Method: http.MethodGet, Host: host, RequestURI: u.RequestURI(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody,
		URL: &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery},
	}
	if u.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: u.Hostname()}
	}
	return r.WithContext(valueless{Context(ctx)}), nil
}

// URL reads what names a page of a host: a URL, or a path where base has a host. or is what else would be right.
func URL(base *url.URL, target, or string) (*url.URL, error) {
	if err := checkTarget(WithoutUserInfo(target)); err != nil {
		return nil, err
	}
	u, err := url.Parse(target)
	named := err == nil && (u.Host != "" || strings.HasPrefix(target, "/"))
	if named {
		u.Host = strings.ToLower(u.Host) // as clients send it; a handler sees its case, so responses are kept by it
		u = base.ResolveReference(u)
	}
	if !named || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
		return nil, fmt.Errorf("%w: %.64q does not name a page of a host; give a URL such as https://example.com/products%s", Err,
			WithoutUserInfo(target), or)
	}
	return u, nil
}

// valueless is a context without its values: what middleware has put there of the client that asks for a refresh, such as a
// session, is none of the page's.
type valueless struct{ context.Context }

// Value returns nothing.
func (valueless) Value(any) any { return nil }

// WithoutUserInfo returns what is to be a URL for an error, without what may be a password, whether its slashes are right or not.
func WithoutUserInfo(target string) string {
	at, slashes := strings.LastIndexByte(target, '@'), strings.Index(target, "//")
	switch {
	case at < 0, strings.HasPrefix(target, "/") && slashes != 0: // none, or a path
		return target
	case slashes < 0 || at < slashes:
		return "…" + target[at:]
	}
	return target[:slashes] + "//…" + target[at:]
}
