package entries

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/codings"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

const (
	// codersPer is for how many processors there is a goroutine that codes.
	codersPer = 4
	// formRest is for how long a form is not made again: memory may be so short that it is not kept. So a form lives as long at least: a page that
	// ends earlier may be made anew with the same content.
	formRest = 30 * time.Second
)

// Forms is what keeps coded forms in this process.
type Forms struct {
	Objects drivers.Objects  // nil for no forms
	Close   func() error     // of a memory of their own; nil where they are in the store
	Holds   drivers.Measured // the same
}

// forms have the contents of entries in content codings. Each stands under a digest of the content that it is made of. So it belongs to whatever
// entry has that content, in this process and in others, and to none with another one: purges need not know of it.
//
// They are live objects: in the store where that keeps such, and else in a memory of their own, in front of the store.
type forms struct {
	Forms
	head   string // what the keys begin with
	set    *codings.Set
	most   int // that are being made at once
	recent *flight.Recent

	tallies []formTally // of the codings of the set

	mu     sync.Mutex
	making map[string]chan struct{} // by key; closed once it is made
	closed bool
}

// formLetter stands where a response's key has that of its scheme.
const formLetter = "z"

// open makes the forms ready, where codings are linked.
func (f *forms) open(in Forms, prefix string) {
	set := codings.Linked()
	if set == nil || in.Objects == nil {
		return
	}
	*f = forms{
		Forms: in, head: target.Marks(prefix) + formLetter, set: set, most: max(1, runtime.GOMAXPROCS(0)/codersPer),
		recent: flight.NewRecent(), making: make(map[string]chan struct{}), tallies: make([]formTally, len(set.All)),
	}
}

// FormOf returns an entry's form in the coding that a request prefers by its lines of Accept-Encoding; nil where that is none, or where there is none
// yet: it is then being made, which no client waits for.
func (s *Store) FormOf(e *response.Entry, accept []string, now time.Time) *response.Form {
	f := &s.forms
	i := f.preferred(accept)
	if i < 0 || e.Content == "" {
		return nil
	}
	key := f.appendKey(make([]byte, 0, 128), e, i)
	if object, _ := f.Objects.GetObject(key, now); object != nil {
		if form, ok := object.(*response.Form); ok && form.Body != nil {
			f.tallies[i].serve()
			return form
		}
		return nil
	}
	s.haveForm(string(key), e, i, now)
	return nil
}

// FormFor returns the coding that a request prefers by its lines of Accept-Encoding, and an entry's form in it; an empty one where that is none, and nil
// where there is no form in this process. It has none made.
func (s *Store) FormFor(e *response.Entry, accept []string, now time.Time) (coding string, form *response.Form) {
	f := &s.forms
	i := f.preferred(accept)
	if i < 0 {
		return "", nil
	}
	object, _ := f.Objects.GetObject(f.appendKey(nil, e, i), now)
	form, _ = object.(*response.Form)
	return f.set.Names[i], form
}

// preferred returns the number of the coding that a request prefers; -1 for none.
func (f *forms) preferred(accept []string) int {
	if f.Objects == nil {
		return -1
	}
	return rfc9111.PreferredCoding(accept, f.set.Names)
}

// appendKey appends the key of an entry's form in a coding, by its number.
func (f *forms) appendKey(b []byte, e *response.Entry, number int) []byte {
	return append(append(append(b, f.head...), e.Content...), f.set.Names[number]...)
}

// haveForm has a form in a coding, by its number, be there soon, unless too many are being made.
func (s *Store) haveForm(key string, e *response.Entry, number int, now time.Time) {
	f := &s.forms
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.making[key] != nil || len(f.making) >= f.most || f.recent.Has(key, now) {
		return
	}
	f.recent.Add(key, now.Add(formRest))
	made := make(chan struct{})
	f.making[key] = made
	go func() {
		defer func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.making, key)
			close(made)
		}()
		if err := guard.Contained(func() error { return s.makeForm(key, e, number) }); err != nil {
			s.log.Debug("cachette: a response was not coded", "coding", f.set.Names[number], "error", err)
		}
	}()
}

// makeForm finds a form in the store, or makes it. Where it does not make the content smaller, that is noted in this process.
func (s *Store) makeForm(key string, e *response.Entry, number int) error {
	coding, counts := &s.forms.set.All[number], &s.forms.tallies[number]
	ttl := max(formRest, s.retention(e, time.Now()))
	form, err := s.storedForm(key, e, coding), error(nil)
	if form != nil {
		counts.found.Add(1)
	} else {
		body, problem := coding.Encode(e.Body)
		if problem != nil {
			return problem
		}
		if form = response.NewForm(coding.Name, body, len(e.Body)); form.Body != nil {
			counts.make(len(e.Body), len(form.Body))
			err = s.storeForm(key, e, form, ttl)
		}
	}
	s.forms.Objects.PutObject(key, form, form.Size(), ttl)
	return err
}

// storedForm returns what a store of bytes has under the key of a form; nil for nothing.
func (s *Store) storedForm(key string, e *response.Entry, coding *codings.Coding) *response.Form {
	if s.local != nil {
		return nil
	}
	ctx, cancel := s.far.Step(context.Background())
	defer cancel()
	item, err := s.far.Get(ctx, key)
	if err != nil {
		return nil
	}
	return response.DecodeForm(item.Value, e.Content, coding.Name, len(e.Body))
}

// storeForm has a store of bytes keep a form for as long as the entry.
func (s *Store) storeForm(key string, e *response.Entry, form *response.Form, ttl time.Duration) error {
	if s.local != nil {
		return nil
	}
	ctx, cancel := s.far.Step(context.Background())
	defer cancel()
	return s.far.Set(ctx, key, response.EncodeForm(e.Content, form), ttl)
}

// settle waits until the forms that are being made are there, or ctx ends.
func (f *forms) settle(ctx context.Context) error {
	f.mu.Lock()
	making := make([]chan struct{}, 0, len(f.making))
	for _, made := range f.making {
		making = append(making, made)
	}
	f.mu.Unlock()
	for _, made := range making {
		select {
		case <-made:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// close has no more forms be made. Those that are being made are not waited for.
func (f *forms) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.Close != nil {
		_ = f.Close() // it does not fail
	}
}
