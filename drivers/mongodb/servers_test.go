package mongodb_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// serve handles the connections to listener until the test ends.
func serve(t testing.TB, listener net.Listener, handle func(net.Conn)) {
	var mu sync.Mutex
	connections := make(map[net.Conn]bool)
	ended := false
	var running sync.WaitGroup
	running.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			connections[connection] = true
			if ended {
				connection.Close()
			}
			mu.Unlock()
			running.Go(func() {
				defer connection.Close()
				handle(connection)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		ended = true
		for connection := range connections {
			connection.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

// An answer is what a fake server says to a command, whose first element has its name; nil means the usual.
type answer func(command bson.Raw) bson.D

// hangUp is the answer of a server that hangs up in place of one.
var hangUp = bson.D{}

// newFake starts a server that speaks as much of MongoDB's protocol as a client needs to send it commands, and returns its
// address. It answers by answers, and otherwise that all is well.
func newFake(t testing.TB, answers answer) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	newFakeOn(t, listener, answers)
	return listener.Addr().String()
}

// newFakeOn starts such a server behind a listener.
func newFakeOn(t testing.TB, listener net.Listener, answers answer) {
	serve(t, listener, func(connection net.Conn) {
		for {
			header := make([]byte, 16)
			if _, err := io.ReadFull(connection, header); err != nil {
				return
			}
			body := make([]byte, binary.LittleEndian.Uint32(header)-16)
			if _, err := io.ReadFull(connection, body); err != nil {
				return
			}
			answer := reply(header, body, answers)
			if answer == nil {
				return
			}
			if _, err := connection.Write(answer); err != nil {
				return
			}
		}
	})
}

// reply makes the message that answers another, or nothing.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
func reply(header, body []byte, answers answer) []byte {
	const opReply, opQuery, opMsg = 1, 2004, 2013
	var command bson.Raw
	opcode := binary.LittleEndian.Uint32(header[12:])
	if opcode == opQuery {
		name := 4
		for body[name] != 0 {
			name++
		}
		command = body[name+1+8:]
	} else {
		command = body[4+1:]
		command = command[:binary.LittleEndian.Uint32(command)]
	}

	said := answers(command)
	if said == nil {
		said = usual(command)
	}
	if len(said) == 0 {
		return nil
	}
	document, err := bson.Marshal(said)
	if err != nil {
		panic(err)
	}
	var message []byte
	if opcode == opQuery {
		message = append(make([]byte, 16, 128), make([]byte, 20)...)
		binary.LittleEndian.PutUint32(message[32:], 1) // one document
		opcode = opReply
	} else {
		message = make([]byte, 16+4+1, 128)
		opcode = opMsg
	}
	message = append(message, document...)
	binary.LittleEndian.PutUint32(message, uint32(len(message)))
	copy(message[8:], header[4:8]) // in answer to
	binary.LittleEndian.PutUint32(message[12:], opcode)
	return message
}

func usual(command bson.Raw) bson.D {
	switch nameOf(command) {
	case "hello", "isMaster", "ismaster":
		return bson.D{
			{Key: "ok", Value: 1}, {Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true},
			{Key: "helloOk", Value: true}, {Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21},
			{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48000000},
			{Key: "maxWriteBatchSize", Value: 100000},
		}
	case "find", "aggregate", "listIndexes":
		return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
			{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: bson.A{}},
		}}}
	}
	return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}, {Key: "nModified", Value: 1}}
}

func nameOf(command bson.Raw) string {
	return command.Index(0).Key()
}

// failure is a server's answer that it does not do what it was told.
func failure(code int, name string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: name}}
}

// onCommand answers one command, and leaves the others to do as usual.
func onCommand(name string, say func(command bson.Raw) bson.D) answer {
	return func(command bson.Raw) bson.D {
		if nameOf(command) == name {
			return say(command)
		}
		return nil
	}
}
