package rfc9111_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestCacheStatus writes Cache-Status (RFC 9211 §2).
func TestCacheStatus(t *testing.T) {
	for _, test := range []struct {
		name   string
		rule   string
		status rfc9111.CacheStatus
		want   string
	}{
		{"nothing to say", "9211 §2", rfc9111.CacheStatus{}, `cachette`},
		{"a hit", "9211 §2.1", rfc9111.CacheStatus{Hit: true}, `cachette; hit`},
		{"fresh for so long", "9211 §2.4", rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: 1100 * time.Second},
			`cachette; hit; ttl=1100`},
		{"fresh for part of a second", "9211 §2.4",
			rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: 1999 * time.Millisecond}, `cachette; hit; ttl=1`},
		{"no longer fresh", "9211 §2.4", rfc9111.CacheStatus{Hit: true, HasTTL: true}, `cachette; hit; ttl=0`},
		{"stale by part of a second", "9211 §2.4", rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: -1},
			`cachette; hit; ttl=-1`},
		{"stale by a second", "9211 §2.4", rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: -time.Second},
			`cachette; hit; ttl=-1`},
		{"stale by more", "9211 §2.4", rfc9111.CacheStatus{Hit: true, HasTTL: true, TTL: -1001 * time.Millisecond},
			`cachette; hit; ttl=-2`},
		{"stored", "9211 §2.5", rfc9111.CacheStatus{Forward: rfc9111.ForwardURIMiss, Stored: true},
			`cachette; fwd=uri-miss; stored`},
		{"collapsed", "9211 §2.6", rfc9111.CacheStatus{Forward: rfc9111.ForwardURIMiss, Collapsed: true},
			`cachette; fwd=uri-miss; collapsed`},
		{"validated", "9211 §2.3", rfc9111.CacheStatus{Forward: rfc9111.ForwardStale, Status: 304, Stored: true},
			`cachette; fwd=stale; fwd-status=304; stored`},
		{"not stored", "9211 §2.8",
			rfc9111.CacheStatus{Forward: rfc9111.ForwardURIMiss, Detail: string(rfc9111.RefusedPrivate)},
			`cachette; fwd=uri-miss; detail=private`},
		{"a key", "9211 §2.7", rfc9111.CacheStatus{Hit: true, Key: "~r:hq//example.com/a?b"},
			`cachette; hit; key="~r:hq//example.com/a?b"`},
		{"a key with quotes", "8941 §4.1.6", rfc9111.CacheStatus{Hit: true, Key: `"\`}, `cachette; hit; key="\"\\"`},
		{"a key that is not ASCII", "8941 §3.3.3", rfc9111.CacheStatus{Hit: true, Key: "ä\n\x7f~ "},
			`cachette; hit; key="%C3%A4%0A%7F~ "`},
		{"everything", "9211 §2",
			rfc9111.CacheStatus{
				Forward: rfc9111.ForwardVaryMiss, Status: 200, HasTTL: true, TTL: time.Second, Stored: true, Collapsed: true,
				Key: "k", Detail: "d",
			},
			`cachette; fwd=vary-miss; fwd-status=200; ttl=1; stored; collapsed; key="k"; detail=d`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.status.String()
			if got != test.want {
				t.Errorf("RFC %s: it is %s, want %s", test.rule, got, test.want)
			}
			if err := parseCacheStatus(got); err != nil {
				t.Errorf("RFC 8941 §4.2: %s: %v", got, err)
			}
		})
	}
}

// TestCacheStatusTokens holds that every reason there is to forward or not to store is a token (RFC 9211 §2.2, §2.8).
func TestCacheStatusTokens(t *testing.T) {
	for _, why := range []rfc9111.Forward{
		rfc9111.ForwardBypass, rfc9111.ForwardMethod, rfc9111.ForwardURIMiss, rfc9111.ForwardVaryMiss,
		rfc9111.ForwardRequest, rfc9111.ForwardStale, rfc9111.ForwardPartial,
	} {
		for _, refusal := range []rfc9111.Refusal{
			rfc9111.Stored, rfc9111.RefusedMethod, rfc9111.RefusedStatus, rfc9111.RefusedRequest, rfc9111.RefusedNoStore,
			rfc9111.RefusedPrivate, rfc9111.RefusedCredentials, rfc9111.RefusedSetCookie, rfc9111.RefusedVary,
			rfc9111.RefusedStale, rfc9111.RefusedUnknown,
		} {
			status := rfc9111.CacheStatus{Forward: why, Detail: string(refusal)}
			if err := parseCacheStatus(status.String()); err != nil {
				t.Errorf("%s: %v", status.String(), err)
			}
		}
	}
}

// parseCacheStatus parses a Cache-Status field as RFC 8941 §4.2.1 parses a List of tokens with parameters, by a grammar of
// its own, and holds the parameters to the types of RFC 9211 §2 and to being there once.
func parseCacheStatus(value string) error {
	const item = `[A-Za-z*][!#$%&'*+.^_` + "`" + `|~:/0-9A-Za-z-]*|-?[0-9]{1,15}|"(?:[ !#-\[\]-~]|\\["\\])*"`
	if !regexp.MustCompile(`^cachette(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:` + item + `))?)*$`).MatchString(value) {
		return fmt.Errorf("it is no token with parameters")
	}
	types := map[string]string{
		"hit": `^$`, "stored": `^$`, "collapsed": `^$`, "fwd": `^=[a-z-]+$`, "fwd-status": `^=[0-9]{3}$`, "ttl": `^=-?[0-9]+$`,
		"key": `^="(?s:.*)"$`, "detail": `^=[a-z-]+$`,
	}
	seen := map[string]bool{}
	parameter := regexp.MustCompile(`; *([a-z-]+)((?:=(?:` + item + `))?)`)
	for _, p := range parameter.FindAllStringSubmatch(strings.TrimPrefix(value, "cachette"), -1) {
		kind, known := types[p[1]]
		if !known || seen[p[1]] || !regexp.MustCompile(kind).MatchString(p[2]) {
			return fmt.Errorf("parameter %s%s is unknown, or there already, or of a wrong type", p[1], p[2])
		}
		seen[p[1]] = true
	}
	if seen["hit"] && seen["fwd"] {
		return fmt.Errorf("it is a hit and was forwarded") // RFC 9211 §2.2
	}
	return nil
}
