package memcached

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	defaultItemSize = 1 << 20 // a server's limit of an item unless it is started with another (-I)

	// What an item takes beside its name and its value, in Memcached 1.6 on 64 bits: a header of 48 bytes, the version
	// of the item (CAS), the NUL behind the name, the flags, and the value's line end.
	itemOverhead = 48 + casOverhead + 1 + 4 + 2
	casOverhead  = 8 // less on a server without CAS (-C)

	// oldOverhead is what older servers, which have no meta commands, take more: flags and size as text.
	oldOverhead = 32

	// smallItem fits on every server, for the least limit that one can be started with is 1 KiB.
	smallItem = 900

	// askAgain is how long a server that did not answer is left alone.
	askAgain = 10 * time.Second
)

// settings are what a server has told of its own.
type settings struct {
	itemSize atomic.Int64 // with what the server saves of itemOverhead; 0 as long as it has not told
	asking   atomic.Bool  // in the background
	failed   atomic.Int64 // when asking failed, in Unix seconds

	noVersions atomic.Bool // it keeps none of its entries (CAS)
	noList     atomic.Bool // it makes none of its keys
}

// learn asks the server for its limit. A server that does not know the question has the default.
func (s *server) learn(ctx context.Context) error {
	err := s.use(ctx, func(l *link) error {
		meta, err := l.hasMeta()
		if err != nil {
			return err
		}
		size, saved := int64(defaultItemSize), int64(0)
		answer, err := l.ask("stats settings")
		for err == nil && strings.HasPrefix(answer, "STAT ") {
			if value, ok := strings.CutPrefix(answer, "STAT item_size_max "); ok {
				if told, err := strconv.ParseInt(value, 10, 64); err == nil && told > 0 {
					size = told
				}
			}
			switch answer {
			case "STAT cas_enabled no":
				saved = casOverhead
				s.settings.noVersions.Store(true)
			case "STAT dump_enabled no", "STAT lru_crawler no":
				s.settings.noList.Store(true)
			}
			answer, err = l.line()
		}
		if err != nil {
			return err
		}
		if err := refusedAnswer(answer); err != nil {
			return err
		}
		if !meta {
			size -= oldOverhead
		}
		s.settings.itemSize.Store(size + saved)
		return nil
	})
	if err != nil {
		s.settings.failed.Store(time.Now().Unix())
	}
	return err
}

// mayLearn reports whether the limit is unknown and the server worth being asked.
func (s *server) mayLearn() bool {
	return s.settings.itemSize.Load() == 0 && time.Now().Unix()-s.settings.failed.Load() >= int64(askAgain/time.Second)
}

// learnLater asks in the background, once at a time.
func (s *server) learnLater() {
	if !s.mayLearn() || !s.settings.asking.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.settings.asking.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		defer cancel()
		_ = s.learn(ctx) // it will be asked again
	}()
}

// itemSize returns the largest item that the server takes, as far as that is known.
func (s *server) itemSize() int {
	if size := s.settings.itemSize.Load(); size > 0 {
		return int(size)
	}
	return defaultItemSize
}

// maxValue returns the size of the largest value under key.
func (s *server) maxValue(key string, n name) int {
	most := s.itemSize() - itemOverhead - len(n.text)
	if n.hashed {
		most -= len(front(key))
	}
	return max(most, -1)
}

// MaxValue returns the size, in bytes, of the largest value that Set takes under key: the limit of the server that keeps
// key, less what the server adds. The server is asked once, at the start or in the background; until it has answered,
// 1 MiB is taken as its limit, which is Memcached's own default.
func (d *Driver) MaxValue(key string) int {
	n := nameOf(key)
	s, err := d.serverOf(n)
	if err != nil {
		return defaultItemSize - itemOverhead - maxKey
	}
	if !d.closed.Load() {
		s.learnLater()
	}
	return s.maxValue(key, n)
}
