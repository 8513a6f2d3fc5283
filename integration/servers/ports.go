package servers

import (
	"strings"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// freePorts returns different free ports.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		port, err := testservers.FreePort()
		if err != nil {
			return nil, err
		}
		ports[i] = port
	}
	return ports, nil
}

// portTaken tells whether a server did not start because something that knows nothing of claims took its port.
func portTaken(err error) bool {
	if err == nil {
		return false
	}
	said := strings.ToLower(err.Error())
	return strings.Contains(said, "address already in use") || strings.Contains(said, "eaddrinuse")
}
