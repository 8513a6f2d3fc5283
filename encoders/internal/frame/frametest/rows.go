// Package frametest has the tables with which the codecs of tables are tested, in Go and in Python: their values follow
// from the number of the row, and testdata/exchange.py makes the same ones.
package frametest

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

// Row has the types that a CSV file can carry, each without and with nulls.
type Row struct {
	I8  int8            `arrow:"i8"`
	I16 int16           `arrow:"i16"`
	I32 int32           `arrow:"i32"`
	I64 int64           `arrow:"i64"`
	U8  uint8           `arrow:"u8"`
	U16 uint16          `arrow:"u16"`
	U32 uint32          `arrow:"u32"`
	U64 uint64          `arrow:"u64"`
	F32 float32         `arrow:"f32"`
	F64 float64         `arrow:"f64"`
	B   bool            `arrow:"b"`
	S   string          `arrow:"s"`
	TS  time.Time       `arrow:"ts"`
	TSN time.Time       `arrow:"tsn,ns"`
	D   time.Time       `arrow:"d,date"`
	Dec decimal128.Num  `arrow:"dec,decimal(12,2)"`
	NI8 *int8           `arrow:"ni8"`
	N64 *int64          `arrow:"n64"`
	NU  *uint64         `arrow:"nu"`
	NF  *float64        `arrow:"nf"`
	NB  *bool           `arrow:"nb"`
	NS  *string         `arrow:"ns"`
	NTS *time.Time      `arrow:"nts"`
	ND  *time.Time      `arrow:"nd,date"`
	Nde *decimal128.Num `arrow:"ndec,decimal(12,2)"`
}

// More has the types that need a format of Arrow's.
type More struct {
	By   []byte     `arrow:"by"`
	L    []int64    `arrow:"l"`
	LS   []string   `arrow:"ls"`
	LL   [][]int32  `arrow:"ll"`
	LN   []*float64 `arrow:"ln"`
	Cat  string     `arrow:"cat,dictionary"`
	NCat *string    `arrow:"ncat,dictionary"`
}

// Null reports whether row i has null in the columns with nulls.
func Null(i int) bool { return i%7 == 3 }

func unlessNull[T any](i int, v T) *T {
	if Null(i) {
		return nil
	}
	return &v
}

var colors = []string{"red", "green", "blue, or so"}

// Rows makes n rows.
func Rows(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		k := int64(i)
		text := fmt.Sprintf("row \"%d\",\n€ %d", i, i%11)
		date := time.Unix((k*13-20000)*86400, 0).UTC()
		ts := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(k) * 3600000123 * time.Microsecond)
		dec := decimal128.FromI64(k*12345 - 5000000)
		rows[i] = Row{
			I8: int8(k * 37), I16: int16(k * 7919), I32: int32(k * 104729001), I64: k*922337203685477 - 1<<62,
			U8: uint8(k * 37), U16: uint16(k * 7919), U32: uint32(k * 104729001), U64: uint64(k) * 1844674407370955,
			F32: float32(k) / 8, F64: float64(k) * 0.1, B: i%3 == 0, S: text,
			TS: ts, TSN: ts.Add(7), D: date, Dec: dec,
			NI8: unlessNull(i, int8(k*37)), N64: unlessNull(i, k*1000003-7), NU: unlessNull(i, uint64(k)*1844674407370955),
			NF: unlessNull(i, float64(k)*0.1), NB: unlessNull(i, i%2 == 0), NS: unlessNull(i, text),
			NTS: unlessNull(i, ts), ND: unlessNull(i, date), Nde: unlessNull(i, dec),
		}
	}
	return rows
}

// Mores makes n rows of More.
func Mores(n int) []More {
	rows := make([]More, n)
	for i := range rows {
		k := int64(i)
		row := &rows[i]
		row.Cat, row.NCat = colors[i%3], unlessNull(i, colors[i%3])
		if Null(i) {
			continue
		}
		row.By = []byte{byte(i), 0, 0xFF}[:i%4%3+1]
		row.L, row.LS, row.LL, row.LN = []int64{}, []string{}, [][]int32{}, []*float64{}
		for j := range int64(i % 4) {
			row.L = append(row.L, k*j)
			row.LS = append(row.LS, fmt.Sprint("ü", j))
			row.LN = append(row.LN, unlessNull(i+int(j), float64(k)/4))
			row.LL = append(row.LL, []int32{int32(k), int32(j)})
		}
	}
	return rows
}
