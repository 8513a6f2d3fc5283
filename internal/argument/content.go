package argument

import (
	"bytes"
	"io"
)

// Content reads a body as far as limit, and returns two that have what it had.
func Content(body io.ReadCloser, limit int64) (one, other io.ReadCloser, err error) {
	if body == nil {
		return nil, nil, nil
	}
	read, err := io.ReadAll(io.LimitReader(body, limit+1))
	rest := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), body), body}
	return io.NopCloser(bytes.NewReader(read)), rest, err
}
