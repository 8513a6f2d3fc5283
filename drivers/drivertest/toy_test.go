package drivertest_test

import (
	"context"
	"encoding/gob"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// question is what a toy asks its server, and reply what that answers.
type question struct {
	Op       string
	Key      string
	Keys     []string
	Value    []byte
	Values   [][]byte
	TTL      time.Duration
	Position drivers.Position
}

type reply struct {
	Values    [][]byte
	Has       []bool // which of Values are not nil
	ExpiresAt time.Time
	Count     int
	Position  drivers.Position
	Complete  bool
	Err       string
}

// serveToys returns the address of a server that keeps a fake.
func serveToys(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	store := newFake()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in, out := gob.NewDecoder(conn), gob.NewEncoder(conn); ; {
					var q question
					if in.Decode(&q) != nil || out.Encode(answer(store, q)) != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func answer(store *fake, q question) (r reply) {
	ctx := context.Background()
	var err error
	switch q.Op {
	case "get":
		var item drivers.Item
		item, err = store.Get(ctx, q.Key)
		r.Values, r.ExpiresAt = [][]byte{item.Value}, item.ExpiresAt
	case "values":
		r.Values, err = store.GetValues(ctx, q.Keys...)
	case "set":
		err = store.Set(ctx, q.Key, q.Value, q.TTL)
	case "delete":
		r.Count, err = store.Delete(ctx, q.Keys...)
	case "clear":
		r.Count, err = store.Clear(ctx, q.Key)
	case "sets":
		err = errors.Join(store.SetValues(ctx, q.TTL, q.Keys, q.Values)...)
	case "insert":
		r.Complete, err = store.Insert(ctx, q.Key, q.Value, q.TTL)
	case "add":
		r.Values, err = store.Add(ctx, q.TTL, func() []byte { return q.Value }, q.Keys...)
	case "append":
		err = store.Append(ctx, q.Key, q.keep(), q.TTL, q.Value)
	case "purge":
		err = store.Purge(ctx, q.Key, q.keep(), q.TTL, [][]byte{q.Value}, q.Keys...)
	case "end":
		r.Position, err = store.End(ctx, q.Key, q.TTL)
	case "since":
		r.Values, r.Position, r.Complete, err = store.Since(ctx, q.Key, q.Position)
	}
	for _, value := range r.Values {
		r.Has = append(r.Has, value != nil)
	}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

func (q question) keep() int { return 10_000 }

// toy is a driver of such a server. newToy returns one that is correct.
type toy struct {
	addr   string
	closed context.Context
	close  context.CancelFunc

	mu   sync.Mutex
	idle []*toyConn
	dead error // what the first dial has failed with

	running sync.WaitGroup

	toyDefect
}

// toyDefect are the mistakes that a toy can make.
type toyDefect struct {
	late          string        // the operation that is repeated once its caller has gone, and its connection has failed,
	patience      time.Duration // or has not answered for so long since then; 0 for toyTimeout
	repeats       string        // the operation of changing that is sent again while its caller waits
	sameWord      bool          // a word is sent again
	oneTry        bool          // what a dead connection was asked is not asked again
	keepsIdle     bool          // connections stay that were idle before one has proved to be dead
	closesGivenUp bool          // a connection is closed whose caller has gone
	mixesUp       bool          // the answer that comes then is taken for the next one
	quickEnd      time.Duration // a read is asked again if it takes so long
	staysDead     bool          // a dial that has failed is the last
	waits         bool          // for the answer, whatever the context says
	failureIsMiss bool

	waitsForTheDead bool // for records, on a connection that has failed
	asksEnded       bool // asks the server in spite of a context that has ended
	closeWaits      bool // for what is under way
	keepsUsed       bool // connections stay that were in use when it was closed
}

// changing are the operations that change what is stored. A toy sends them once.
var changing = []string{"set", "sets", "insert", "delete", "clear", "add", "append", "purge"}

type toyConn struct {
	net.Conn
	in   *gob.Decoder
	out  *gob.Encoder
	good time.Time // when it has last answered

	other *reply // that of a caller that has gone, which the next gets
}

const (
	// toyTimeout is how long a toy waits for an answer by itself.
	toyTimeout = 5 * time.Second
	// impatience is how long one does that repeats what nobody waits for.
	impatience = 100 * time.Millisecond
)

func newToy(addr string, defect toyDefect) *toy {
	d := &toy{addr: addr, toyDefect: defect}
	d.closed, d.close = context.WithCancel(context.Background())
	return d
}

// ask asks a question, which is made for each attempt anew.
func (d *toy) ask(ctx context.Context, make func() question) (r reply, err error) {
	d.running.Add(1)
	defer d.running.Done()
	if d.closed.Err() != nil {
		return r, drivers.ErrClosed
	}
	if ctx.Err() != nil && !d.asksEnded {
		return r, ctx.Err()
	}
	q := make()
	for attempt := 0; ; attempt++ {
		var used bool
		r, used, err = d.try(ctx, q)
		if err == nil || !used || attempt == 1 || d.oneTry || slices.Contains(changing, q.Op) && q.Op != d.repeats || ctx.Err() != nil || d.closed.Err() != nil {
			break
		}
		if !d.sameWord {
			q = make()
		}
	}
	switch {
	case d.closed.Err() != nil:
		return r, drivers.ErrClosed
	case ctx.Err() != nil && !d.waits:
		return r, ctx.Err()
	case err != nil && d.failureIsMiss, r.Err == drivers.ErrMiss.Error():
		return r, drivers.ErrMiss
	case r.Err != "":
		return r, errors.New(r.Err)
	}
	return r, err
}

// try asks a connection, and tells whether it was used before.
func (d *toy) try(ctx context.Context, q question) (r reply, used bool, err error) {
	began := time.Now()
	c, used, err := d.conn(ctx)
	if err != nil {
		return r, false, err
	}
	type outcome struct {
		reply
		error
	}
	answered := make(chan outcome, 1)
	go func() {
		if d.late == q.Op && d.patience > 0 {
			defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now().Add(d.patience)) })()
		}
		r, err := c.ask(q, toyTimeout, d.waits)
		if d.mixesUp && ctx.Err() != nil {
			c.other = &r
		}
		if err == nil && (!d.closesGivenUp || ctx.Err() == nil) {
			d.release(c)
		} else {
			c.Close()
		}
		answered <- outcome{r, err}
		if err != nil && ctx.Err() != nil && d.late == q.Op {
			d.repeat(q)
		}
	}()
	end, quick := ctx.Done(), (<-chan time.Time)(nil)
	if d.waits {
		end = nil
	}
	if d.quickEnd > 0 && (q.Op == "get" || q.Op == "values") {
		quick = time.After(d.quickEnd)
	}
	select {
	case o := <-answered:
		if o.error != nil {
			d.suspect(began)
		}
		return o.reply, used, o.error
	case <-quick:
		c.Close()
		r, _, err := toyWithout(d).try(ctx, q)
		return r, false, err
	case <-end:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			d.suspect(began)
		}
		return r, used, ctx.Err()
	case <-d.closed.Done():
		if !d.keepsUsed {
			c.Close()
		}
		return r, used, drivers.ErrClosed
	}
}

