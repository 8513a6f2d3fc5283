package mongodb_test

import (
	"net"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/gin-cachette/cachette/drivers"
)

// A server that answers, and cannot be used, is not said not to answer: the log tells what was heard.
func TestHeard(t *testing.T) {
	http, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, http, func(connection net.Conn) {
		_, _ = connection.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		_, _ = connection.Read(make([]byte, 512))
	})
	for url, want := range map[string]string{
		newFake(t, func(bson.Raw) bson.D { return nil }) + "/?replicaSet=main&": "the server answers, but is in no replica set, and the option replicaSet names one",
		http.Addr().String() + "/?": "the server answers, but not as MongoDB does",
	} {
		log := &journal{}
		d, err := open(t, t.Context(), drivers.Settings{
			MongoDBURL: "mongodb://" + url + "serverSelectionTimeoutMS=200", DatabaseName: "d", TableName: "c", Logger: log.logger(),
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
		if text := log.String(); !strings.Contains(text, want) || strings.Contains(text, "does not answer") {
			t.Errorf("the log: %s, want %q", text, want)
		}
	}
}
