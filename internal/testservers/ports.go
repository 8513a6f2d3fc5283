package testservers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports that servers get: below those that systems hand out by themselves, so that no client's socket takes one
// between the choice and the start.
const (
	lowestPort  = 20000
	highestPort = 32000
)

// claims keeps a UDP socket bound to each port that FreePort has returned, until this process ends. Several servers start
// at a time, in this process and in others that test beside it, and a port that is given looks free until its server
// listens: the socket, of which the servers have no use, tells the next that asks that it is taken.
var claims struct {
	sync.Mutex
	sockets []net.PacketConn
}

// FreePort returns a TCP port of loopback, below 32768, that nothing listens on and that no FreePort has returned, in this
// process or in another that still runs.
func FreePort() (int, error) {
	for range 200 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if claim(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("testservers: no port from %d to %d is free", lowestPort, highestPort)
}

// claim takes a port for this process, and tells whether it could.
func claim(port int) bool {
	socket, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		return false
	}
	if !isFree(port) {
		_ = socket.Close()
		return false
	}
	claims.Lock()
	defer claims.Unlock()
	claims.sockets = append(claims.sockets, socket)
	return true
}

// isFree tells whether nothing listens on a port, on loopback or on all addresses.
func isFree(port int) bool {
	listener, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
