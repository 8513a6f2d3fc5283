package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"
)

// A reader runs the opcodes of a pickle on a stack, as Python's unpickler does, and makes values of data alone. Nothing
// is called, and nothing is allocated for what is not there: a length is held against the bytes that are left.
type reader struct {
	data     []byte
	pos      int
	frameEnd int // 0 outside of frames
	stack    []any
	marks    []int // the heights of the stack at each mark
	memo     []any
	memoized int
	zones    map[string]*time.Location
	texts    [64]any // short texts that were read before: the keys of rows come again and again
	budget
}

// kind is the Python type of a node.
type kind uint8

const (
	kindList kind = iota
	kindTuple
	kindDict
	kindSet
	kindFrozenSet
)

// A node is a Python container. What the memo hands out again is the same node, so that a list which grows after it was
// memoized grows everywhere.
type node struct {
	items  []any // of a dict, keys and values in turn
	kind   kind
	shared bool // the memo has handed it out again
	busy   bool // the decoder is inside it
}

// These are values of Python too; the rest are nil, bool, int64, *big.Int, float64, string, []byte, Decimal, Date,
// LocalTime, TimeOfDay, TimeDelta and time.Time, for a tzinfo *time.Location, and what other files make.
type (
	byteArray   []byte
	sharedBytes []byte // handed out again by the memo
	sharedInt   struct{ value *big.Int }
	unset       struct{}
)

var (
	errShort     = errors.New("the pickle is cut short")
	errUnderflow = errors.New("an opcode finds too little on the stack")
	errNoMark    = errors.New("an opcode finds no mark on the stack")
	errText      = errors.New("a text is not UTF-8: in Python it has a surrogate alone")
	errFrame     = errors.New("a frame does not end where it says")
)

func (r *reader) read() (any, error) {
	for {
		if r.pos >= len(r.data) {
			return nil, errShort
		}
		op := r.data[r.pos]
		r.pos++
		if op == opStop {
			return r.finish()
		}
		if err := r.step(op); err != nil {
			return nil, err
		}
		if r.frameEnd != 0 && r.pos >= r.frameEnd {
			if r.pos > r.frameEnd {
				return nil, errFrame
			}
			r.frameEnd = 0
		}
	}
}

func (r *reader) finish() (any, error) {
	if r.frameEnd != 0 && r.frameEnd != r.pos {
		return nil, errFrame
	}
	if rest := len(r.data) - r.pos; rest > 0 {
		return nil, fmt.Errorf("%d bytes follow the pickle", rest)
	}
	if len(r.stack) != 1 || len(r.marks) != 0 {
		return nil, fmt.Errorf("%d values are on the stack at the end, want 1", len(r.stack))
	}
	return r.stack[0], nil
}

// step runs one opcode. This is the fixed list: what is not in it is an error.
func (r *reader) step(op byte) error {
	switch op {
	case opShortBinUnicode:
		return r.pushText(r.length(1))
	case opBinUnicode:
		return r.pushText(r.length(4))
	case opBinUnicode8:
		return r.pushText(r.length(8))
	case opShortBinBytes:
		return r.pushBytes(r.length(1))
	case opBinBytes:
		return r.pushBytes(r.length(4))
	case opBinBytes8:
		return r.pushBytes(r.length(8))
	case opByteArray8:
		return r.pushByteArray(r.length(8))
	case opMemoize:
		return r.put(r.memoized)
	case opBinGet, opLongGet, opBinPut, opLongPut:
		return r.binaryMemo(op)
	case opBinInt1, opBinInt2, opBinInt, opBinFloat:
		return r.binaryNumber(op)
	case opLong1:
		return r.pushLong(r.length(1))
	case opLong4:
		return r.pushLong(r.length(4))
	case opNone:
		return r.push(nil)
	case opNewTrue:
		return r.push(true)
	case opNewFalse:
		return r.push(false)
	case opMark:
		r.marks = append(r.marks, len(r.stack))
		return nil
	case opEmptyList:
		return r.push(&node{kind: kindList})
	case opEmptyDict:
		return r.push(&node{kind: kindDict})
	case opEmptySet:
		return r.push(&node{kind: kindSet})
	case opEmptyTuple:
		return r.push(&node{kind: kindTuple})
	case opTuple1, opTuple2, opTuple3:
		return r.shortTuple(int(op-opTuple1) + 1)
	case opTuple:
		return r.fromMark(kindTuple)
	case opList:
		return r.fromMark(kindList)
	case opDict:
		return r.fromMark(kindDict)
	case opFrozenSet:
		return r.fromMark(kindFrozenSet)
	case opAppend:
		return r.add(kindList, 1)
	case opSetItem:
		return r.add(kindDict, 2)
	case opAppends:
		return r.addFromMark(kindList)
	case opSetItems:
		return r.addFromMark(kindDict)
	case opAddItems:
		return r.addFromMark(kindSet)
	case opGlobal, opInt, opLong, opFloat, opUnicode, opGet, opPut:
		return r.textual(op)
	case opStackGlobal:
		return r.stackGlobal()
	case opReduce:
		return r.reduce()
	case opNewObj:
		return r.newObject(op, 2)
	case opNewObjEx:
		return r.newObject(op, 3)
	case opBuild:
		return r.build()
	case opProto, opFrame:
		return r.header(op)
	}
	return r.refused(op)
}

