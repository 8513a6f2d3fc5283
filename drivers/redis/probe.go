package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// mistake is what is wrong with a URL whose server answers, and what would be right.
type mistake string

func (m mistake) Error() string { return string(m) }

const (
	// isClusterNode says that a URL of a single server leads to a node of a cluster, which has a part of the keys only.
	isClusterNode mistake = "the server is part of a cluster: give redis+cluster://, or rediss+cluster:// for TLS"
	isReplica     mistake = "the server is a replica, which takes no writes: give its master, or the Sentinels that know which one that is (redis+sentinel://)"
	isSentinel    mistake = "the server is a Sentinel, which keeps nothing: give redis+sentinel://host:port/master_name, or rediss+sentinel:// for TLS"

	noPassword         mistake = "the URL has a password, and the server wants none: leave it out, or set it on the server (requirepass)"
	noSentinelPassword mistake = "the URL has a sentinel_password, and the Sentinels want none: leave it out, or set it on them (requirepass)"
)

// probe asks the server whether it takes the client, and does what the cache needs.
func (d *Driver) probe(ctx context.Context, t *target, settings drivers.Settings) error {
	if err := d.Ping(ctx); err != nil {
		return err
	}
	return d.call(ctx, "probe", func(ctx context.Context) error {
		if t.kind == single || t.kind == socket {
			// A user that may not ask gets no answer, and no harm is done.
			if info := d.client.Info(ctx, "cluster").Val(); strings.Contains(info, "cluster_enabled:1") {
				return isClusterNode
			}
		}
		if err := d.probeCommands(ctx, t, settings); err != nil {
			return err
		}
		return t.probePassword(ctx)
	})
}

// needs returns the commands that the cache needs, in a form that changes nothing where key is absent.
func needs(key string) [][]any {
	return [][]any{
		{"get", key},
		{"mget", key},
		{"pttl", key},
		{"set", key, "", "xx", "px", 1},
		{"unlink", key},
		{"pexpire", key, 1},
		{"scan", 0, "match", key, "count", 1},
		{"xadd", key, "nomkstream", "*", logField, ""},
		{"xrange", key, "-", "+", "count", 1},
		{"xrevrange", key, "+", "-", "count", 1},
	}
}

// ofPages begins the keys of pages and purges where keys have no prefix, as with PlainKeys; those of values may be any then.
const ofPages = "~r:"

// forClearing is the one command that nothing but clearing needs: a cache works without it.
const forClearing = "scan"

// probeCommands has the server carry out each command that the cache needs, on a key of the cache that is absent.
func (d *Driver) probeCommands(ctx context.Context, t *target, settings drivers.Settings) error {
	var replies []*redis.Cmd
	exchange(ctx, d.client, func(to redis.Pipeliner) {
		replies = nil
		for _, command := range needs(cmp.Or(settings.KeyPrefix, ofPages) + "cachette:probe:" + rand.Text()) {
			replies = append(replies, to.Do(ctx, command...))
		}
	})
	var missing, denied []string
	var keys bool // are forbidden
	var clearing string
	for _, reply := range replies {
		var answer redis.Error
		if err := reply.Err(); err == nil || errors.Is(err, redis.Nil) || !errors.As(err, &answer) {
			continue
		}
		text := answer.Error()
		switch {
		case reply.Name() == forClearing:
			clearing = text
		case isUnknown(text, reply.Name()):
			missing = append(missing, reply.Name())
		case forbidden(text) != "":
			denied = append(denied, reply.Name())
		case isForbidden(text):
			keys = true
		case redis.IsReadOnlyError(answer) && (t.kind == single || t.kind == socket): // others find their master
			return isReplica
		}
	}
	switch {
	case len(missing) > 0 && d.isSentinel(ctx):
		return isSentinel
	case len(missing) > 0:
		return mistake("the server does not know " + listed(missing) + ", which the cache needs: give one that does (Redis 4.0 and later, with no command renamed)")
	case len(denied) > 0:
		return mistake(forbids(denied))
	case keys && settings.KeyPrefix != "":
		return mistake(fmt.Sprintf("the server forbids the user keys that begin with %q, as those of the cache do: allow them (ACL SETUSER with %q)",
			settings.KeyPrefix, "~"+globEscaper.Replace(settings.KeyPrefix)+"*"))
	case settings.Logger == nil:
		return nil
	}
	if keys { // a program may have values alone
		settings.Logger.Warn("cachette: redis: the server forbids the user the keys of pages and of purges: no page is kept without them",
			"setting", place(settings).Named, "allow", "~*"+ofPages+"*")
	}
	if clearing != "" {
		settings.Logger.Warn("cachette: redis: the server does not carry out a command: Flush and ClearNamespace are errors without it",
			"setting", place(settings).Named, "command", strings.ToUpper(forClearing), "error", clearing)
	}
	return nil
}

