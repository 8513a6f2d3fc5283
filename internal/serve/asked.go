package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Asked returns a request about which a program asks as a server would have it.
func (s *Server) Asked(ctx context.Context, r *http.Request) (*http.Request, error) {
	if r == nil || r.URL == nil {
		return nil, fmt.Errorf("%w: the request is nil, or has no URL; give one of http.NewRequest", argument.Err)
	}
	if r.RequestURI != "" {
		asked := r.Clone(ctx)
		return asked, s.copyContent(asked, r)
	}
	asked, err := argument.Page(ctx, r.URL.String(), s.Secure, s.HasPattern)
	if err != nil {
		return nil, err
	}
	asked.Method, asked.Header, asked.RemoteAddr = r.Method, r.Header.Clone(), r.RemoteAddr
	if asked.Method == "" {
		asked.Method = http.MethodGet
	}
	if asked.ContentLength = r.ContentLength; r.ContentLength == 0 && r.Body != nil && r.Body != http.NoBody { // as a client sends it then
		asked.ContentLength = -1
	}
	return asked, s.copyContent(asked, r)
}

// copyContent gives a request the content of the one that is asked about, where that may be in the key, and leaves the latter with it.
func (s *Server) copyContent(asked, r *http.Request) (err error) {
	if asked.Body = http.NoBody; asked.Method != http.MethodPost && asked.Method != rfc9111.MethodQuery {
		return nil
	}
	asked.Body, r.Body, err = argument.Content(r.Body, s.contents.limit)
	return err
}

// String tells the parts of a key to a person, in one line.
func (p *KeyParts) String() string {
	told := fmt.Sprintf("%s, host %q, path %q", p.Scheme, p.Host, p.Path)
	if p.Came != "" {
		told += fmt.Sprintf(" (asked for as %q)", p.Came)
	}
	if p.Query != "" {
		told += fmt.Sprintf(", query %q", p.Query)
	}
	if p.Declared != "" {
		told += fmt.Sprintf(" by No-Vary-Search %q", p.Declared)
	}
	if len(p.Namespaces) > 0 {
		told += fmt.Sprintf(", namespace %q", p.Namespaces[0])
	}
	for _, digest := range []struct {
		of   string
		isIn bool
	}{{"the service", p.Service}, {"whom it is for", p.Identity}, {"the content of the request", p.Content}, {"what the route says of the request", p.Part}, {"the fields that the response varies by", p.Varies}} {
		if digest.isIn {
			told += ", and a digest of " + digest.of
		}
	}
	return told
}

// FieldOf returns JSON for a field of a response, which is visible ASCII (RFC 9110 §5.5), as the escapes of JSON are.
func FieldOf(text string) string {
	var field strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit < utf8.RuneSelf && unit != '\x7f' { // a control character, which JSON lets stand
			field.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&field, `\u%04x`, unit)
		}
	}
	return field.String()
}
