//go:build !amd64 && !arm64

package orjson

// Here sonic has no code of its own, or does not even compile.

const fast = false

func fastEncode(any) ([]byte, error) { return nil, errForeign }

func fastDecode([]byte, any) error { return errForeign }
