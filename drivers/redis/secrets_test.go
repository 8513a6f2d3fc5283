package redis_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// TestServerThatRepeats: a server that does not know a command may repeat what came with it, the password included.
func TestServerThatRepeats(t *testing.T) {
	const password = "hunter2 \\\"@'"
	for _, scheme := range []string{"redis", "redis+sentinel", "redis+cluster"} {
		t.Run(scheme, func(t *testing.T) {
			var log journal
			where := scheme + "://me:hunter2%20%5C%22%40'@" + repeating(t)
			if scheme == "redis+sentinel" {
				where += "/main?sentinel_username=me&sentinel_password=hunter2%20%5C%22%40'"
			}
			d, err := opener(t)(t.Context(), drivers.Settings{RedisURL: where, OperationTimeout: time.Second, Logger: log.logger()})
			if err == nil {
				defer d.Close()
				_, err = d.Get(t.Context(), "key")
			}
			if err == nil || !strings.Contains(err.Error(), "unknown command") {
				t.Errorf("got %v, want what the server says", err)
			}
			for _, text := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), log.String()} {
				if strings.Contains(text, "hunter2") || strings.Contains(text, password) {
					t.Errorf("it shows the password: %s", text)
				}
			}
		})
	}
}

// repeating starts a server that knows no command, and repeats what came with it, as Redis does. It returns its address.
func repeating(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				in := bufio.NewReader(connection)
				for {
					words, err := command(in)
					if err != nil {
						return
					}
					fmt.Fprintf(connection, "-ERR unknown command `%s`, with args beginning with: `%s`\r\n", words[0], strings.Join(words[1:], "`, `"))
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// command reads a command.
func command(in *bufio.Reader) ([]string, error) {
	number := func(kind string) (int, error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(line, kind), "\r\n"))
	}
	n, err := number("*")
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		size, err := number("$")
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:size])
	}
	return words, nil
}
