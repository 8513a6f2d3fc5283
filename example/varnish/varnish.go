package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// varnish is a Varnish in front of the program, with default.vcl. What is purged here is banned there.
type varnish struct {
	url    string        // of its root
	again  time.Duration // how long the program may take to answer Varnish
	client http.Client
}

func newVarnish(url string) *varnish {
	return &varnish{url: url, again: 2 * time.Second, client: http.Client{Timeout: time.Second}}
}

// named tells Varnish which page a response is of. A URL can be written in several ways, and Varnish keeps a response for each.
func named(c *gin.Context) { c.Header("X-Page", canonical(c.Request.URL.EscapedPath())) }

// canonical returns the one form of a path. What is no path is left as it is.
func canonical(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return (&url.URL{Path: plain}).EscapedPath()
}

// purged bans what was purged, before the client of the request that changed it has its answer. It does so once more when answers that the
// program had begun before are over, since Varnish may have stored one of them meanwhile.
func (v *varnish) purged(p cachette.Purge) {
	all := bans(p)
	v.ban(all)
	time.AfterFunc(v.again, func() { v.ban(all) })
}

func (v *varnish) ban(all []string) {
	for _, expression := range all {
		if err := v.send(expression); err != nil {
			log.Printf("varnish: ban %s: %v", expression, err)
		}
	}
}

// bans returns what to ban for a purge. Varnish knows nothing of namespaces and parts of keys, so that all it has goes with them; responses
// for an identity are private, and it has none.
func bans(p cachette.Purge) (all []string) {
	if p.Everything || len(p.Namespaces) > 0 || len(p.KeyParts) > 0 {
		return []string{"obj.status != 0"}
	}
	for _, path := range p.Paths {
		all = append(all, "obj.http.X-Page == "+canonical(path))
	}
	for _, prefix := range p.Prefixes {
		all = append(all, "obj.http.X-Page ~ ^"+regexp.QuoteMeta(canonical(prefix)))
	}
	for _, given := range p.URLs {
		if u, err := url.Parse(given); err == nil {
			all = append(all, fmt.Sprintf("obj.http.X-Host == %s && obj.http.X-Page == %s", strings.ToLower(u.Host), canonical(u.EscapedPath())))
		}
	}
	return all
}

// send has Varnish ban what an expression says.
func (v *varnish) send(expression string) error {
	request, err := http.NewRequestWithContext(context.Background(), "BAN", v.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("X-Ban", expression)
	response, err := v.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return err
}
