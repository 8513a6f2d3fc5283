package options

import (
	"fmt"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/codings"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Compression is WithCompression, or WithoutCompression.
func Compression(on bool) Option {
	names := map[bool]string{true: "WithCompression()", false: "WithoutCompression()"}
	if on && codings.Linked() == nil {
		panic(fmt.Errorf("%w: WithCompression: no content coding is linked into this program: add import _ %q", argument.Err, codings.Path))
	}
	return func(r *serve.Route) {
		mustAgree(names[!on], names[on], r.Compression == nil || *r.Compression == on)
		r.Compression = &on
	}
}
