package pickle

import (
	"fmt"
	"math/big"
	"reflect"
)

// A foreign value is one that only the program of a Python class or function would make. Nothing is kept of it but a name: it
// is an error where it is asked for, and is skipped where no field of a struct is there for it.
type foreign struct{ module, name string }

// foreignClass returns the foreign class or function of that name.
func foreignClass(module, name string) *foreign { return &foreign{module, name} }

func (f *foreign) String() string { return printable(f.module + "." + f.name) }

// err says why a foreign value is not read.
func (f *foreign) err() error {
	return &unfit{reason: fmt.Sprintf("the global %v is not taken: this codec reads data alone", f), foreign: true}
}

// foreignIn returns the first argument that is foreign, or nil: what is made of it is foreign too.
func foreignIn(args []any) *foreign {
	for _, arg := range args {
		if f, ok := arg.(*foreign); ok {
			return f
		}
	}
	return nil
}

// newObject makes an instance of a class that a pickle fills by the opcode BUILD. names is how many values stand on the
// stack: the class, the arguments, and with NEWOBJ_EX the named ones.
func (r *reader) newObject(op byte, names int) error {
	values, err := r.pop(names)
	if err != nil {
		return err
	}
	if args, ok := values[1].(*node); !ok || args.kind != kindTuple {
		return fmt.Errorf("the opcode %s finds no tuple of arguments", refusedOps[op])
	}
	switch class := values[0].(type) {
	case *foreign:
		return r.push(class)
	case global:
		if class == globalUUID && names == 2 {
			return r.push(&uuidObject{})
		}
	}
	return r.refused(op)
}

// build gives an object its state.
func (r *reader) build() error {
	values, err := r.pop(1)
	if err != nil {
		return err
	}
	state := values[0]
	if len(r.stack) <= r.fence() {
		return errUnderflow
	}
	switch object := r.stack[len(r.stack)-1].(type) {
	case *foreign:
		return nil
	case *uuidObject:
		return object.build(state)
	case *dtype:
		return object.build(state)
	}
	return r.refused(opBuild)
}

// reconstruct makes an instance as protocols 0 and 1 have it, of a class and that which stores its value.
func reconstruct(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	if f, ok := args[0].(*foreign); ok {
		return f, nil
	}
	if base, ok := args[1].(*foreign); ok && args[0] == any(globalUUID) && base.name == "object" && args[2] == nil {
		return &uuidObject{}, nil
	}
	return nil, errArguments
}

// uuidObject is a uuid.UUID, which has its value from when it was built.
type uuidObject struct {
	value UUID
	built bool
}

// build reads the state of a UUID: a dict with its int, and perhaps with how it was made.
func (u *uuidObject) build(state any) error {
	const names = 2
	dict, ok := state.(*node)
	if !ok || dict.kind != kindDict || len(dict.items) > 2*names {
		return errArguments
	}
	for i := 0; i < len(dict.items); i += 2 {
		if dict.items[i] != any("int") {
			continue
		}
		n, ok := wholeNumber(dict.items[i+1])
		if !ok || n.Sign() < 0 || n.BitLen() > 8*len(u.value) {
			return errArguments
		}
		n.FillBytes(u.value[:])
		u.built = true
	}
	if !u.built {
		return errArguments
	}
	return nil
}

func wholeNumber(value any) (*big.Int, bool) {
	switch n := value.(type) {
	case int64:
		return big.NewInt(n), true
	case *big.Int:
		return n, true
	case sharedInt:
		return n.value, true
	}
	return nil, false
}

func (d *decoder) assignUUID(u *uuidObject, dst reflect.Value, info *typeInfo) error {
	switch {
	case !u.built:
		return notAValue(u)
	case info.class == classUUID, info.class == classBytesArray && dst.Len() == len(u.value):
		reflect.Copy(dst, reflect.ValueOf(u.value[:]))
		return nil
	case info.unmarshal:
		return d.unmarshal(u.value.String(), dst)
	}
	return unfitf("%s stands where the Go type has %s: fetch into a pickle.UUID or another type of 16 bytes", kindOf(u), dst.Type())
}
