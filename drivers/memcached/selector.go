package memcached

import (
	"hash/crc32"
	"net"
	"slices"
)

// A serverAddress is a server as the setting names it, a host and port or the path of a socket. A host is looked up anew for each
// connection.
type serverAddress string

// Network tells by the slash which of both it is.
func (a serverAddress) Network() string {
	if isSocket(string(a)) {
		return "unix"
	}
	return "tcp"
}
func (a serverAddress) String() string { return string(a) }

// fixedServers spreads keys as memcache.ServerList does: by a CRC-32 of the key, modulo the number of servers. Unlike it,
// it leaves the servers' names as they are: a server whose name is not known yet stops no start, one that moves to another
// address is found there, and TLS has a name to check the certificate by. They are sorted, so that the order in which a setting names
// them moves no key.
type fixedServers []net.Addr

func newServers(hosts []string) fixedServers {
	servers := make(fixedServers, len(hosts))
	for i, host := range slices.Sorted(slices.Values(hosts)) {
		servers[i] = serverAddress(host)
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