// isSentinel tells whether the server is one.
func (d *Driver) isSentinel(ctx context.Context) bool {
	role, _ := d.client.Do(ctx, "role").Slice()
	return len(role) > 0 && role[0] == "sentinel"
}

// isUnknown tells whether the answer to a command says that there is no such command.
func isUnknown(text, command string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "unknown command") && strings.Contains(text, command)
}

// isForbidden tells whether an answer says that the user may not do something.
func isForbidden(text string) bool { return strings.HasPrefix(text, "NOPERM") }

// forbidden returns the command that an answer says the user may not use; empty where it says something else, as that the user may not use a
// key.
func forbidden(text string) string {
	_, after, found := strings.Cut(text, "permissions to run the '")
	if !found || !isForbidden(text) {
		return ""
	}
	command, _, _ := strings.Cut(after, "'")
	return command
}

// forbids says that the user may not use commands.
func forbids(commands []string) string {
	grants := "+" + strings.Join(commands, " +")
	return fmt.Sprintf("the server forbids the user %s, which the cache needs: allow it (ACL SETUSER with %s)", listed(commands), grants)
}

// listed shows the names of commands.
func listed(commands []string) string {
	return strings.ToUpper(strings.Join(commands, ", "))
}

// probePassword looks whether the servers take commands from a client that sends no password.
func (t *target) probePassword(ctx context.Context) error {
	for _, err := range []mistake{noPassword, noSentinelPassword} {
		options := *t.options
		user, password := &options.Username, &options.Password
		if err == noSentinelPassword {
			user, password = &options.SentinelUsername, &options.SentinelPassword
		}
		if *password == "" || *user != "" && *user != "default" { // another user is one that the servers know
			continue
		}
		*user, *password = "", ""
		client := (&target{t.kind, &options}).client()
		refused := client.Ping(ctx).Err()
		_ = client.Close()
		if refused == nil {
			return err
		}
	}
	return nil
}

// refusal says what a server refuses. It is empty for one that does not answer, or not yet.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	if tlsfiles.IsRefusal(err) {
		return "the server and the client do not agree on TLS"
	}
	if errors.Is(err, redis.Nil) {
		return "the sentinels know no master of that name"
	}
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	text := reply.Error()
	code, _, _ := strings.Cut(text, " ")
	switch code {
	case "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "READONLY":
		return ""
	case "WRONGPASS", "NOAUTH":
		return "the server refuses the user or the password"
	case "NOPERM":
		if command := forbidden(text); command != "" {
			return forbids([]string{command})
		}
		return "the server forbids the user what the cache needs"
	}
	switch {
	case strings.Contains(text, "max number of clients"):
		return ""
	case strings.Contains(text, "AUTH"), strings.Contains(text, "invalid password"):
		return "the server refuses the user or the password"
	case strings.Contains(text, "DB index"):
		return "the server has no such database"
	case isUnknown(text, "sentinel"):
		return "the server is no Sentinel: give redis://, or rediss:// for TLS"
	case strings.Contains(text, "cluster support disabled"), isUnknown(text, "cluster"):
		return "the server is no part of a cluster: give redis://, or rediss:// for TLS"
	}
	return "the server refuses the client"
}
