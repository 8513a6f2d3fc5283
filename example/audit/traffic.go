package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
)

// pages are what clients ask for.
var pages = []string{
	"/wrong/theme", "/wrong/greeting", "/wrong/partner", "/wrong/shop", "/wrong/offer",
	"/keyed/theme", "/keyed/greeting", "/keyed/varies", "/keyed/account", "/keyed/hello", "/keyed/partner", "/keyed/search?q=tea&page=2", "/keyed/private",
	"/public/page", "/public/products/7", "/public/missing", "/public/stock", "/public/members", "/public/tool", "/public/script",
}

// client is one of those that ask.
type client struct {
	cookies, language, address, partner string
}

var clients = []client{
	{"session=a1; theme=dark", "de", "198.51.100.1:1000", "north"},
	{"session=b2; theme=blue", "fr", "198.51.100.2:1000", "south"},
	{"session=c3", "en", "198.51.100.3:1000", "north"},
	{"theme=dark", "", "198.51.100.4:1000", ""},
	{"", "de", "198.51.100.5:1000", "south"},
}

// traffic has clients send n requests to a handler, and calls pause behind each.
func traffic(handler http.Handler, n int, pause func()) {
	dice := rand.New(rand.NewPCG(1, 2)) // the same each time
	for range n {
		page, from := pages[dice.IntN(len(pages))], clients[dice.IntN(len(clients))]
		handler.ServeHTTP(httptest.NewRecorder(), from.request(page))
		pause()
	}
}

// request returns a request of a client.
func (from *client) request(page string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, page, nil)
	r.RemoteAddr = from.address
	r.Header.Set("User-Agent", "example")
	r.Header.Set("X-Request-Id", fmt.Sprint(rand.Uint64()))
	for name, value := range map[string]string{"Cookie": from.cookies, "Accept-Language": from.language} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if from.partner != "" {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Subject: pkix.Name{CommonName: from.partner}}}}
	}
	return r
}
