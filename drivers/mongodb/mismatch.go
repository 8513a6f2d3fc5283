package mongodb

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/address"

	"github.com/gin-cachette/cachette/drivers"
)

// mismatch tells whether a server that does not answer speaks TLS where the URL has none, or the other way round; it returns nothing where
// that is not so, or cannot be told. The client learns no more than that a server hangs up. So the first server is asked the
// other way, without a name and a password.
func mismatch(ctx context.Context, settings drivers.Settings) string {
	o, err := clientOptions(ctx, settings)
	if err != nil || len(o.Hosts) == 0 {
		return ""
	}
	at := address.Address(o.Hosts[0])
	conn, err := new(net.Dialer).DialContext(ctx, at.Network(), at.String())
	if err != nil {
		return ""
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	switch {
	case o.TLSConfig == nil && speaksTLS(ctx, conn):
		return place(settings).Named + ": the server speaks TLS: give the option tls=true"
	case o.TLSConfig != nil && speaksPlainly(conn):
		return place(settings).Named + ": the server speaks no TLS: leave out tls=true and the like, or give the port that it has for TLS"
	}
	return ""
}

// speaksTLS trusts what the server shows with nothing.
func speaksTLS(ctx context.Context, conn net.Conn) bool {
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil
}

// speaksPlainly says hello in MongoDB's protocol.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
func speaksPlainly(conn net.Conn) bool {
	const request, opMsg = 1, 2013
	hello := marshal(bson.D{{Key: "hello", Value: 1}, {Key: "$db", Value: "admin"}})
	message := make([]byte, 16+4+1, 128) // a header, flags, and the kind of what follows
	binary.LittleEndian.PutUint32(message, uint32(len(message)+len(hello)))
	binary.LittleEndian.PutUint32(message[4:], request)
	binary.LittleEndian.PutUint32(message[12:], opMsg)
	if _, err := conn.Write(append(message, hello...)); err != nil {
		return false
	}
	header := make([]byte, 16)
	_, err := io.ReadFull(conn, header)
	return err == nil && binary.LittleEndian.Uint32(header[8:]) == request && binary.LittleEndian.Uint32(header[12:]) == opMsg
}