// toyWithout returns a driver of the same server that has no defect, nor a connection.
func toyWithout(d *toy) *toy { return newToy(d.addr, toyDefect{}) }

func (c *toyConn) ask(q question, timeout time.Duration, waits bool) (r reply, err error) {
	if !waits {
		_ = c.SetDeadline(time.Now().Add(timeout))
	}
	if err := c.out.Encode(q); err != nil {
		return r, err
	}
	if err := c.in.Decode(&r); err != nil {
		return r, err
	}
	if c.other != nil {
		r, *c.other = *c.other, r
	}
	return r, nil
}

// repeat asks on connections of its own, until there is an answer.
func (d *toy) repeat(q question) {
	for d.closed.Err() == nil {
		c, err := dialToy(context.Background(), d.addr)
		if err != nil {
			return
		}
		_, err = c.ask(q, impatience, false)
		c.Close()
		if err == nil {
			return
		}
	}
}

func dialToy(ctx context.Context, addr string) (*toyConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &toyConn{Conn: conn, in: gob.NewDecoder(conn), out: gob.NewEncoder(conn)}, nil
}

func (d *toy) conn(ctx context.Context) (c *toyConn, used bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.idle); n > 0 {
		c, d.idle = d.idle[n-1], d.idle[:n-1]
		return c, true, nil
	}
	if d.dead != nil && d.staysDead {
		return nil, false, d.dead
	}
	c, d.dead = dialToy(context.WithoutCancel(ctx), d.addr)
	return c, false, d.dead
}

