//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package mongodb

import (
	"errors"
	"net"
	"syscall"
)

// hungUp tells whether the server has closed a connection on which nothing is under way. It takes nothing off it.
func hungUp(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	over := false
	err = raw.Control(func(fd uintptr) { // Read would end at once behind a deadline that is over
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		waits := errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR)
		over = n == 0 && err == nil || err != nil && !waits
	})
	return over || err != nil
}
