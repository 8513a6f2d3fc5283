package redis

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// option is what may stand behind the ? of a URL.
type option struct {
	good func(value string) bool
	want string // what is good, for a message

	ours     bool // go-redis does not know it
	tls      bool // it is for TLS alone
	sentinel bool // it is for sentinels alone
}

// problem says what is wrong with a value. It does not show it.
func (o option) problem(name, value string, kind kind, secure bool) string {
	switch {
	case o.tls && !secure:
		return "is for TLS: give a URL that begins with rediss"
	case o.sentinel && kind != sentinel:
		return "is for sentinels: give a URL that begins with redis+sentinel or rediss+sentinel"
	case name == "db" && kind == cluster:
		return "is not for a cluster, which has no databases"
	case value == "" || !o.good(value):
		return "cannot be read: give " + o.want
	}
	return ""
}

var (
	flag     = option{good: isFlag, want: "true or false"}
	span     = option{good: isSpan, want: "a duration, such as 500ms or 2s, or a number of seconds"}
	count    = number(0, math.MaxInt32)
	orNone   = number(-1, math.MaxInt32) // -1 means none
	buffer   = number(0, 64<<20)
	text     = option{good: func(string) bool { return true }, want: "a text"}
	tlsText  = option{good: text.good, want: "a text", ours: true, tls: true}
	sentText = option{good: text.good, want: "a text", ours: true, sentinel: true}
)

// options are those that redis.ParseURL knows, and ours.
var options = map[string]option{
	"client_name":                text,
	"conn_max_idle_time":         span,
	"conn_max_lifetime":          span,
	"conn_max_lifetime_jitter":   span,
	"db":                         count,
	"dial_timeout":               span,
	"idle_timeout":               span,
	"max_active_conns":           count,
	"max_concurrent_dials":       count,
	"max_conn_age":               span,
	"max_idle_conns":             count,
	"max_retries":                orNone,
	"max_retry_backoff":          span,
	"min_idle_conns":             count,
	"min_retry_backoff":          span,
	"pipeline_pool_size":         orNone,
	"pipeline_read_buffer_size":  buffer,
	"pipeline_write_buffer_size": buffer,
	"pool_fifo":                  flag,
	"pool_size":                  count,
	"pool_timeout":               span,
	"protocol":                   number(2, 3),
	"read_timeout":               span,
	"skip_verify":                {good: flag.good, want: flag.want, tls: true},
	"write_timeout":              span,

	"sentinel_password": sentText,
	"sentinel_username": sentText,
	"tls_ca_file":       tlsText,
	"tls_cert_file":     tlsText,
	"tls_key_file":      tlsText,
	"tls_server_name":   tlsText,
}

func number(low, high int) option {
	return option{
		good: func(value string) bool {
			n, err := strconv.Atoi(value)
			return err == nil && n >= low && n <= high
		},
		want: fmt.Sprintf("a number from %d to %d", low, high),
	}
}

func isFlag(value string) bool {
	switch value {
	case "true", "false", "1", "0":
		return true
	}
	return false
}

func isSpan(value string) bool {
	if n, err := strconv.Atoi(value); err == nil {
		return n <= math.MaxInt64/int(time.Second)
	}
	_, err := time.ParseDuration(value)
	return err == nil
}
