package entries

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gin-cachette/cachette/internal/response"
)

// TestMemo: what a value says is the same whether it is decoded or was before, whatever else was decoded in between, and under another key
// it is a miss each time.
func TestMemo(t *testing.T) {
	m := new(memo)
	random := rand.New(rand.NewPCG(1, 2))
	var stored [][]byte
	for i := range 200 {
		e := entry(fmt.Sprint("body ", i))
		e.Key = fmt.Sprint("key ", i%150) // some keys have two values
		stored = append(stored, response.Encode(e))
	}
	stored[50], stored[51] = []byte("no entry"), nil
	for range 5_000 {
		i := random.IntN(len(stored))
		key := fmt.Sprint("key ", i%150)
		if random.IntN(4) == 0 {
			if e, v := m.decode("key other", append([]byte(nil), stored[i]...)); e != nil || v != nil {
				t.Fatalf("value %d is an entry under another key", i)
			}
		}
		e, v := m.decode(key, append([]byte(nil), stored[i]...))
		switch {
		case v != nil, (e == nil) != (i == 50 || i == 51):
			t.Fatalf("value %d: %v, %v", i, e, v)
		case e != nil && (e.Key != key || string(e.Body) != fmt.Sprint("body ", i)):
			t.Fatalf("value %d is read as %s: %s", i, e.Key, e.Body)
		}
	}
	if value := stored[7]; allocations(m, value) > 0 {
		t.Error("a value is decoded anew each time")
	}
}

func allocations(m *memo, value []byte) float64 {
	return testing.AllocsPerRun(100, func() { m.decode("key 7", value) })
}

// TestMemoIsBounded: what is decoded is kept up to a bound, and nothing that is large.
func TestMemoIsBounded(t *testing.T) {
	m := new(memo)
	for i := range 2_000 {
		e := entry(string(make([]byte, i*20)))
		e.Key = "key"
		m.decode("key", response.Encode(e))
	}
	kept := 0
	for i := range m {
		if d := m[i].Load(); d != nil {
			kept += len(d.value)
		}
	}
	if kept == 0 || kept > 1<<20 {
		t.Errorf("%d bytes are kept, want some, and a mebibyte at most", kept)
	}
}
