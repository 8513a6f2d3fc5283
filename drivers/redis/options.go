package redis

import (
	"math"
	"time"

	"github.com/gin-cachette/cachette/drivers/internal/address"
)

// option is what may stand behind the ? of a URL.
type option struct {
	address.Form
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
	case !o.Good(value):
		return "cannot be read: give " + o.Want
	}
	return ""
}

var (
	flag     = option{Form: address.Flag}
	span     = option{Form: address.Duration(func(time.Duration) bool { return true })} // a negative one means none
	count    = option{Form: address.Count}
	orNone   = option{Form: address.Number(-1, math.MaxInt32)} // -1 means none
	buffer   = option{Form: address.Number(0, 64<<20)}
	text     = option{Form: address.Text}
	tlsText  = option{Form: address.Text, ours: true, tls: true}
	sentText = option{Form: address.Text, ours: true, sentinel: true}
)

// options are those that redis.ParseURL knows, and ours.
var options = map[string]option{
	"client_name":                text,
	"conn_max_idle_time":         span,
	"conn_max_lifetime":          span,
	"conn_max_lifetime_jitter":   span,
	"db":                         count,
	"dial_timeout":               {Form: address.Timeout},
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
	"pool_size":                  {Form: address.Connections},
	"pool_timeout":               span,
	"protocol":                   {Form: address.Number(2, 3)},
	"read_timeout":               span,
	"skip_verify":                {Form: address.Flag, tls: true},
	"write_timeout":              span,

	"sentinel_password": sentText,
	"sentinel_username": sentText,
	"tls_ca_file":       tlsText,
	"tls_cert_file":     tlsText,
	"tls_key_file":      tlsText,
	"tls_server_name":   tlsText,
}
