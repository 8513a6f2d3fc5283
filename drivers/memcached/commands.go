package memcached

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/internal/bounded"
)

// What is known of a server's meta commands, which are there since Memcached 1.6, and not in every proxy.
const (
	metaUnknown = iota
	metaYes
	metaNo
)

// hasMeta reports whether the server has meta commands.
func (l *link) hasMeta() (bool, error) {
	if known := l.server.meta.Load(); known != metaUnknown {
		return known == metaYes, nil
	}
	answer, err := l.ask("mn")
	if err != nil {
		return false, err
	}
	switch {
	case answer == "MN":
		l.server.meta.Store(metaYes)
		return true, nil
	case strings.HasPrefix(answer, "ERROR"), strings.HasPrefix(answer, "CLIENT_ERROR"):
		if err := refusedAnswer(answer); err != nil {
			return false, err
		}
		l.server.meta.Store(metaNo)
		return false, nil
	}
	return false, &answerError{answer}
}

// refusedAnswer returns an error for the answer of a server that wants to know who asks.
func refusedAnswer(answer string) error {
	if answer == "CLIENT_ERROR unauthenticated" {
		return refusedNoOne
	}
	return nil
}

// A found is what a server has under a name.
type found struct {
	flags uint32
	value []byte // nil unless it was asked for
	left  int64  // seconds to live; -1 for ever, unknownLeft where the server does not tell
	size  int    // of the value, where it was asked for
	cas   uint64 // what the server calls this version of the entry; 0 unless it was asked for, or where it has none
}

const unknownLeft = -2

// expiresAt returns when the entry ends. Where the server does not tell, as it does without meta commands, it is the
// least that it counts: a second.
func (f *found) expiresAt(now time.Time) time.Time {
	if end, ours := decodeExpiry(f.flags, now); ours {
		return end
	}
	switch {
	case f.left == unknownLeft:
		return now.Add(time.Second)
	case f.left < 0 || f.left > int64(never.Sub(now)/time.Second):
		return never
	}
	return now.Add(time.Duration(f.left) * time.Second)
}

// live reports whether the entry has not ended. One that is not of our making lives as long as the server has it.
func (f *found) live(now time.Time) bool {
	end, ours := decodeExpiry(f.flags, now)
	return !ours || now.Before(end)
}

// get reads what is under a name, with as little work as can be. memcache.ErrCacheMiss says that there is nothing.
func (l *link) get(name string) (value []byte, flags uint32, err error) {
	l.send("get ", name)
	if err := l.flush(); err != nil {
		return nil, 0, err
	}
	answer, err := l.slice()
	if err != nil {
		return nil, 0, err
	}
	if string(answer) == "END" {
		return nil, 0, memcache.ErrCacheMiss
	}
	found, flags, size, ok := parseValueLine(answer)
	if !ok || string(found) != name {
		return nil, 0, &answerError{string(answer)}
	}
	if value, err = l.readData(size); err != nil {
		return nil, 0, err
	}
	if end, err := l.slice(); err != nil || string(end) != "END" {
		return nil, 0, firstError(err, &answerError{string(end)})
	}
	return value, flags, nil
}

// getAll reads what is under names, in one request, and calls each with what is there.
func (l *link) getAll(names []string, each func(name string, flags uint32, value []byte)) error {
	out := l.lines()
	out.WriteString("get")
	for _, name := range names {
		out.WriteByte(' ')
		out.WriteString(name)
	}
	l.send()
	if err := l.flush(); err != nil {
		return err
	}
	for {
		answer, err := l.slice()
		if err != nil {
			return err
		}
		if string(answer) == "END" {
			return nil
		}
		found, flags, size, ok := parseValueLine(answer)
		if !ok {
			return &answerError{string(answer)}
		}
		name := string(found)
		value, err := l.readData(size)
		if err != nil {
			return err
		}
		each(name, flags, value)
	}
}

// parseValueLine reads the line before a value: VALUE name flags size.
func parseValueLine(line []byte) (name []byte, flags uint32, size int, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("VALUE "))
	name, rest, spaced := bytes.Cut(rest, []byte(" "))
	flagsText, sizeText, spacedAgain := bytes.Cut(rest, []byte(" "))
	if !ok || !spaced || !spacedAgain {
		return nil, 0, 0, false
	}
	bits, err := strconv.ParseUint(string(flagsText), 10, 32)
	if err != nil {
		return nil, 0, 0, false
	}
	n, err := strconv.ParseUint(string(sizeText), 10, 31)
	return name, uint32(bits), int(n), err == nil
}

