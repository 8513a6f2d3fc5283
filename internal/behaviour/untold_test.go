package behaviour_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// lockedBuffer is a buffer that goroutines write to at once.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// What clients send, and what values are called, is in no log, at whatever level, in no figure and in no event, whatever fails.
func TestSecretsAreNotTold(t *testing.T) {
	const secret = "hunter2"
	for _, failing := range []bool{false, true} {
		t.Run(fmt.Sprint("failing=", failing), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, w, store := new(lockedBuffer), new(watcher), newDepot()
				s := newSite(t, func(cfg *cachette.Config) {
					cfg.Driver, cfg.Observer = store, w
					cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				failed := false
				handler := func(c *gin.Context) {
					if failed {
						panic("no page")
					}
					c.Header("Cache-Control", "max-age=1, stale-while-revalidate=600")
					c.Header("Vary", "X-Secret")
					if c.FullPath() == "/cookie/:token" {
						c.SetCookie("session", secret, 0, "", "", false, false)
					}
					cachette.Tag(c, secret)
					c.String(http.StatusOK, secret)
				}
				s.GET("/reset/:token", cachette.Cached(time.Minute), handler)
				s.GET("/cookie/:token", cachette.Cached(time.Minute), handler)
				s.POST("/reset/:token", cachette.InvalidatesFrom(func(*gin.Context) []string { return []string{secret, ""} }), func(c *gin.Context) {
					c.Status(http.StatusNoContent)
				})
				if failing {
					store.breakdown(func(context.Context, call) error { return errors.New("away") })
				}
				ask := func() {
					for _, path := range []string{"/reset/hunter2?key=hunter2", "/cookie/hunter2"} {
						for range 5 {
							for _, fields := range [][]string{{"Cookie: session=" + secret, "X-Secret: " + secret, "Authorization: Bearer " + secret}, {"X-Secret: " + secret}} {
								func() {
									defer func() { _ = recover() }()
									s.get(path, fields...)
								}()
							}
						}
					}
					s.do(http.MethodPost, "/reset/hunter2")
					_ = s.cache.PurgePath(t.Context(), "/reset/hunter2")
					_ = s.cache.Invalidate(t.Context(), secret)
					_ = s.cache.Put(t.Context(), secret, secret, 0)
					_, _ = cachette.Remember(t.Context(), s.cache, secret, time.Minute, func(context.Context) (string, error) { return secret, nil })
					_ = s.cache.Settle(t.Context())
				}
				ask()
				s.get("/reset/hunter2?key=hunter2", "X-Secret: "+secret)
				failed = true
				time.Sleep(2 * time.Second)
				ask()
				time.Sleep(time.Minute)
				synctest.Wait() // what comes at the same moment is told, too
				figures, err := json.Marshal(s.cache.Stats())
				if err != nil {
					t.Fatal(err)
				}
				for what, text := range map[string]string{
					"the log": log.String(), "the figures": string(figures), "events": fmt.Sprintf("%+v %+v", w.requests, w.operations),
				} {
					if i := strings.Index(text, secret); i >= 0 {
						t.Errorf("%s: %s", what, text[max(0, i-300):min(len(text), i+100)])
					}
					if len(text) < 100 {
						t.Errorf("%s are empty: %q", what, text)
					}
				}
			})
		})
	}
}
