// Package argument judges what a program gives by code, and reads it: durations, namespaces, paths, and pages to refresh.
package argument

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Err says that an argument is out of range. It is cachette.ErrInvalid.
var Err = errors.New("cachette: invalid argument")

// shortest is the shortest time that a duration can mean: less is a number that lacks its unit, as in Cached(60).
const shortest = time.Millisecond

// Duration tells what is wrong with a duration, or nothing.
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return fmt.Sprintf("is %v; give more than 0", d)
	case d < shortest:
		meant := fmt.Sprintf("%d*time.Second", d) // a number without a unit
		if d%time.Microsecond == 0 {
			meant = fmt.Sprintf("%d*time.Millisecond, or %s", d/time.Microsecond, meant)
		}
		return fmt.Sprintf("is %v, under a millisecond; did you mean %s? A time.Duration without a unit counts nanoseconds", d, meant)
	}
	return ""
}

// TTL returns the time to live that a caller gives for a value: 0 stands for usual.
func TTL(ttl, usual time.Duration) (time.Duration, error) {
	switch {
	case ttl == 0:
		return usual, nil
	case ttl < 0:
		return 0, fmt.Errorf("%w: the time to live %v is negative; give a positive one, or 0 for the configured %v", Err, ttl, usual)
	}
	if problem := Duration(ttl); problem != "" {
		return 0, fmt.Errorf("%w: the time to live %s", Err, problem)
	}
	return ttl, nil
}

// Namespace tells what is wrong with the name of a namespace, or nothing.
func Namespace(namespace string) string {
	bare := strings.TrimRight(namespace, ":")
	trimmed := strings.TrimSpace(bare)
	switch {
	case namespace == "":
		return "the namespace is empty; name one"
	case trimmed == "" && bare != "":
		return fmt.Sprintf("%q is nothing but blanks; name a namespace, as \"shop\"", namespace)
	case trimmed != bare:
		return fmt.Sprintf("%q has blanks around it, which would be part of the name; give %q", namespace, trimmed)
	case bare == "":
		return fmt.Sprintf("%q is nothing but a colon; name a namespace, as \"shop\"", namespace)
	case bare != namespace:
		return fmt.Sprintf("%q ends with the colon that follows a namespace in its keys; give %q", namespace, bare)
	}
	return ""
}
