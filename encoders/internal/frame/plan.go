package frame

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

// A plan says how a struct type's fields are columns.
type plan struct {
	columns []column
	schema  *arrow.Schema
}

// A column is a field of a struct.
type column struct {
	name     string
	field    int // its place in the struct
	goType   reflect.Type
	typ      arrow.DataType
	optional bool // the data may lack it
	append   appender
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[decimal128.Num]()
)

// isScalar reports whether a struct type is one value, not a row.
func isScalar(t reflect.Type) bool { return t == timeType || t == decimalType }

var plans sync.Map // reflect.Type to *plan

func planOf(row reflect.Type) (*plan, error) {
	if p, ok := plans.Load(row); ok {
		return p.(*plan), nil
	}
	p, err := newPlan(row)
	if err != nil {
		return nil, err
	}
	plans.Store(row, p)
	return p, nil
}

func newPlan(row reflect.Type) (*plan, error) {
	p := &plan{}
	var fields []arrow.Field
	var index []string
	nullable := make(map[string]dtype) // by the type, not by the data: a column always has the same one
	for i := range row.NumField() {
		field := row.Field(i)
		name, options, skip := parseTag(field)
		if skip {
			continue
		}
		if field.Anonymous {
			return nil, fmt.Errorf("field %s is embedded: give it a name, or the tag `arrow:\"-\"`", field.Name)
		}
		kind, err := kindOf(field.Type, options)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field.Name, err)
		}
		if slices.ContainsFunc(p.columns, func(c column) bool { return c.name == name }) {
			return nil, fmt.Errorf("two fields are named %q", name)
		}
		if options.index || name == IndexName {
			index = append(index, name)
		}
		if own, ok := nullableDtypes[kind.typ.ID()]; ok && field.Type.Kind() == reflect.Pointer {
			nullable[name] = own
		}
		p.columns = append(p.columns, column{name, i, field.Type, kind.typ, options.optional, kind.append})
		fields = append(fields, arrow.Field{Name: name, Type: kind.typ, Nullable: true})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no exported field", row)
	}
	p.schema = arrow.NewSchema(fields, nil)
	if index != nil || len(nullable) > 0 {
		p.schema = withPandas(p.schema, index, nullable)
	}
	return p, nil
}

// options are what the tag says after the name.
type options struct {
	index, optional, date, dictionary bool

	unit    *arrow.TimeUnit
	decimal *arrow.Decimal128Type
	unknown string
}

var units = map[string]arrow.TimeUnit{
	"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond,
}

// parseTag reads a field's name and options from its tag: arrow, else json for the name alone, else the field's name.
func parseTag(field reflect.StructField) (name string, o options, skip bool) {
	if !field.IsExported() {
		return "", o, true
	}
	tag, ok := field.Tag.Lookup("arrow")
	if !ok {
		name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
		if field.Tag.Get("json") == "-" {
			return "", o, true
		}
	}
	if tag == "-" {
		return "", o, true
	}
	if ok {
		var rest string
		name, rest, _ = strings.Cut(tag, ",")
		o = parseOptions(rest)
	}
	if name == "" {
		name = field.Name
	}
	return name, o, false
}

func parseOptions(text string) (o options) {
	for text != "" {
		end := strings.IndexByte(text, ',')
		if open := strings.IndexByte(text, '('); open >= 0 && open < end {
			end = open + strings.IndexByte(text[open:]+")", ')') + 1
		}
		if end < 0 || end > len(text) {
			end = len(text)
		}
		option := text[:end]
		text = strings.TrimPrefix(text[end:], ",")

		unit, isUnit := units[option]
		switch {
		case option == "index":
			o.index = true
		case option == "optional":
			o.optional = true
		case option == "date":
			o.date = true
		case option == "dictionary":
			o.dictionary = true
		case isUnit:
			o.unit = &unit
		case strings.HasPrefix(option, "decimal(") && strings.HasSuffix(option, ")"):
			o.decimal = parseDecimalType(option[len("decimal(") : len(option)-1])
			if o.decimal == nil {
				o.unknown = option
			}
		default:
			o.unknown = option
		}
	}
	return o
}

func parseDecimalType(text string) *arrow.Decimal128Type {
	first, second, _ := strings.Cut(text, ",")
	precision, err1 := strconv.Atoi(strings.TrimSpace(first))
	scale, err2 := strconv.Atoi(strings.TrimSpace(second))
	if err1 != nil || err2 != nil || precision < 1 || precision > 38 || scale < 0 || scale > precision {
		return nil
	}
	return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
}

// maxNesting bounds lists within lists: a Go type may hold itself.
const maxNesting = 16

// check refuses options that have no meaning for a type.
func (o options) check(t reflect.Type) error {
	for range maxNesting {
		if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
			t = t.Elem()
		}
	}
	switch {
	case o.unknown != "":
		return fmt.Errorf("its tag has an unknown option %q", o.unknown)
	case (o.date || o.unit != nil) && t != timeType && (t != durationType || o.date):
		return fmt.Errorf("its tag has an option for times, and its type is %s", t)
	case o.decimal != nil && t != decimalType:
		return fmt.Errorf("its tag says decimal, and its type is %s, not decimal128.Num", t)
	case o.decimal == nil && t == decimalType:
		return fmt.Errorf("a decimal128.Num needs its precision and scale in the tag: `arrow:\"name,decimal(10,2)\"`")
	case o.dictionary && t.Kind() != reflect.String:
		return fmt.Errorf("its tag says dictionary, and its type is %s, not a string", t)
	}
	return nil
}
