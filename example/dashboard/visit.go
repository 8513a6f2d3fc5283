package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"
)

// names are those of the clients.
var names = [...]string{"ada", "grace", "edsger", "barbara"}

// most is how many clients are there at once.
const most = 200

// visit has clients ask for pages, about rate of them a second, more by waves, until ctx ends. For 15 seconds of each three minutes the database fails.
func (s *shop) visit(ctx context.Context, host string, rate int) {
	ids := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.15, 4, 4999) // a few products are asked for by most
	room := make(chan struct{}, most)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		since := time.Since(began)
		s.fails.Store(since%(3*time.Minute) > 165*time.Second)
		wave := 1 + 0.35*math.Sin(2*math.Pi*since.Seconds()/90)
		for n := float64(rate) / 20 * wave; n > rand.Float64(); n-- {
			method, target := next(ids)
			select {
			case room <- struct{}{}:
				go func() {
					defer func() { <-room }()
					s.ask(ctx, method, "http://"+host+target)
				}()
			default: // all are waiting
			}
		}
	}
}

// next returns what a client does next.
func next(ids *rand.Zipf) (method, target string) {
	id := ids.Uint64()
	switch n := rand.IntN(1000); {
	case n < 6:
		return http.MethodPut, fmt.Sprintf("/products/%d", id)
	case n < 180:
		return http.MethodGet, "/"
	case n < 300:
		return http.MethodGet, fmt.Sprintf("/products?page=%d", 1+id%20)
	case n < 620:
		return http.MethodGet, fmt.Sprintf("/products/%d", id)
	case n < 700:
		return http.MethodGet, fmt.Sprintf("/products/%d/reviews", id)
	case n < 780:
		return http.MethodGet, fmt.Sprintf("/search?q=word%d&session=%d", id%400, rand.IntN(1000))
	case n < 860:
		return http.MethodGet, fmt.Sprintf("/blog/post-%d", id%60)
	case n < 940:
		return http.MethodGet, "/prices.json"
	case n < 970:
		return http.MethodGet, "/account"
	case n < 985:
		return http.MethodGet, "/greeting"
	}
	return http.MethodGet, "/basket"
}

// ask sends a request through the engine, as a server would, without a socket.
func (s *shop) ask(ctx context.Context, method, target string) {
	r := httptest.NewRequestWithContext(ctx, method, target, nil)
	r.AddCookie(&http.Cookie{Name: "name", Value: names[rand.IntN(len(names))]})
	s.engine.ServeHTTP(httptest.NewRecorder(), r)
}
