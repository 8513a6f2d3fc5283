package frame

import (
	"reflect"

	"github.com/apache/arrow/go/v15/arrow"
)

// tableMethods are methods that arrow.Record and arrow.Table both have, in each version of Arrow, and hardly anything else.
type tableMethods interface {
	NumRows() int64
	NumCols() int64
	Retain()
	Release()
}

// otherArrowReason tells why what is otherArrow is refused.
const otherArrowReason = "values of another version of Arrow are other types: give those of github.com/apache/arrow/go/v15"

// otherArrow reports whether t looks like a record or a table, and has the schema of another package.
func otherArrow(t reflect.Type) bool {
	if t == nil || !t.Implements(reflect.TypeFor[tableMethods]()) {
		return false
	}
	method, ok := t.MethodByName("Schema")
	if !ok || method.Type.NumOut() != 1 {
		return false
	}
	in := method.Type.NumIn()
	if t.Kind() != reflect.Interface {
		in-- // the receiver
	}
	return in == 0 && method.Type.Out(0) != reflect.TypeFor[*arrow.Schema]()
}
