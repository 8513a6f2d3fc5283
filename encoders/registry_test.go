package encoders_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
)

// fake is an encoder that has a name and nothing else.
type fake struct {
	encoders.Encoder
	name string
}

// unique makes a name that no other run of these tests in this process has registered (go test -count).
func unique(name string) string { return fmt.Sprintf("test-%s-%d", name, counter.Add(1)) }

var counter atomic.Int64

func (f fake) Name() string { return f.name }

func TestLinkedIsSorted(t *testing.T) {
	z, a := unique("z"), unique("a")
	encoders.Register(fake{name: z})
	encoders.Register(fake{name: a})
	linked := encoders.Linked()
	if !slices.IsSorted(linked) || !slices.Contains(linked, a) || !slices.Contains(linked, z) {
		t.Errorf("Linked() = %v, want it sorted, with %s and %s", linked, a, z)
	}
	linked[0] = "changed"
	if slices.Contains(encoders.Linked(), "changed") {
		t.Error("changing what Linked returned changed the registry")
	}
}

func TestRegisterPanics(t *testing.T) {
	taken := unique("taken")
	encoders.Register(fake{name: taken})
	tests := []struct {
		name    string
		encoder encoders.Encoder
		want    string
	}{
		{"nil", nil, "nil"},
		{"no name", fake{}, "empty"},
		{"taken", &fake{name: taken}, fmt.Sprintf("%q is registered already", taken)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, test.want) {
					t.Errorf("it panicked with %q, want %q in it", got, test.want)
				}
				if encoder, _ := encoders.Lookup(taken); encoder == test.encoder {
					t.Error("the registry was changed")
				}
			}()
			encoders.Register(test.encoder)
		})
	}
}

func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			name := unique("concurrent")
			encoders.Register(fake{name: name})
			encoders.Linked()
			if _, ok := encoders.Lookup(name); !ok {
				t.Errorf("%s was registered and is not there", name)
			}
		})
	}
	wait.Wait()
}

func TestUnsupportedTypeError(t *testing.T) {
	tests := []struct {
		err  encoders.UnsupportedTypeError
		want string
	}{
		{encoders.UnsupportedTypeError{Codec: "json", Op: "encode", Type: "chan int"},
			"cachette: codec json cannot encode chan int"},
		{encoders.UnsupportedTypeError{Codec: "json", Op: "encode", Type: "chan int", Reason: "no"},
			"cachette: codec json cannot encode chan int: no"},
		{encoders.UnsupportedTypeError{Codec: "json", Op: "encode", Type: "float64", Takers: []string{"vanilla"}},
			"cachette: codec json cannot encode float64; codec vanilla takes the value"},
		{encoders.UnsupportedTypeError{Codec: "csv", Op: "encode", Type: "int", Reason: "no", Takers: []string{"json", "vanilla"}},
			"cachette: codec csv cannot encode int: no; codecs json and vanilla take the value"},
		{encoders.UnsupportedTypeError{Codec: "csv", Op: "encode", Type: "int", Takers: []string{"json", "pickle", "vanilla"}},
			"cachette: codec csv cannot encode int; codecs json, pickle and vanilla take the value"},
		{encoders.UnsupportedTypeError{Codec: "csv", Op: "encode", Type: "int", Reason: "no", Asked: true},
			"cachette: codec csv cannot encode int: no; no other linked codec takes the value, and to link others is to import their packages"},
		{encoders.UnsupportedTypeError{Codec: "csv", Op: "encode", Type: "int", Asked: true, Takers: []string{"vanilla"}},
			"cachette: codec csv cannot encode int; codec vanilla takes the value"},
		{encoders.UnsupportedTypeError{Codec: "json", Op: "decode", Type: "*int", Err: errors.New("not shown")},
			"cachette: codec json cannot decode into *int"},
		{encoders.UnsupportedTypeError{Codec: "json", Op: "decode", Type: "*int"},
			"cachette: codec json cannot decode into *int"},
		{encoders.UnsupportedTypeError{Codec: "json", Op: "decode", Type: "*int", Holds: "null", Reason: "no"},
			"cachette: codec json cannot decode null into *int: no"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
		if !errors.Is(fmt.Errorf("wrapped: %w", &test.err), encoders.ErrUnsupportedType) {
			t.Errorf("%q does not match ErrUnsupportedType", test.want)
		}
	}
}

// TestUnsupported: it names the type, and not the value.
func TestUnsupported(t *testing.T) {
	cause := errors.New("no ink")
	tests := []struct {
		err  *encoders.UnsupportedTypeError
		want string
	}{
		{encoders.Unsupported("yaml", "encode", "s3cr3t", "", "no"), "cachette: codec yaml cannot encode string: no"},
		{encoders.Unsupported("yaml", "encode", make(chan int), "", ""), "cachette: codec yaml cannot encode chan int"},
		{encoders.Unsupported("yaml", "encode", nil, "", "no"), "cachette: codec yaml cannot encode <nil>: no"},
		{encoders.Unsupported("yaml", "decode", new(string), "a list", "no"), "cachette: codec yaml cannot decode a list into *string: no"},
	}
	for _, test := range tests {
		test.err.Err = cause
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
		if !errors.Is(test.err, encoders.ErrUnsupportedType) || !errors.Is(test.err, cause) {
			t.Errorf("%q does not match ErrUnsupportedType and its cause", test.err)
		}
	}
}
