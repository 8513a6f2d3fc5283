package response

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Copy is a gin.ResponseWriter that keeps a copy of the body that goes through it, as far as there is room.
type Copy struct {
	gin.ResponseWriter
	room  *Room
	limit int64
	body  []byte
	lost  bool
}

// NewCopy puts a Copy in front of w. limit is how many bytes are kept, and room what they are taken from.
func NewCopy(w gin.ResponseWriter, limit int64, room *Room) *Copy {
	return &Copy{ResponseWriter: w, room: room, limit: limit}
}

// Write writes a part of the body.
func (c *Copy) Write(data []byte) (int, error) {
	n, err := c.ResponseWriter.Write(data)
	if c.keeps(n) {
		c.body = append(c.body, data[:n]...)
	}
	return n, err
}

// WriteString writes a part of the body.
func (c *Copy) WriteString(data string) (int, error) {
	n, err := c.ResponseWriter.WriteString(data)
	if c.keeps(n) {
		c.body = append(c.body, data[:n]...)
	}
	return n, err
}

// Unwrap returns the writer behind, for http.ResponseController.
func (c *Copy) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// keeps tells whether n more bytes are kept.
func (c *Copy) keeps(n int) bool {
	if !c.lost && (int64(len(c.body)+n) > c.limit || !c.room.reserve(n, false)) {
		c.Close()
		c.lost = true
	}
	return !c.lost
}

// Body returns the copy, until Close is called, and whether it is whole.
func (c *Copy) Body() ([]byte, bool) { return c.body, !c.lost }

// Close gives the room back.
func (c *Copy) Close() {
	c.room.reserve(-len(c.body), false)
	c.body = nil
}
