package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// durations are those that a field takes.
type durations struct {
	least, most time.Duration
	form        string // both, for a message
}

// sizes are those, in bytes, that a field takes.
type sizes struct {
	least, most int64
	form        string
}

var (
	// Those of fastapi-cachette.
	rangeTTL = durations{time.Second, 3600 * time.Second, "1 s to 3600 s"}
	// No store across a network is meant to answer within less, and no client waits for more.
	rangeTimeout = durations{time.Millisecond, time.Minute, "1 ms to 60 s"}
	// What was not asked for in a month is not worth its room.
	rangeKeepStale = durations{time.Millisecond, 30 * 24 * time.Hour, "1 ms to 720 h"}
	// A look at a lease takes as long as the store does; no client waits for longer than some minutes.
	rangeLease = durations{time.Millisecond, 10 * time.Minute, "1 ms to 10 min"}
	// A look at what was purged takes as long as the store does. No page is to be shown for an hour that was purged.
	rangeNearStaleness = durations{20 * time.Millisecond, time.Hour, "20 ms to 1 h"}
	rangeNearPoll      = durations{10 * time.Millisecond, 30 * time.Minute, "10 ms to 30 min"}
	// An empty store in memory takes some tens of kilobytes; 48 bits of an address reach 256 TiB.
	rangeMemory = sizes{1 << 20, 1 << 48, "1 MiB to 256 TiB"}
	// The head of a response takes as much as a smaller body; no backend keeps one of more than 4 GiB.
	rangeBody = sizes{1000, 4 << 30, "1 kB to 4 GiB"}
)

// duration checks a field. A number without a unit counts seconds in a variable, and nanoseconds in code: where it is out of
// range, it may have been meant otherwise.
func (c *checker) duration(field string, d time.Duration, in durations) {
	c.check(field, func() string {
		if d >= in.least && d <= in.most {
			return ""
		}
		problem := fmt.Sprintf("%s is out of range: give %s", formatDuration(d), in.form)
		text := c.texts[field]
		switch milliseconds := d / 1000; {
		case isCount(text) && d > in.most && milliseconds <= in.most:
			return fmt.Sprintf("%s (a number without a unit counts seconds: did you mean %sms?)", problem, text)
		case c.texts == nil && d > 0 && d < in.least && d < 10*time.Microsecond:
			return problem + " (a number without a unit counts nanoseconds" + meant(in.least, in.most,
				[]time.Duration{d * 1e6, d * 1e9}, fmt.Sprintf("%d * time.Millisecond", d), fmt.Sprintf("%d * time.Second", d)) + ")"
		}
		return problem
	})
}

// size checks a field. A number without a unit counts bytes: where it is too small, it may have been meant otherwise.
func (c *checker) size(field string, bytes int64, in sizes) {
	c.check(field, func() string {
		if bytes >= in.least && bytes <= in.most {
			return ""
		}
		problem := fmt.Sprintf("%s is out of range: give %s", formatSize(bytes), in.form)
		if bytes <= 0 || bytes >= in.least {
			return problem
		}
		return problem + " (a number without a unit counts bytes" + meant(in.least, in.most,
			[]int64{bytes << 10, bytes << 20}, fmt.Sprintf("%d << 10, which is %[1]dKiB", bytes),
			fmt.Sprintf("%d << 20, which is %[1]dMiB", bytes)) + ")"
	})
}

// bodyOverMemory tells where a body may be larger than all that the store in memory may hold: none so large would be kept.
func (c *checker) bodyOverMemory() string {
	memory := c.config.WithDefaults().MemoryLimit
	if body := c.config.BodyLimit; c.backend == "inmemory" && body <= rangeBody.most && memory >= rangeMemory.least && body > memory {
		return fmt.Sprintf("%s is more than the whole memory limit of %s: give less, or a larger MemoryLimit (%s)",
			formatSize(body), formatSize(memory), variableOf("MemoryLimit"))
	}
	return ""
}

// nearOverMemory tells where the near tier, which is a part of the memory limit, would be more than that.
func (c *checker) nearOverMemory() string {
	if memory := c.config.WithDefaults().MemoryLimit; memory >= rangeMemory.least && c.config.Near > memory {
		return fmt.Sprintf("%s is more than the whole memory limit of %s, of which it is a part: give less, or a larger MemoryLimit (%s)",
			formatSize(c.config.Near), formatSize(memory), variableOf("MemoryLimit"))
	}
	return ""
}

// pollOverStaleness tells where the near tier would be too old, as a rule, by when it looks again.
func (c *checker) pollOverStaleness() string {
	if poll, most := c.config.NearPoll, c.config.WithDefaults().NearStaleness/2; poll > most {
		return fmt.Sprintf("%s is more than half of the NearStaleness (%s) of %s, so that near entries would be too old by when it looks again: give at most %s",
			formatDuration(poll), variableOf("NearStaleness"), formatDuration(2*most), formatDuration(most))
	}
	return ""
}

// isCount reports whether text is a positive number without a unit.
func isCount(text string) bool {
	n, err := strconv.ParseInt(text, 10, 32)
	return err == nil && n > 0
}

// meant asks whether those values were meant that are in range.
func meant[T time.Duration | int64](least, most T, values []T, names ...string) string {
	var candidates []string
	for i, value := range values {
		if value >= least && value <= most {
			candidates = append(candidates, names[i])
		}
	}
	if len(candidates) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(candidates, ", or ") + "?"
}

// formatDuration prints 2h and not 2h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// formatSize prints a number of bytes in the largest unit of which it is a whole number.
func formatSize(bytes int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes != 0 && bytes%unit.bytes == 0 {
			return fmt.Sprintf("%d %s", bytes/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}
