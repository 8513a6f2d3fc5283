package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/wording"
)

// unreadable is the problem of a value that cannot be read.
type unreadable string

func (u unreadable) Error() string { return string(u) }

// parseDuration reads 90s, or 90 as seconds.
func parseDuration(text string) (time.Duration, error) {
	problem := unreadable(fmt.Sprintf("%s is not a duration: give %s", wording.Shown(text), formDuration))
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if seconds > math.MaxInt64/int64(time.Second) || seconds < math.MinInt64/int64(time.Second) {
			return 0, problem
		}
		return time.Duration(seconds) * time.Second, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, problem
	}
	return d, nil
}

// units are those of sizes, as bytes.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1},
}

// parseSize reads 64MiB (64 · 2²⁰), 64MB (64 · 10⁶), or 64 as bytes.
func parseSize(text string) (int64, error) {
	problem := unreadable(fmt.Sprintf("%s is not a size: give %s", wording.Shown(text), formSize))
	number, factor := text, int64(1)
	for _, unit := range units {
		if before, found := strings.CutSuffix(text, unit.name); found {
			number, factor = strings.TrimSuffix(before, " "), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor || n < math.MinInt64/factor {
		return 0, problem
	}
	return n * factor, nil
}

// parsePart reads a number, of which others tell whether it is a part of a whole.
func parsePart(text string) (float64, error) {
	part, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, unreadable(fmt.Sprintf("%s is not a number: give %s", wording.Shown(text), formPart))
	}
	return part, nil
}

func parseBool(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, unreadable(fmt.Sprintf("%s is neither true nor false: give one of them", wording.Shown(text)))
	}
	return b, nil
}
