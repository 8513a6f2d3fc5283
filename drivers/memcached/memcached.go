// Package memcached keeps a cache in one Memcached server or in several.
//
// Importing the package registers it as "memcached", for which MemcachedHost (CACHETTE_MEMCACHED_HOST) names the servers:
// host, host:port or the path of a Unix domain socket (/path/memcached.sock), several separated by commas, or a URL,
// memcached:// or, with TLS, memcacheds://:
//
//	memcacheds://user:password@host:port,host:port?tls_ca_file=…&tls_cert_file=…&tls_key_file=…&tls_server_name=…&pool_size=…&dial_timeout=…
//	memcached://user:password@/path/memcached.sock
//
// User and password, the ports (11211) and each of the options may be left out. The password is that of the text protocol
// (a server started with -Y), which without TLS goes over the wire as it is; a server that wants none is an error. pool_size is how
// many idle connections to each server are kept ([DefaultMaxIdleConns] unless given), and dial_timeout how long making one may take (500ms, or a
// number of seconds; the operation timeout unless given). A program that has a client of its own gives it
// to [New] instead.
//
// # What lies in the store
//
// A value lies as it is under the key as it is, so that other programs can share it; this driver reads theirs as well.
// An entry's 32 bits of flags hold when it ends, more exactly than the server knows, whose clock counts whole seconds:
//
//	101 and 29 bits   for a time to live up to 48 h: milliseconds since the epoch, modulo 2^29
//	1101 and 28 bits  up to 3 years: seconds since the epoch, modulo 2^28
//	1001 and 28 bits  beyond: minutes since the epoch
//
// Other flags are those of other programs, which use 0 and the lower half of the bits. Of the moments that the bits may
// mean the one nearest to the present is meant: at most 3.1 days away, or 4.2 years, of which an entry takes up no more
// than two thirds. So clocks may disagree by a day before an entry that lives is taken for one that ended, and an entry
// that ended stays so for days after the server should have dropped it. From its end on an entry is a miss, even where the
// server still has it, as it does for some seconds; a program that does not read the flags sees it until then.
//
// With plain keys (CACHETTE_PLAIN_KEYS), for a store that is shared with fastapi-cachette, flags are 0: its client refuses
// all others. See [Options].
//
// An entry with other flags lives as long as the server says, which is asked for its remaining time in an exchange of
// its own. Without meta commands (before Memcached 1.6, and in some proxies) a server does not tell: then such an entry
// is said to end one second after it was read.
//
// A server takes keys of 1 to 250 bytes with no space and no control character. Others are mapped, and so are keys that
// begin with "cachette%":
//
//	cachette%=KEY       the key, in which spaces, control characters and % are percent-encoded
//	cachette%#HASH HEAD where that is too long: its SHA-256 in 43 characters, and (with no space between) the head of the
//	                    encoded key. The key then stands before the value, its length, as a varint, before it
//
// # Several servers
//
// Each key is kept by one server, the CRC-32 of its name modulo their number, in the order of their names: what
// [memcache.ServerList] does where it is given them sorted. The order of the setting has no part in it. A key with a tag
// ("{…}", see [drivers.Sharded]) is where its tag would be, so that keys with one tag are on one server. Adding a server, or
// removing one, moves most keys to other servers, where they are misses at first; nothing is repaired or copied. While a server
// is down, operations on its keys fail and the others go on.
//
// Each server has one item more, cachette%arrangement, which no key is mapped to and Clear leaves: see [Driver.Arrangement]. A process that uses
// it reads it some times a second, on connections of its own, one or two to each server; of a server that hangs, on a few more.
//
// # Connections
//
// A caller gets an error when its context ends, or when the server says nothing for the timeout. An answer that comes
// later, within the timeout and a second from the beginning, is thrown away, and the connection kept; then it is closed, and what has not
// got through of a write is dropped, so that it is not done later. What the server has received by then it may still do. A command that
// changes something is sent again only where its connection turns out to have been closed by the server, and only while its caller waits; a
// mark's word is another one then. Connections that were idle before a silence of a third of the timeout (of a second at the most) are closed with it.
package memcached

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// Options configures a [Driver].
type Options struct {
	// Selector is what the client was made with, by memcache.NewFromSelector, and is required: the client does not tell it. For
	// one that was made by memcache.New, it is a memcache.ServerList to which SetServers was given the same servers. A key with a
	// tag is picked a server for by the tag alone (see drivers.Sharded), so other programs find it only if they do so too.
	Selector memcache.ServerSelector

	// NoFlags leaves the flags of items 0, for a store that is shared with clients that refuse others, as Python's aiomcache
	// does. The end of an entry is then known to the server alone, in whole seconds: an entry may be seen for up to two
	// seconds after its time to live, and each get asks twice.
	NoFlags bool
}

// DefaultMaxIdleConns is how many idle connections to each server a driver keeps unless it is told: enough for as many
// requests at once. gomemcache's own default, 2, has each burst dial anew.
const DefaultMaxIdleConns = 100

// Driver is a [drivers.Driver] that keeps its entries in Memcached. It is a [drivers.Batch], a [drivers.BatchSetter], a [drivers.Adder], a
// [drivers.Inserter], a [drivers.Log], a [drivers.Purger], a [drivers.Limited], a [drivers.Pinger], a [drivers.Sharded] and a
// [drivers.Arranged] too. Create it with [New], or by its name.
type Driver struct {
	selector memcache.ServerSelector
	dial     dialFunc
	timeout  time.Duration
	dialing  time.Duration // that making a connection may take
	most     int           // idle connections to a server
	noFlags  bool          // see Options
	sharded  bool          // there were several servers at the start
	conns    openConns
	closed   atomic.Bool
	arranger *arranger
	grown    grown

	mu      sync.RWMutex
	servers map[serverID]*server // by address
}