// look reads what is under names, in their order: nil for what is not there. The values are read only if asked for, but
// a server without meta commands sends them anyway.
func (l *link) look(names []string, values bool) ([]*found, error) {
	meta, err := l.hasMeta()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		l.writeLook(meta, name, values)
	}
	if err := l.flush(); err != nil {
		return nil, err
	}
	all := make([]*found, len(names))
	for i := range names {
		if all[i], err = l.readLook(meta); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// writeLook asks for what is under a name.
func (l *link) writeLook(meta bool, name string, values bool) {
	switch {
	case !meta:
		l.send("get " + name)
	case values:
		l.send("mg " + name + " f t v")
	default:
		l.send("mg " + name + " f")
	}
}

// readLook reads the answer.
func (l *link) readLook(meta bool) (*found, error) {
	answer, err := l.line()
	if err != nil {
		return nil, err
	}
	if !meta {
		return l.readGet(answer)
	}
	fields := strings.Fields(answer)
	f := &found{left: unknownLeft}
	switch {
	case answer == "EN":
		return nil, nil
	case strings.HasPrefix(answer, "HD"):
		fields = fields[1:]
	case strings.HasPrefix(answer, "VA ") && len(fields) >= 2:
		if f.value, err = l.readValue(fields[1]); err != nil {
			return nil, err
		}
		fields = fields[2:]
	default:
		return nil, &answerError{answer}
	}
	for _, field := range fields {
		switch field[0] {
		case 'f':
			flags, err := strconv.ParseUint(field[1:], 10, 32)
			if err != nil {
				return nil, &answerError{answer}
			}
			f.flags = uint32(flags)
		case 't':
			if f.left, err = strconv.ParseInt(field[1:], 10, 64); err != nil {
				return nil, &answerError{answer}
			}
		case 's':
			if f.size, err = strconv.Atoi(field[1:]); err != nil {
				return nil, &answerError{answer}
			}
		case 'c':
			if f.cas, err = strconv.ParseUint(field[1:], 10, 64); err != nil {
				return nil, &answerError{answer}
			}
		}
	}
	return f, nil
}

// readGet reads the answer to get, of which answer is the first line.
func (l *link) readGet(answer string) (*found, error) {
	if answer == "END" {
		return nil, nil
	}
	fields := strings.Fields(answer)
	if len(fields) < 4 || fields[0] != "VALUE" {
		return nil, &answerError{answer}
	}
	flags, err := strconv.ParseUint(fields[2], 10, 32)
	if err != nil {
		return nil, &answerError{answer}
	}
	f := &found{flags: uint32(flags), left: unknownLeft}
	if len(fields) > 4 { // the answer to gets
		if f.cas, err = strconv.ParseUint(fields[4], 10, 64); err != nil {
			return nil, &answerError{answer}
		}
	}
	if f.value, err = l.readValue(fields[3]); err != nil {
		return nil, err
	}
	if end, err := l.line(); err != nil || end != "END" {
		return nil, firstError(err, &answerError{end})
	}
	return f, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readValue reads a value of so many bytes, and the end of its line.
func (l *link) readValue(size string) ([]byte, error) {
	n, err := strconv.ParseUint(size, 10, 31)
	if err != nil {
		return nil, &answerError{"a value of " + size + " bytes"}
	}
	return l.readData(int(n))
}

// How many keys are asked for at once. Their requests fit into the buffers of a connection together with the answers to
// them, for the server reads no more while its answers are not read.
const (
	batch       = 200
	batchValues = 16 // where answers hold values
	batchAdds   = 64 // where values are sent that are small, and the answers may hold others
)

// remove removes what is under names, and returns how many of them were live. Of several callers at once one is told
// that an entry was.
func (s *server) remove(ctx context.Context, names []string) (int, error) {
	live := 0
	for len(names) > 0 {
		if err := bounded.Err(ctx); err != nil {
			return live, err
		}
		n := min(len(names), batch)
		if s.meta.Load() != metaYes {
			n = min(n, batchValues)
		}
		var removed int
		err := s.use(ctx, func(l *link) error {
			var err error
			removed, err = l.remove(names[:n])
			return err
		})
		live += removed
		if err != nil {
			return live, err
		}
		names = names[n:]
	}
	return live, nil
}

// remove asks for each entry's flags and removes it, in one round trip for all. What is written in the moment between
// the two counts as live if it was not there, or as what it replaces.
func (l *link) remove(names []string) (int, error) {
	meta, err := l.hasMeta()
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		l.writeLook(meta, name, false)
		l.sendRemovals(meta, []string{name})
	}
	if err := l.flush(); err != nil {
		return 0, err
	}
	live := 0
	for range names {
		entry, err := l.readLook(meta)
		if err != nil {
			return live, err
		}
		answer, err := l.line()
		if err != nil {
			return live, err
		}
		switch answer {
		case "HD", "DELETED":
			if entry == nil || entry.live(time.Now()) {
				live++
			}
		case "NF", "NOT_FOUND":
		default:
			return live, &answerError{answer}
		}
	}
	return live, nil
}

// version asks whether the server answers.
func (l *link) version() error {
	answer, err := l.ask("version")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(answer, "VERSION ") {
		return firstError(refusedAnswer(answer), &answerError{answer})
	}
	return nil
}
