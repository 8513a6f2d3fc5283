package pickle

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// fence is the height of the stack that no opcode reaches below: that of the last mark.
func (r *reader) fence() int {
	if len(r.marks) == 0 {
		return 0
	}
	return r.marks[len(r.marks)-1]
}

// pop takes n values off the stack. They are valid until the next push.
func (r *reader) pop(n int) ([]any, error) {
	height := len(r.stack) - n
	if height < r.fence() {
		return nil, errUnderflow
	}
	values := r.stack[height:]
	r.stack = r.stack[:height]
	return values, nil
}

// popMark takes what is above the last mark off the stack, and the mark.
func (r *reader) popMark() ([]any, error) {
	if len(r.marks) == 0 {
		return nil, errNoMark
	}
	height := r.fence()
	r.marks = r.marks[:len(r.marks)-1]
	values := r.stack[height:]
	r.stack = r.stack[:height]
	return values, nil
}

func (r *reader) shortTuple(n int) error {
	items, err := r.pop(n)
	if err != nil {
		return err
	}
	return r.push(&node{kind: kindTuple, items: slices.Clone(items)})
}

// fromMark makes a container of what is above the last mark.
func (r *reader) fromMark(k kind) error {
	items, err := r.popMark()
	if err != nil {
		return err
	}
	if k == kindDict && len(items)%2 != 0 {
		return errors.New("a key of a dict has no value")
	}
	return r.push(&node{kind: k, items: slices.Clone(items)})
}

// add puts the last n values into the container below them.
func (r *reader) add(k kind, n int) error {
	items, err := r.pop(n)
	if err != nil {
		return err
	}
	return r.extend(k, items)
}

// addFromMark puts what is above the last mark into the container below it.
func (r *reader) addFromMark(k kind) error {
	items, err := r.popMark()
	if err != nil {
		return err
	}
	if k == kindDict && len(items)%2 != 0 {
		return errors.New("a key of a dict has no value")
	}
	return r.extend(k, items)
}

// extend puts items into the container on top of the stack.
func (r *reader) extend(k kind, items []any) error {
	if len(r.stack) <= r.fence() {
		return errUnderflow
	}
	if _, is := r.stack[len(r.stack)-1].(*foreign); is {
		return nil // a class that is a list or a dict as well
	}
	container, ok := r.stack[len(r.stack)-1].(*node)
	if !ok || container.kind != k {
		return fmt.Errorf("an opcode for a %s finds %s", kindNames[k], kindOf(r.stack[len(r.stack)-1]))
	}
	container.items = append(container.items, items...)
	return nil
}

// put memoizes what is on top of the stack.
func (r *reader) put(index int) error {
	if len(r.stack) <= r.fence() {
		return errUnderflow
	}
	for len(r.memo) <= index {
		r.memo = append(r.memo, unset{})
	}
	if r.memo[index] == any(unset{}) {
		r.memoized++
	}
	r.memo[index] = r.stack[len(r.stack)-1]
	return nil
}

// putAt does what put does, for an index out of the data. Pickles count from 0, so that none is as high as the data is
// long; a higher one would make the memo larger than the data.
func (r *reader) putAt(index uint64) error {
	if index >= uint64(len(r.data)) {
		return errors.New("a number in the memo is higher than the pickle is long")
	}
	return r.put(int(index))
}

// get pushes what was memoized. What would be one object in Python is marked, for it becomes a copy each time.
func (r *reader) get(index uint64) error {
	if index >= uint64(len(r.memo)) || r.memo[index] == any(unset{}) {
		return errors.New("nothing was memoized under a number")
	}
	value := r.memo[index]
	switch v := value.(type) {
	case *node:
		v.shared = true
	case []byte:
		value = sharedBytes(v)
	case byteArray:
		value = sharedBytes(v)
	case *big.Int:
		value = sharedInt{v}
	}
	return r.push(value)
}
