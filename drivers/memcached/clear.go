package memcached

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

const (
	busyWait    = 10 * time.Millisecond // before a crawler that is at work is asked again
	busyWaitMax = 200 * time.Millisecond

	// crawlTimeout is how long a crawl may say nothing: one of a large table with few entries is silent for seconds.
	crawlTimeout    = 30 * time.Second
	linesPerTimeout = 1000

	// passes is how often a server is crawled whose crawler may miss entries, at most.
	passes = 12

	// listed is how many bytes of names are kept at a time, with what each of them takes beside its text.
	listed       = 32 << 20
	nameOverhead = 16
)

// calm is how long is waited after each walk of lists that finds nothing, until the walk after the last one finds nothing either.
var calm = [...]time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 80 * time.Millisecond}

// Clear removes every entry whose key begins with prefix, on every server, and returns how many of them were live. It
// finds them in the list of all keys that the server's crawler makes, so that it takes the longer the more entries the
// server has, whoever they belong to. It needs a server that was not started with -X or with -o no_lru_crawler, and
// without a proxy between, and returns an error that says so where there is no list. A crawler makes one list at a time:
// Clear waits, as long as ctx lets it, while it makes another.
//
// Where one server fails, what is on the others is removed, and counted, nevertheless.
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	servers, err := d.all()
	if err != nil {
		return 0, d.failed(ctx, "clear", err)
	}
	live, err := onEach(servers, func(s *server) (int, error) {
		n, err := s.clear(ctx, prefix)
		if err != nil {
			return n, fmt.Errorf("%s: %w", s.addr, err)
		}
		return n, nil
	})
	return live, d.failed(ctx, "clear", err)
}

// clear walks the table of entries, which has each once. Servers before 1.6.9 walk lists instead: until nothing is found any
// more, and then again after each of the pauses of calm. A walk passes by an entry that a thread of the server moves to another list
// meanwhile, or holds: that takes microseconds, but under load the thread may be put to sleep in the middle of it, so that walks in a
// row pass by the same entries. Pauses that grow outlast that; nothing that the server tells would prove it.
func (s *server) clear(ctx context.Context, prefix string) (int, error) {
	live, what, empty := 0, "hash", 0
	for walks := 0; walks < passes; {
		names, whole, err := s.list(ctx, what, prefix, math.MaxInt)
		if what == "hash" && errors.Is(err, errBadClass) {
			what = "all"
			continue
		}
		if err != nil {
			return live, err
		}
		n, err := s.clearNames(ctx, names, prefix)
		live += n
		if err != nil || whole && what == "hash" {
			return live, err
		}
		if !whole {
			continue
		}
		walks++
		if len(names) > 0 {
			empty = 0
			continue
		}
		if empty == len(calm) {
			return live, nil
		}
		if err := pause(ctx, calm[empty]); err != nil {
			return live, err
		}
		empty++
	}
	return live, nil
}

// pause waits, or returns why ctx has ended.
func pause(ctx context.Context, while time.Duration) error {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// list crawls once, and returns the names of what may begin with prefix: of all that is there, or of the most that it looks at, or of as many as are kept
// at a time. It reads as fast as the server writes: while the crawler waits for its reader, the server lets no client at its
// entries, nor us at those that we would remove meanwhile.
func (s *server) list(ctx context.Context, what, prefix string, most int) (names []string, whole bool, err error) {
	// A connection of its own: a list that is not read to its end is of no further use.
	l, err := s.open(ctx)
	if err != nil {
		return nil, false, err
	}
	defer l.close()
	l.begin(ctx)
	defer l.end()

	answer, err := l.crawl(ctx, what)
	if err != nil {
		return nil, false, err
	}
	// A line that is none is what the server repeats from the middle of another when it has waited long for a reader.
	size := 0
	for lines := 1; answer != "END"; lines++ {
		if lines > most {
			return names, false, nil
		}
		if lines%linesPerTimeout == 0 {
			l.extend(crawlTimeout)
		}
		if entry, ok := crawledName(answer); ok && begins(entry, prefix) != no {
			names = append(names, strings.Clone(entry)) // without the rest of its line
			if size += len(entry) + nameOverhead; size > listed {
				return names, false, nil
			}
		}
		if answer, err = l.line(); err != nil {
			return nil, false, err
		}
	}
	return names, true, nil
}

// errBadClass says that the crawler does not know what to crawl.
var errBadClass = errors.New("the crawler does not know what to crawl")

// crawl starts a list and returns its first line.
func (l *link) crawl(ctx context.Context, what string) (string, error) {
	for wait := busyWait; ; wait = min(2*wait, busyWaitMax) {
		l.extend(crawlTimeout)
		answer, err := l.ask("lru_crawler metadump " + what)
		switch {
		case err != nil:
			return "", err
		case answer == "END", strings.HasPrefix(answer, "key="):
			return answer, nil
		case strings.HasPrefix(answer, "BUSY"):
			if err := pause(ctx, wait); err != nil {
				return "", err
			}
			continue
		case strings.HasPrefix(answer, "NOTSTARTED"):
			return "END", nil
		case strings.HasPrefix(answer, "BADCLASS"):
			return "", errBadClass
		}
		return "", crawlError(answer)
	}
}

// crawlError says what a server needs that makes no list of its keys.
func crawlError(answer string) error {
	reason := "it is older than Memcached 1.4.31, or a proxy, and has no list of its keys"
	switch {
	case strings.Contains(answer, "unauthenticated"):
		return refusedAnswer(answer)
	case strings.Contains(answer, "not allowed"):
		reason = "it was started with -X (--disable-dumping): start it without"
	case strings.Contains(answer, "disabled"):
		reason = "its crawler is off: start it without -o no_lru_crawler"
	}
	return marked.Error{Err: fmt.Errorf("the server does not list its keys: %s: %w", reason, &answerError{answer}), Kind: errors.ErrUnsupported}
}

// crawledName returns the name in a line of a list: key=NAME exp=…, the name percent-encoded.
func crawledName(line string) (string, bool) {
	rest, ok := strings.CutPrefix(line, "key=")
	encoded, _, spaced := strings.Cut(rest, " ")
	if !ok || !spaced || strings.Contains(encoded, "=") {
		return "", false
	}
	entry, err := url.PathUnescape(encoded)
	return entry, err == nil
}

// Whether a key begins with a prefix.
type answer int

const (
	no answer = iota
	yes
	perhaps // its name does not hold enough of it
)

// begins tells whether the key of an entry with this name begins with prefix.
func begins(entry, prefix string) answer {
	origin, ok := originOf(entry)
	switch {
	case !ok:
		return no // no key of ours has such a name
	case strings.HasPrefix(origin.head, prefix):
		return yes
	case !origin.whole && strings.HasPrefix(prefix, origin.head):
		return perhaps
	}
	return no
}

// clearNames removes those of names whose keys begin with prefix.
func (s *server) clearNames(ctx context.Context, names []string, prefix string) (int, error) {
	var sure, unsure []string
	for _, entry := range names {
		if begins(entry, prefix) == yes {
			sure = append(sure, entry)
		} else {
			unsure = append(unsure, entry)
		}
	}
	for len(unsure) > 0 {
		n := min(len(unsure), batchValues)
		err := s.use(ctx, func(l *link) error {
			entries, err := l.look(unsure[:n], true)
			for i, entry := range entries {
				if entry == nil {
					continue
				}
				if key, _, ok := splitFront(entry.value); ok && strings.HasPrefix(string(key), prefix) {
					sure = append(sure, unsure[i])
				}
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		unsure = unsure[n:]
	}
	return s.remove(ctx, sure)
}
