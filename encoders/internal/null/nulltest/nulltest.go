// Package nulltest has types that have a value for nothing, for the tests of codecs.
package nulltest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
)

// UUID is as the NullUUID of github.com/google/uuid: what it writes as text for nothing it does not read.
type UUID struct {
	ID    [16]byte
	Valid bool
}

// MarshalText returns the digits, or null.
func (u UUID) MarshalText() ([]byte, error) {
	if !u.Valid {
		return []byte("null"), nil
	}
	return hex.AppendEncode(nil, u.ID[:]), nil
}

// UnmarshalText reads the digits.
func (u *UUID) UnmarshalText(text []byte) error {
	if len(text) != 2*len(u.ID) {
		return errors.New("not 32 digits")
	}
	_, err := hex.Decode(u.ID[:], text)
	u.Valid = err == nil
	return err
}

// MarshalBinary returns the bytes, or none.
func (u UUID) MarshalBinary() ([]byte, error) {
	if !u.Valid {
		return nil, nil
	}
	return u.ID[:], nil
}

// UnmarshalBinary reads the bytes.
func (u *UUID) UnmarshalBinary(data []byte) error {
	if len(data) != len(u.ID) {
		return errors.New("not 16 bytes")
	}
	u.Valid = true
	copy(u.ID[:], data)
	return nil
}

// MarshalJSON returns the digits, or null.
func (u UUID) MarshalJSON() ([]byte, error) {
	if !u.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(u.ID[:]))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (u *UUID) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*u = UUID{}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return u.UnmarshalText([]byte(text))
}

// Decimal is as the NullDecimal of github.com/shopspring/decimal: its text for nothing is empty.
type Decimal struct {
	Number int
	Valid  bool
}

// MarshalText returns the digits, or nothing.
func (d Decimal) MarshalText() ([]byte, error) {
	if !d.Valid {
		return []byte{}, nil
	}
	return strconv.AppendInt(nil, int64(d.Number), 10), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Decimal{}
		return nil
	}
	d.Number, err = strconv.Atoi(string(text))
	d.Valid = err == nil
	return err
}

// MarshalJSON returns the digits, or null. It is the pointer's.
func (d *Decimal) MarshalJSON() ([]byte, error) {
	if !d.Valid {
		return []byte("null"), nil
	}
	return d.MarshalText()
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*d = Decimal{}
		return nil
	}
	return d.UnmarshalText(data)
}

// Price is a number that says null of nothing but a mistake: a zero is a number.
type Price struct{ Cents int }

// MarshalText returns the number.
func (p Price) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(p.Cents), 10), nil }

// UnmarshalText reads the number.
func (p *Price) UnmarshalText(text []byte) (err error) {
	p.Cents, err = strconv.Atoi(string(text))
	return err
}

// MarshalJSON returns the number.
func (p Price) MarshalJSON() ([]byte, error) { return p.MarshalText() }
