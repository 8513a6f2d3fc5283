package bench

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	gincache "github.com/chenyahui/gin-cache"
	"github.com/chenyahui/gin-cache/persist"
	"github.com/gin-gonic/gin"
	redis8 "github.com/go-redis/redis/v8"
	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// BenchmarkRoute measures what an engine serves over sockets from Redis, to 64 clients: a cached route, and handlers
// that get the same body from Redis and answer with it, and with the fields of the cached one. "auto-pipelined" are
// go-redis commands that are gathered from all requests into pipelines; a plain GET is a round trip of its own, on a
// connection that no other request uses meanwhile.
func BenchmarkRoute(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	where := testservers.Find(b, testservers.Redis)
	var ways []way
	for _, w := range []struct {
		name string
		add  func(b *testing.B, engine *gin.Engine, where string)
	}{
		{"cachette", func(b *testing.B, engine *gin.Engine, where string) {
			install(b, engine, stores[0], where)
			engine.GET("/document", cachette.Cached(time.Hour), document)
		}},
		{"handler-with-get", func(b *testing.B, engine *gin.Engine, where string) {
			client := clientOf(b, where)
			engine.GET("/document", func(c *gin.Context) {
				got, err := client.Get(c.Request.Context(), prefix+key).Bytes()
				answer(c, got, err)
			})
		}},
		{"handler-with-auto-pipelined-get", func(b *testing.B, engine *gin.Engine, where string) {
			pipeline, err := clientOf(b, where).AutoPipeline()
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = pipeline.Close() })
			engine.GET("/document", func(c *gin.Context) {
				got, err := pipeline.Get(c.Request.Context(), prefix+key).Bytes()
				answer(c, got, err)
			})
		}},
		{"chenyahui-gin-cache", func(b *testing.B, engine *gin.Engine, where string) {
			options, err := redis8.ParseURL(where)
			if err != nil {
				b.Fatal(err)
			}
			client := redis8.NewClient(options)
			b.Cleanup(func() { _ = client.Close() })
			engine.GET("/document", gincache.CacheByRequestURI(persist.NewRedisStore(client), time.Hour), document)
		}},
	} {
		engine := gin.New()
		w.add(b, engine, where)
		ways = append(ways, way{w.name, asking(b, engine)})
	}
	inTurns(b, ways)
}

// clientOf returns a client for a server that holds the value.
func clientOf(b *testing.B, where string) *redis.Client {
	b.Helper()
	options, err := redis.ParseURL(where)
	if err != nil {
		b.Fatal(err)
	}
	client := redis.NewClient(options)
	if err := client.Set(b.Context(), prefix+key, value, time.Hour).Err(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	return client
}

func answer(c *gin.Context, got []byte, err error) {
	if err != nil {
		c.String(http.StatusBadGateway, "%v", err)
		return
	}
	respond(c, got)
}

// asking serves an engine on loopback and returns clients that ask for the document, each on a connection of its own. They
// do as little as they can: what is measured is the server.
func asking(b *testing.B, engine *gin.Engine) func() func() error {
	return askingFor(b, engine, "/document")
}

// askingFor does what asking does with the document of another path.
func askingFor(b *testing.B, engine *gin.Engine, path string) func() func() error {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: engine}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return func() func() error {
		c, err := dial(listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		c.request = []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		return c.ask
	}
}

// connection is a client's connection.
type connection struct {
	net.Conn
	in      *bufio.Reader
	request []byte
}

func dial(address string) (*connection, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// ask sends a request and reads its response, which has to be the document.
func (c *connection) ask() error {
	if _, err := c.Write(c.request); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && string(line) != "HTTP/1.1 200 OK\r\n" {
			return &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}
		}
		if len(line) == 2 {
			break
		}
		const name = "Content-Length: "
		if len(line) > len(name) && string(line[:len(name)]) == name {
			length = 0
			for _, digit := range line[len(name) : len(line)-2] {
				length = length*10 + int(digit-'0')
			}
		}
	}
	if length != len(value) {
		return io.ErrUnexpectedEOF
	}
	_, err := c.in.Discard(length)
	return err
}