var (
	_ drivers.Driver  = (*Driver)(nil)
	_ drivers.Batch   = (*Driver)(nil)
	_ drivers.Limited = (*Driver)(nil)
	_ drivers.Pinger  = (*Driver)(nil)
	_ drivers.Sharded = (*Driver)(nil)
)

// New returns a driver that reaches the servers of options.Selector as client does: it takes the client's DialContext, its
// Timeout (500 ms unless set), which bounds how long a server may say nothing, and its MaxIdleConns (unless set,
// [DefaultMaxIdleConns] and not the client's 2). The connections are the driver's own, since the calls of a client take no
// context and cannot be told to end. The client itself stays the caller's:
// [Driver.Close] does not close it, and what is set in it later has no effect.
func New(client *memcache.Client, options Options) (*Driver, error) {
	if client == nil {
		return nil, errors.New("memcached: the client is nil")
	}
	if options.Selector == nil {
		return nil, errors.New("memcached: Options.Selector is nil: give the memcache.ServerSelector that the client was made with, by " +
			"memcache.NewFromSelector")
	}
	dial := client.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	d := newDriver(options.Selector, dial, client.Timeout, client.Timeout, client.MaxIdleConns)
	d.noFlags = options.NoFlags
	return d, nil
}

func newDriver(selector memcache.ServerSelector, dial dialFunc, timeout, dialing time.Duration, most int) *Driver {
	if timeout <= 0 {
		timeout = memcache.DefaultTimeout
	}
	if dialing <= 0 {
		dialing = timeout
	}
	if most <= 0 {
		most = DefaultMaxIdleConns
	}
	d := &Driver{selector: selector, timeout: timeout, dialing: dialing, most: most, servers: make(map[serverID]*server)}
	d.dial = d.conns.dialer(dial)
	all, _ := d.all()
	d.sharded = len(all) > 1
	d.arranger = newArranger(newServerNotes(d))
	return d
}

// serverID is an address that can be compared.
type serverID struct{ network, host string }

// server returns the server at an address.
func (d *Driver) server(addr net.Addr) *server {
	id := idOf(addr)
	d.mu.RLock()
	s := d.servers[id]
	d.mu.RUnlock()
	if s != nil {
		return s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s = d.servers[id]; s == nil {
		s = &server{addr: addr, dial: d.dial, most: d.most, timeout: d.timeout, dialing: d.dialing}
		d.servers[id] = s
	}
	return s
}

// serverOf returns the server that keeps an entry.
func (d *Driver) serverOf(n name) (*server, error) {
	addr, err := d.selector.PickServer(n.spread)
	if err != nil {
		return nil, err
	}
	return d.server(addr), nil
}

// Sharded tells whether there are several servers, or were when the driver was made.
func (d *Driver) Sharded() bool { return d.sharded }

// ServerOf returns the server that keeps key: as the setting names it, with its port, or as the selector of the program does.
func (d *Driver) ServerOf(key string) string {
	s, err := d.serverOf(nameOf(key))
	if err != nil {
		return ""
	}
	return s.addr.String()
}

// all returns the servers, each once.
func (d *Driver) all() ([]*server, error) {
	var all []*server
	seen := make(map[*server]bool)
	err := d.selector.Each(func(addr net.Addr) error {
		if s := d.server(addr); !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = memcache.ErrNoServers
	}
	return all, err
}

// onEach has all servers do something at the same time, and returns the sum, and the errors joined.
func onEach(servers []*server, do func(*server) (int, error)) (int, error) {
	if len(servers) == 1 {
		return do(servers[0])
	}
	counts, errs := make([]int, len(servers)), make([]error, len(servers))
	var running sync.WaitGroup
	for i, s := range servers {
		running.Go(func() { counts[i], errs[i] = do(s) })
	}
	running.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum, errors.Join(errs...)
}

// begin returns the reason why an operation must not go on.
func (d *Driver) begin(ctx context.Context) error {
	if d.closed.Load() {
		return drivers.ErrClosed
	}
	return ctx.Err()
}

// failed says what was tried when an error came up, and nil for none.
func (d *Driver) failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if d.closed.Load() {
		return drivers.ErrClosed
	}
	if done := bounded.Err(ctx); done != nil && !errors.Is(err, done) {
		err = done
	}
	return fmt.Errorf("memcached: %s: %w", what, err)
}

// Ping returns nil when every server answers. The error names those that do not.
func (d *Driver) Ping(ctx context.Context) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	servers, err := d.all()
	if err == nil {
		_, err = onEach(servers, func(s *server) (int, error) {
			if err := s.use(ctx, (*link).version); err != nil {
				return 0, fmt.Errorf("%s: %w", s.addr, err)
			}
			return 0, nil
		})
	}
	return d.failed(ctx, "ping", err)
}

// Close closes the driver's connections, those of operations under way too. It waits for nothing.
func (d *Driver) Close() error {
	if !d.closed.Swap(true) {
		d.arranger.end()
		d.conns.close()
	}
	return nil
}