// refused is the error of an opcode that is not taken.
func (r *reader) refused(op byte) error {
	if opcode, ok := refusedOps[op]; ok {
		return fmt.Errorf("the opcode %s is not taken: this codec reads data alone", opcode)
	}
	return fmt.Errorf("the byte %#02x is no opcode", op)
}

func (r *reader) header(op byte) error {
	if op == opProto {
		version, err := r.bytes(1)
		if err == nil && version[0] > 5 {
			err = fmt.Errorf("pickle protocol %d is not known", version[0])
		}
		return err
	}
	size, err := r.length(8)
	if err != nil {
		return err
	}
	if r.frameEnd != 0 && r.pos < r.frameEnd {
		return errFrame
	}
	r.frameEnd = r.pos + size
	return nil
}

func (r *reader) push(value any) error {
	r.stack = append(r.stack, value)
	return nil
}

// bytes returns the next n bytes of the data.
func (r *reader) bytes(n int) ([]byte, error) {
	if n > len(r.data)-r.pos {
		return nil, errShort
	}
	data := r.data[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return data, nil
}

// length reads a length of so many bytes, and holds it against what is left.
func (r *reader) length(size int) (int, error) {
	data, err := r.bytes(size)
	if err != nil {
		return 0, err
	}
	var n uint64
	switch size {
	case 1:
		n = uint64(data[0])
	case 4:
		n = uint64(binary.LittleEndian.Uint32(data))
	default:
		n = binary.LittleEndian.Uint64(data)
	}
	if n > uint64(len(r.data)-r.pos) {
		return 0, errShort
	}
	return int(n), nil
}

func (r *reader) pushText(n int, err error) error {
	if err != nil {
		return err
	}
	data, _ := r.bytes(n)
	if n > 0 && n <= maxKeptText {
		place := &r.texts[(n*7+int(data[0])*3+int(data[n-1]))%len(r.texts)]
		if text, ok := (*place).(string); !ok || text != string(data) {
			if !utf8.Valid(data) {
				return errText
			}
			*place = string(data)
		}
		return r.push(*place)
	}
	if !utf8.Valid(data) {
		return errText
	}
	return r.push(string(data))
}

// maxKeptText is as long as names are.
const maxKeptText = 24

func (r *reader) pushBytes(n int, err error) error {
	if err != nil {
		return err
	}
	data, _ := r.bytes(n)
	return r.push(data)
}

func (r *reader) pushByteArray(n int, err error) error {
	if err != nil {
		return err
	}
	data, _ := r.bytes(n)
	return r.push(byteArray(data))
}

func (r *reader) pushLong(n int, err error) error {
	if err != nil {
		return err
	}
	data, _ := r.bytes(n)
	return r.push(intFromBytes(data))
}

func (r *reader) binaryNumber(op byte) error {
	size := 1
	switch op {
	case opBinInt2:
		size = 2
	case opBinInt:
		size = 4
	case opBinFloat:
		size = 8
	}
	data, err := r.bytes(size)
	if err != nil {
		return err
	}
	switch op {
	case opBinInt1:
		return r.push(int64(data[0]))
	case opBinInt2:
		return r.push(int64(binary.LittleEndian.Uint16(data)))
	case opBinInt:
		return r.push(int64(int32(binary.LittleEndian.Uint32(data))))
	}
	return r.push(math.Float64frombits(binary.BigEndian.Uint64(data)))
}

func (r *reader) binaryMemo(op byte) error {
	size := 1
	if op == opLongGet || op == opLongPut {
		size = 4
	}
	data, err := r.bytes(size)
	if err != nil {
		return err
	}
	index := uint64(data[0])
	if size == 4 {
		index = uint64(binary.LittleEndian.Uint32(data))
	}
	if op == opBinGet || op == opLongGet {
		return r.get(index)
	}
	return r.putAt(index)
}
