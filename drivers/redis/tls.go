package redis

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
)

// mismatch tells what is wrong with a URL whose server speaks TLS where the URL has none, or the other way round; it is empty
// where that is not so, or cannot be told. The client learns no more than that a server hangs up, or says nothing: a server without
// TLS waits for the end of a line. So the first server is asked the other way, without a name and a password.
func (t *target) mismatch(ctx context.Context) string {
	if len(t.options.Addrs) == 0 {
		return ""
	}
	address := t.options.Addrs[0]
	if strings.HasPrefix(address, "/") {
		return "" // a socket in the file system has no TLS
	}
	ctx, cancel := context.WithTimeout(ctx, t.options.DialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if t.options.TLSConfig == nil {
		// What the server shows is trusted with nothing.
		if tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil {
			return "the server speaks TLS: give rediss://, or rediss+cluster:// and the like, in place of redis://"
		}
		return ""
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return ""
	}
	reply := make([]byte, 1)
	if n, _ := conn.Read(reply); n == 1 && (reply[0] == '+' || reply[0] == '-') {
		return "the server speaks no TLS: give redis://, or redis+cluster:// and the like, in place of rediss://, or the port that it has for TLS"
	}
	return ""
}
