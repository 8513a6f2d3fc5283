package memcached

import (
	"errors"
	"hash/crc32"
	"net"
	"reflect"
	"unsafe"

	"github.com/bradfitz/gomemcache/memcache"
)

// An address is a server as the setting names it, a host and port or the path of a socket. A host is looked up anew for each
// connection.
type address string

// Network tells by the slash which of both it is.
func (a address) Network() string {
	if isSocket(string(a)) {
		return "unix"
	}
	return "tcp"
}
func (a address) String() string { return string(a) }

// fixedServers spreads keys as [memcache.ServerList] does: by a CRC-32 of the key, modulo the number of servers. Unlike it,
// it leaves the servers' names as they are: a server whose name is not known yet stops no start, one that moves to another
// address is found there, and TLS has a name to check the certificate by.
type fixedServers []net.Addr

func newServers(hosts []string) fixedServers {
	servers := make(fixedServers, len(hosts))
	for i, host := range hosts {
		servers[i] = address(host)
	}
	return servers
}

// hashedBytes is how much of a key counts.
const hashedBytes = 256

// PickServer returns the server that keeps key.
func (s fixedServers) PickServer(key string) (net.Addr, error) {
	if len(s) == 1 {
		return s[0], nil
	}
	var buffer [hashedBytes]byte
	n := copy(buffer[:], key)
	return s[crc32.ChecksumIEEE(buffer[:n])%uint32(len(s))], nil
}

// Each calls f with each server until one returns an error.
func (s fixedServers) Each(f func(net.Addr) error) error {
	for _, server := range s {
		if err := f(server); err != nil {
			return err
		}
	}
	return nil
}

// selectorOf returns what client chooses its servers by, which it does not tell. The field is written once, before
// the client is anybody's, so that it can be read at any time.
func selectorOf(client *memcache.Client) (memcache.ServerSelector, error) {
	field := reflect.ValueOf(client).Elem().FieldByName("selector")
	if !field.IsValid() || field.Type() != reflect.TypeFor[memcache.ServerSelector]() {
		return nil, errors.New("memcached: this version of the client hides its servers: give Options.Selector")
	}
	selector := *(*memcache.ServerSelector)(unsafe.Pointer(field.UnsafeAddr()))
	if selector == nil {
		return nil, errors.New("memcached: the client has no servers: make it with memcache.New or memcache.NewFromSelector")
	}
	return selector, nil
}
