package stores_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
)

// wordOf returns the word of how a driver spreads keys. A process that comes after another waits for a second and more.
func wordOf(t *testing.T, d drivers.Driver) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	word, err := d.(drivers.Arranged).Arrangement(ctx)
	if err != nil || word == "" {
		t.Fatalf("Arrangement = %q, %v", word, err)
	}
	return word
}

// openSpread opens a driver whose keys are spread as gomemcache does, by the order of the servers.
func openSpread(t *testing.T, hosts ...string) drivers.Driver {
	t.Helper()
	selector := new(memcache.ServerList)
	if err := selector.SetServers(hosts...); err != nil {
		t.Fatal(err)
	}
	d, err := memcached.New(memcache.NewFromSelector(selector), memcached.Options{Selector: selector})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// memcachedPair starts two servers. The first in the order of their names is the first that is returned.
func memcachedPair(t *testing.T) (a, b memcachedServer) {
	t.Helper()
	a, b = newMemcached(t), newMemcached(t)
	a.start(t)
	b.start(t)
	if b.host() < a.host() {
		a, b = b, a
	}
	return a, b
}

// The word of a list of servers is one that no process has any more that went on before another list came and went.
func TestMemcachedArrangementChangesBack(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	both, one := a.host()+","+b.host(), a.host()
	first := openMemcached(t, both)
	word := wordOf(t, first)
	if other := wordOf(t, openMemcached(t, b.host()+","+a.host())); other != word {
		t.Errorf("in another order the servers have the word %s, want %s", other, word)
	}
	if err := openMemcached(t, both).Close(); err != nil {
		t.Fatal(err)
	}
	for _, other := range []drivers.Driver{openMemcached(t, one), openSpread(t, b.host(), a.host())} {
		between := wordOf(t, other)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		again := wordOf(t, openMemcached(t, both))
		if between == word || again == word || again == between {
			t.Errorf("both servers have the word %s, others %s, and both again %s", word, between, again)
		}
		for wordOf(t, first) == word { // until its next look
			time.Sleep(time.Millisecond)
		}
		if now := wordOf(t, first); now != again {
			t.Errorf("a process that was there before has the word %s, want %s", now, again)
		}
		word = again
	}
	if _, err := openMemcached(t, both).Clear(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if now := wordOf(t, openMemcached(t, both)); now != word {
		t.Errorf("behind a clear the word is %s, want %s", now, word)
	}
}

// A process that goes on does so without a server that is dead, or stands still; one that begins waits for it, and says for which.
func TestMemcachedArrangementWithoutAServer(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	both := a.host() + "," + b.host()
	settings := drivers.Settings{MemcachedHost: both, OperationTimeout: 300 * time.Millisecond}
	for name, gone := range map[string]func(){
		"Dead":    func() { b.kill(t) },
		"Stalled": func() { b.signal(t, syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t.Context(), t, "memcached", settings)
			word := wordOf(t, d)
			gone()
			var ping error
			for ping == nil {
				ping = d.(drivers.Pinger).Ping(t.Context())
			}
			looked := time.Now()
			for time.Since(looked) < 2*time.Second { // a few looks
				if now := wordOf(t, d); now != word {
					t.Fatalf("with one server the word is %s, want %s", now, word)
				}
				time.Sleep(10 * time.Millisecond)
			}
			begins := open(t.Context(), t, "memcached", settings)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			now, err := begins.(drivers.Arranged).Arrangement(ctx)
			if err == nil || !strings.Contains(err.Error(), b.host()) || strings.Contains(err.Error(), a.host()+":") {
				t.Errorf("a process that begins has the word %q, %v; want an error that names %s", now, err, b.host())
			}
			var refused *net.OpError
			if name == "Dead" && !errors.As(err, &refused) {
				t.Errorf("%v, want that it is refused", err)
			}
			if name == "Dead" {
				b.start(t)
			} else {
				b.signal(t, syscall.SIGCONT)
			}
			for err != nil { // until its next look
				now, err = begins.(drivers.Arranged).Arrangement(ctx)
				if ctx.Err() != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			for wordOf(t, d) != now {
				if ctx.Err() != nil {
					t.Fatalf("when the server is back, one process has the word %s, and the other %s", wordOf(t, d), now)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// lockedLog is a log that is written and read at a time.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lockedLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// Processes that name the servers otherwise, and ask at a time, have turns, and one line in the log says so.
func TestMemcachedArrangementContested(t *testing.T) {
	t.Parallel()
	a, b := memcachedPair(t)
	var log lockedLog
	settings := drivers.Settings{MemcachedHost: a.host() + "," + b.host(), OperationTimeout: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	d := open(t.Context(), t, "memcached", settings)
	other := openMemcached(t, strings.Replace(settings.MemcachedHost, "127.0.0.1", "localhost", 2))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	words, others := make(map[string]bool), make(map[string]bool)
	for ctx.Err() == nil && (len(words) < 3 || len(others) < 3 || log.count("another program spreads keys") == 0) {
		for seen, d := range map[*map[string]bool]drivers.Driver{&words: d, &others: other} {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			if word, err := d.(drivers.Arranged).Arrangement(short); err == nil {
				(*seen)[word] = true
			}
			cancel()
		}
	}
	if len(words) < 3 || len(others) < 3 {
		t.Errorf("one has gone on %d times, and the other %d times, want 3", len(words), len(others))
	}
	for word := range words {
		if others[word] {
			t.Errorf("both have the word %s", word)
		}
	}
	if n := log.count("another program spreads keys"); n != 1 || log.count("MemcachedHost (CACHETTE_MEMCACHED_HOST)") != 1 {
		t.Errorf("%d lines say so, want 1", n)
	}
}
