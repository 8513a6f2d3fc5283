package frametest

import (
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"
)

// Level is an enumeration that writes itself as text.
type Level int

var levels = []string{"low", "high"}

// MarshalText returns the level's name.
func (l Level) MarshalText() ([]byte, error) {
	if l < 0 || int(l) >= len(levels) {
		return nil, fmt.Errorf("there is no level %d", int(l))
	}
	return []byte(levels[l]), nil
}

// UnmarshalText takes the level's name. Its error has the text, as those of many types have.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levels {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return &NoLevelError{string(text)}
}

// NoLevelError is what a text that is no level's name is.
type NoLevelError struct{ Text string }

func (e *NoLevelError) Error() string { return "there is no level " + e.Text }

// ID is what a UUID is in Go.
type ID [4]byte

// MarshalText returns the digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(id[:])), nil }

// UnmarshalText takes the digits.
func (id *ID) UnmarshalText(text []byte) error {
	_, err := hex.Decode(id[:], text)
	return err
}

// Money is what a decimal is in Go.
type Money struct{ cents int64 }

// Cents makes money.
func Cents(n int64) Money { return Money{n} }

// MarshalText returns the digits, by a pointer alone.
func (m *Money) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%02d", m.cents/100, m.cents%100), nil
}

// UnmarshalText takes digits.
func (m *Money) UnmarshalText(text []byte) error {
	whole, rest, ok := strings.Cut(string(text), ".")
	a, err1 := strconv.ParseInt(whole, 10, 64)
	b, err2 := strconv.ParseInt(rest, 10, 64)
	if !ok || len(rest) != 2 {
		err1 = errors.New("it has not two digits behind the point")
	}
	m.cents = a*100 + b
	return errors.Join(err1, err2)
}

// NullMoney is money that may be missing. It writes itself as text too, null as any.
type NullMoney struct {
	Money Money
	Valid bool
}

// Value implements driver.Valuer.
func (n NullMoney) Value() (driver.Value, error) { return nil, nil }

// MarshalText returns what is no money where there is none.
func (n NullMoney) MarshalText() ([]byte, error) { return []byte("null"), nil }

// Deleted is as gorm's DeletedAt is.
type Deleted sql.NullTime

// Value implements driver.Valuer.
func (d Deleted) Value() (driver.Value, error) { return nil, nil }

// Base is as gorm's Model is.
type Base struct {
	ID      uint      `arrow:"id"`
	Created time.Time `arrow:"created"`
	Deleted Deleted   `arrow:"deleted"`
}

type hidden struct {
	Level Level `arrow:"level"`
}

// Model has what structs of programs have.
type Model struct {
	Base
	hidden
	Levels []Level           `arrow:"levels"`
	Kind   *Level            `arrow:"kind,dictionary"`
	Key    ID                `arrow:"key"`
	Raw    [3]byte           `arrow:"raw"`
	Pair   [2]float64        `arrow:"pair"`
	Square *[2][2]int8       `arrow:"square"`
	Name   sql.NullString    `arrow:"name"`
	Count  sql.NullInt64     `arrow:"count"`
	Day    sql.NullTime      `arrow:"day,date"`
	Ratio  sql.Null[float32] `arrow:"ratio"`
	Price  Money             `arrow:"price"`
	Cost   NullMoney         `arrow:"cost"`
	Big    *big.Int          `arrow:"big"`
	IP     net.IP            `arrow:"ip"`
	At     time.Duration     `arrow:"at,time"`
	Exact  *time.Duration    `arrow:"exact,time,ns"`
}

// Models makes n models. Of each second one all that can be is null.
func Models(n int) []Model {
	models := make([]Model, n)
	for i := range models {
		at := time.Date(2024, 2, 29, 12, i, 0, 0, time.UTC)
		m := &models[i]
		m.Base = Base{ID: uint(i), Created: at}
		m.Level, m.Key, m.Raw, m.Pair = Level(i%2), ID{0xAB, byte(i)}, [3]byte{byte(i), 1, 2}, [2]float64{float64(i), 0.5}
		m.Price, m.At = Cents(int64(i)*125), time.Duration(i)*time.Second
		if i%2 == 1 {
			continue
		}
		level, exact := Level(1), 24*time.Hour-time.Microsecond
		m.Deleted, m.Levels, m.Kind = Deleted{Time: at, Valid: true}, []Level{1, 0}, &level
		m.Square, m.Name, m.Count = &[2][2]int8{{1, 2}, {3, int8(i)}}, sql.NullString{String: "ü", Valid: true}, sql.NullInt64{Int64: 1 << 60, Valid: true}
		m.Day = sql.NullTime{Time: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), Valid: true}
		m.Ratio, m.Cost, m.Exact = sql.Null[float32]{V: 0.5, Valid: true}, NullMoney{Cents(199), true}, &exact
		m.Big, m.IP = new(big.Int).Lsh(big.NewInt(1), 70), net.IPv4(127, 0, 0, 1)
	}
	return models
}

// FlatModel has those of them that are columns of CSV.
type FlatModel struct {
	Base
	hidden
	Kind  *Level         `arrow:"kind,dictionary"`
	Key   ID             `arrow:"key"`
	Name  sql.NullString `arrow:"name"`
	Count sql.NullInt64  `arrow:"count"`
	Price Money          `arrow:"price"`
	Cost  NullMoney      `arrow:"cost"`
	Big   *big.Int       `arrow:"big"`
}

// FlatModels makes n of those.
func FlatModels(n int) []FlatModel {
	models := make([]FlatModel, n)
	for i, m := range Models(n) {
		models[i] = FlatModel{m.Base, m.hidden, m.Kind, m.Key, m.Name, m.Count, m.Price, m.Cost, m.Big}
	}
	return models
}