func (d *toy) release(c *toyConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.good = time.Now()
	if d.closed.Err() != nil && !d.keepsUsed {
		c.Close()
		return
	}
	d.idle = append(d.idle, c)
}

// suspect closes the idle connections that have not answered since a moment.
func (d *toy) suspect(since time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keepsIdle {
		return
	}
	d.idle = slices.DeleteFunc(d.idle, func(c *toyConn) bool {
		if c.good.Before(since) {
			c.Close()
			return true
		}
		return false
	})
}

func (d *toy) Get(ctx context.Context, key string) (drivers.Item, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "get", Key: key} })
	if err == nil && len(r.Values) == 0 {
		err = errors.New("this is the answer to something else")
	}
	if err != nil {
		return drivers.Item{}, err
	}
	return drivers.Item{Value: r.Values[0], ExpiresAt: r.ExpiresAt}, nil
}

func (d *toy) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	_, err := d.ask(ctx, func() question { return question{Op: "set", Key: key, Value: value, TTL: ttl} })
	return err
}

func (d *toy) Delete(ctx context.Context, keys ...string) (int, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "delete", Keys: keys} })
	return r.Count, err
}

func (d *toy) Clear(ctx context.Context, prefix string) (int, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "clear", Key: prefix} })
	return r.Count, err
}

func (d *toy) Close() error {
	if d.closeWaits {
		d.running.Wait()
	}
	d.close()
	d.suspect(time.Now())
	return nil
}

func (d *toy) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "values", Keys: keys} })
	return r.values(), err
}

// values tells those that are empty from those that are not there, which gob does not.
func (r reply) values() [][]byte {
	for i, has := range r.Has {
		if has {
			r.Values[i] = append([]byte{}, r.Values[i]...)
		} else {
			r.Values[i] = nil
		}
	}
	return r.Values
}

func (d *toy) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "add", Keys: keys, Value: word(), TTL: ttl} })
	return r.values(), err
}

func (d *toy) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	_, err := d.ask(ctx, func() question { return question{Op: "sets", Keys: keys, Values: values, TTL: ttl} })
	return slices.Repeat([]error{err}, len(keys))
}

func (d *toy) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "insert", Key: key, Value: value, TTL: ttl} })
	return r.Complete, err
}

func (d *toy) Append(ctx context.Context, key string, _ int, ttl time.Duration, records ...[]byte) error {
	for _, record := range records {
		if _, err := d.ask(ctx, func() question { return question{Op: "append", Key: key, Value: record, TTL: ttl} }); err != nil {
			return err
		}
	}
	return nil
}

// Wait looks again and again.
func (d *toy) Wait(ctx context.Context, key string, from drivers.Position) error {
	for {
		records, _, complete, err := d.Since(ctx, key, from)
		if err != nil && d.waitsForTheDead {
			<-d.closed.Done()
		}
		if err != nil || !complete || len(records) > 0 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// Purge takes one record, which is what the suite of faults gives it.
func (d *toy) Purge(ctx context.Context, key string, _ int, ttl time.Duration, records [][]byte, keys ...string) error {
	_, err := d.ask(ctx, func() question { return question{Op: "purge", Key: key, Keys: keys, Value: records[0], TTL: ttl} })
	return err
}

func (d *toy) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "end", Key: key, TTL: ttl} })
	return r.Position, err
}

func (d *toy) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	r, err := d.ask(ctx, func() question { return question{Op: "since", Key: key, Position: from} })
	return r.values(), r.Position, r.Complete, err
}
