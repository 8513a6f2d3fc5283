package redis

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// secrets are the passwords that a client sends.
type secrets []string

// secretsOf returns those that the options of a client tell.
func secretsOf(client redis.UniversalClient) secrets {
	switch c := client.(type) {
	case *redis.Client:
		return secrets{c.Options().Password}
	case *redis.ClusterClient:
		return secrets{c.Options().Password}
	}
	return nil
}

// repeats is what stands before the arguments of a command, the password of AUTH among them, where a server does not know it.
// It may not repeat the whole of one.
const repeats = "with args beginning with"

// hidden is an error without what may be a password.
type hidden struct {
	err  error
	text string
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// hide returns err so that its text ends before what it repeats, if it is the answer of a server.
func (s secrets) hide(err error) error {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return err
	}
	text := err.Error()
	end := len(text)
	for _, secret := range append(secrets{repeats}, s...) {
		if i := strings.Index(text, secret); i >= 0 && secret != "" {
			end = min(end, i)
		}
	}
	if end == len(text) {
		return err
	}
	return &hidden{err, strings.TrimRight(text[:end], " ,:") + " … (the rest is not shown, for it may hold a password)"}
}
