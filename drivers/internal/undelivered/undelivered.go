// Package undelivered has connections forget what they have not delivered.
package undelivered

import "net"

// Drop has a connection, once it is closed, drop what it has not delivered. Otherwise the system goes on sending it for minutes, and a
// network that is back brings a command whose caller has long been told that it has failed. What is no TCP connection stays as it is.
func Drop(conn net.Conn) {
	switch c := conn.(type) {
	case interface{ NetConn() net.Conn }: // around another, as that of TLS is
		Drop(c.NetConn())
	case interface{ SetLinger(seconds int) error }:
		_ = c.SetLinger(0)
	}
}
