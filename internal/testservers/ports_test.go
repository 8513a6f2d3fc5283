package testservers

import (
	"net"
	"slices"
	"testing"
)

// TestPortIsGivenOnce: a port that a server is about to take looks free until it listens.
func TestPortIsGivenOnce(t *testing.T) {
	var ports []int
	for range 64 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
		if port < lowestPort || port >= highestPort {
			t.Errorf("port %d is outside of %d to %d", port, lowestPort, highestPort)
		}
		if claim(port) {
			t.Errorf("port %d was given twice", port)
		}
	}
	slices.Sort(ports)
	if different := slices.Compact(ports); len(different) != 64 {
		t.Errorf("%d different ports, want 64", len(different))
	}
}

// TestTakenPortIsNotGiven: neither one that something listens on, here on all addresses.
func TestTakenPortIsNotGiven(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if port := listener.Addr().(*net.TCPAddr).Port; claim(port) {
		t.Errorf("port %d was given, and something listens on it", port)
	}
}
