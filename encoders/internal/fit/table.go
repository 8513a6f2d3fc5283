package fit

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// tableMethods are methods that arrow.Record and arrow.Table both have, and hardly anything else. Arrow is not linked here.
type tableMethods interface {
	NumRows() int64
	NumCols() int64
	Retain()
	Release()
}

var table = reflect.TypeFor[tableMethods]()

// arrow is the version of Arrow whose values the codecs take.
const arrow = "github.com/apache/arrow/go/v15"

// OtherArrowReason tells why a codec of tables refuses what is [OtherArrow].
const OtherArrowReason = "values of another version of Arrow are other types: give those of " + arrow

// OtherArrow reports whether t looks like a record or a table, and has the schema of another package.
func OtherArrow(t reflect.Type) bool {
	schema := schemaOf(t)
	return schema != nil && t.Implements(table) && !isSchema(schema)
}

// schemaOf returns what the method Schema of a type returns, or nil where there is no such method.
func schemaOf(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	method, ok := t.MethodByName("Schema")
	if !ok || method.Type.NumOut() != 1 {
		return nil
	}
	in := method.Type.NumIn()
	if t.Kind() != reflect.Interface {
		in-- // the receiver
	}
	if in != 0 {
		return nil
	}
	return method.Type.Out(0)
}

func isSchema(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == arrow+"/arrow" && t.Elem().Name() == "Schema"
}

// IsTable reports whether value is an arrow.Record or an arrow.Table, of any version of Arrow.
func IsTable(value any) bool {
	_, ok := value.(tableMethods)
	v := reflect.ValueOf(value)
	return ok && !(v.Kind() == reflect.Pointer && v.IsNil())
}

// columns returns the codecs that take a record or a table, by the types of its columns: none where it is of another Arrow.
func columns(v reflect.Value) set {
	if schema := schemaOf(v.Type()); schema == nil || !isSchema(schema) {
		return 0
	}
	fields := v.MethodByName("Schema").Call(nil)[0].MethodByName("Fields").Call(nil)[0]
	takes := tables
	for i := range fields.Len() {
		takes &= column(fields.Index(i).FieldByName("Type").Interface())
	}
	return takes
}

// column returns the codecs that take a column of an Arrow type.
func column(dataType any) set {
	full := fmt.Sprint(dataType)
	for _, word := range []string{"union", "view", "run_end"} {
		if strings.Contains(full, word) { // within another type too
			return 0
		}
	}
	switch dataType.(interface{ Name() string }).Name() {
	case "null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double",
		"utf8", "large_utf8", "timestamp", "date32":
		return tables
	case "decimal":
		t := reflect.ValueOf(dataType).Elem()
		if precision, scale := t.FieldByName("Precision").Int(), t.FieldByName("Scale").Int(); precision < 1 || precision > 38 || scale < 0 || scale > precision {
			return csv | feather
		}
		return tables
	case "date64":
		return csv | feather
	case "binary", "large_binary", "fixed_size_binary", "time32", "time64", "duration":
		return feather | parquet
	case "list":
		if !strings.Contains(full, "dictionary") {
			of := reflect.ValueOf(dataType).MethodByName("Elem").Call(nil)[0].Interface()
			return feather | parquet&column(of)
		}
	case "dictionary":
		values := reflect.ValueOf(dataType).Elem().FieldByName("ValueType").Interface()
		switch text := fmt.Sprint(values); {
		case strings.HasPrefix(text, "dictionary"):
			return 0
		case !strings.Contains(text, "duration") && !strings.Contains(text, "list"):
			return feather | column(values)
		}
	}
	return feather
}

// rows returns the codecs of tables that take a slice of structs, or a pointer to one.
func rows(v reflect.Value) set {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice {
		return 0
	}
	row := v.Type().Elem()
	if row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	if row.Kind() != reflect.Struct || row == timeType || isDecimal(row) {
		return 0
	}
	takes := tables
	var seen []string
	for i := range row.NumField() {
		field := row.Field(i)
		name, options, skip := columnTag(field)
		if skip {
			continue
		}
		if field.Anonymous || slices.Contains(seen, name) {
			return 0
		}
		seen = append(seen, name)
		takes &= fieldType(field.Type, options, 0)
	}
	if seen == nil {
		return 0
	}
	for i := range min(v.Len(), maxValues) {
		takes &= rowValues(v.Index(i))
	}
	return takes
}

// columnTag reads the tag of a struct's field as the codecs of tables do.
func columnTag(field reflect.StructField) (name, options string, skip bool) {
	tag, ok := field.Tag.Lookup("arrow")
	if !ok {
		tag, _, _ = strings.Cut(field.Tag.Get("json"), ",")
	}
	name, options, _ = strings.Cut(tag, ",")
	if name == "" {
		name = field.Name
	}
	return name, options, !field.IsExported() || tag == "-"
}

// fieldType returns the codecs that take a field's type as a column. depth is how many lists and pointers are around it.
func fieldType(t reflect.Type, options string, depth int) set {
	const deepest = 8
	of := marks(options)
	switch {
	case depth > deepest:
		return 0
	case t == timeType:
		return only(tables, of, "s", "ms", "us", "ns", "date")
	case t == durationType:
		return only(feather|parquet, of, "s", "ms", "us", "ns")
	case isDecimal(t):
		if !slices.Contains(of, "decimal") {
			return 0
		}
		return only(tables, of, "decimal")
	}
	switch k := t.Kind(); k {
	case reflect.Pointer:
		if inner := t.Elem().Kind(); inner == reflect.Pointer || inner == reflect.Slice {
			return 0
		}
		return fieldType(t.Elem(), options, depth+1)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return only(feather|parquet, of)
		}
		takes := fieldType(t.Elem(), options, depth+1) &^ csv
		if slices.Contains(of, "dictionary") {
			takes &^= parquet
		}
		return takes
	case reflect.String:
		return only(tables, of, "dictionary")
	case reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		return 0
	default:
		if k < reflect.Bool || k > reflect.Float64 {
			return 0
		}
		return only(tables, of)
	}
}

// marks are the options that have to do with a column's type.
func marks(options string) (found []string) {
	if before, rest, ok := strings.Cut(options, "decimal("); ok {
		_, after, _ := strings.Cut(rest, ")")
		found, options = []string{"decimal"}, before+after
	}
	for _, option := range strings.Split(options, ",") {
		if option != "" && option != "index" && option != "optional" {
			found = append(found, option)
		}
	}
	return found
}

// only returns takes if a field has no other options than those that are allowed.
func only(takes set, options []string, allowed ...string) set {
	for _, option := range options {
		if !slices.Contains(allowed, option) {
			return 0
		}
	}
	return takes
}

func isDecimal(t reflect.Type) bool {
	return strings.HasSuffix(t.PkgPath(), "arrow/decimal128") && t.Name() == "Num"
}

// rowValues returns the codecs that take a row: a nil one none does, and far years not all.
func rowValues(row reflect.Value) set {
	takes := tables
	if row.Kind() == reflect.Pointer {
		if row.IsNil() {
			return 0
		}
		row = row.Elem()
	}
	for i := range row.NumField() {
		field := row.Field(i)
		if field.Type() != timeType {
			continue
		}
		year, _ := yearOf(field)
		if year < 0 || year > 9999 {
			takes &^= csv
		}
		if _, options, _ := columnTag(row.Type().Field(i)); year < 1678 || year > 2261 {
			if slices.Contains(marks(options), "ns") {
				return 0
			}
		}
	}
	return takes
}
