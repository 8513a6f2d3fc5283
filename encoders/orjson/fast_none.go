//go:build !amd64 && !arm64

package orjson

import "unicode/utf8"

// Here sonic has no code of its own, or does not even compile.

const fast = false

func fastEncode(any) ([]byte, error) { return nil, errForeign }

func fastDecode([]byte, any) error { return errForeign }

func isText(data []byte) bool { return utf8.Valid(data) }
