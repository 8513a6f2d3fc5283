package memcached

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// Dialer opens connections with TLS, with a user and a password, or with both: for the DialContext of a client that the
// program makes itself.
//
//	client := memcache.New("cache.example.com:11211")
//	client.DialContext = memcached.Dialer{Username: "user", Password: password}.DialContext
//
// A client that memcache.New has made dials addresses, not names, so that TLS needs a ServerName then.
type Dialer struct {
	// TLS says how; nil means without TLS. Where it has no ServerName, the host that is dialled is taken.
	TLS *tls.Config

	// Username and Password are sent first on each connection, in the way of the text protocol: for a server that was
	// started with a file of users (-Y). Neither may hold a space or a control character, nor the user a colon. Both
	// empty means that nothing is sent.
	Username, Password string
}

// A refusal says that a server answers, and will not have us: waiting does not help.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	refusedUser  = refusal("the server refuses the user or the password")
	refusedNoOne = refusal("the server requires a user and a password")
	unwanted     = refusal("the server wants no user and no password: leave them out, or start it with a file of users (-Y)")
	missingHalf  = refusal("a user and a password belong together, and one of them is missing")
	unsendable   = refusal("a user name and a password can hold no space and no control character")
)

// DialContext connects to address. An error says whether the server refuses the user or the password; it never shows
// either.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if d.Username == "" {
		return conn, nil
	}
	if err := d.authenticate(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (d Dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if d.TLS == nil {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return (&tls.Dialer{Config: d.TLS}).DialContext(ctx, network, address)
}

// check finds what the protocol cannot send: it separates the two by a space.
func (d Dialer) check() error {
	switch {
	case (d.Username == "") != (d.Password == ""):
		return missingHalf
	case strings.ContainsFunc(d.Username+d.Password, isSpaceOrControl):
		return unsendable
	}
	return nil
}

func isSpaceOrControl(r rune) bool {
	return r <= ' ' || r == 0x7f
}

// authenticate sends the user and the password as the value of a key. A server that asks for none would take that for an
// ordinary entry, so it is one that has ended already.
func (d Dialer) authenticate(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(gone) })
	token := d.Username + " " + d.Password
	_, err := fmt.Fprintf(conn, "set %s 0 -1 %d\r\n%s\r\n", keyMark+"auth", len(token), token)
	var line string
	if err == nil {
		// A reader of one line: the server says nothing more until it is asked.
		line, err = bufio.NewReaderSize(conn, 256).ReadString('\n')
	}
	if !stop() {
		return ctx.Err()
	}
	switch {
	case err != nil:
		return err
	case line == "STORED\r\n":
		return nil
	}
	return refusedUser // its own words might repeat ours
}

// checkWanted returns an error if there is a password, and the server answers to those that send none. It takes any password for the
// value of a key, and so cannot tell by itself.
func (d Dialer) checkWanted(ctx context.Context, addr net.Addr) error {
	if d.Username == "" {
		return nil
	}
	conn, err := d.connect(ctx, addr.Network(), addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(gone) })()
	if _, err := io.WriteString(conn, "version\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReaderSize(conn, 256).ReadString('\n')
	if err == nil && strings.HasPrefix(line, "VERSION ") {
		return unwanted
	}
	return nil // it has refused that, by an answer or by closing the connection
}

// isRefusal reports whether err is a server's, or a certificate's, refusal.
func isRefusal(err error) bool {
	var refused refusal
	return errors.As(err, &refused) || tlsfiles.IsRefusal(err)
}
