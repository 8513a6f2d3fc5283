package pickle

import "errors"

// A budget pays for what a pickle makes of its bytes more than once: by a number of two bytes it names a value of any
// size, and names what names such values, so that a hundred bytes could ask for billions of values.
type budget int

// A value costs one, and one more for each 16 bytes of it.
const (
	budgetBase    = 1 << 17
	budgetPerByte = 4
)

func newBudget(data []byte) budget { return budget(budgetBase + budgetPerByte*len(data)) }

var errBudget = errors.New("values that it names several times would become too many")

// spend pays for a value that is there more than once.
func (b *budget) spend(bytes int) error {
	if *b -= budget(1 + bytes/16); *b < 0 {
		return errBudget
	}
	return nil
}

// payFor pays for work on a text, whether or not it is there more than once: read once, all texts together are within
// the budget.
func (b *budget) payFor(bytes int) error {
	if bytes <= 64 {
		return nil
	}
	return b.spend(bytes)
}
