package options

import (
	"fmt"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
)

// BodyKey is WithBodyKey.
func BodyKey() Option {
	return func(r *serve.Route) { r.BodyKey = true }
}

// BodyLimit is WithBodyLimit.
func BodyLimit(bytes int64) Option {
	if bytes <= 0 {
		panic(fmt.Errorf("%w: WithBodyLimit: the limit is %d; give a number of bytes over 0", argument.Err, bytes))
	}
	return func(r *serve.Route) {
		mustAgree(fmt.Sprintf("WithBodyLimit(%d)", r.BodyLimit), fmt.Sprintf("WithBodyLimit(%d)", bytes), r.BodyLimit == 0 || r.BodyLimit == bytes)
		r.BodyLimit = bytes
	}
}
