package main

import (
	"math"
	"time"
)

// reading is a row of the frame: what each sensor measured at that time, in °C. put.py has the same columns. nil is null,
// and what pandas shows as NaN: the sensor was silent.
type reading struct {
	Time   time.Time `arrow:"time"`
	Attic  *float64  `arrow:"attic"`
	Cellar *float64  `arrow:"cellar"`
	Garden *float64  `arrow:"garden"`
}

// sensors are the columns that are drawn.
var sensors = []struct {
	name string
	of   func(reading) *float64
}{
	{"attic", func(r reading) *float64 { return r.Attic }},
	{"cellar", func(r reading) *float64 { return r.Cellar }},
	{"garden", func(r reading) *float64 { return r.Garden }},
}

// sample makes the frame that Go puts: a day, with a row every 10 minutes.
func sample() []reading {
	midnight := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]reading, 24*6)
	for i := range rows {
		hour := float64(i) / 6
		rows[i] = reading{
			Time:   midnight.Add(time.Duration(i) * 10 * time.Minute),
			Attic:  degrees(16.5 + 4*warmth(hour-2)),
			Cellar: degrees(11 + 0.4*warmth(hour-8)),
			Garden: degrees(6.5 + 6.5*warmth(hour) + 0.3*math.Sin(5*hour)),
		}
	}
	for i := range rows {
		switch {
		case i >= 51 && i < 63:
			rows[i].Attic = nil
		case i >= 102 && i < 114 && i != 108: // one reading in the middle came through
			rows[i].Garden = nil
		}
	}
	return rows
}

// warmth is -1 at three in the morning and 1 at three in the afternoon.
func warmth(hour float64) float64 { return -math.Cos((hour - 3) / 12 * math.Pi) }

// degrees is what a thermometer shows: tenths.
func degrees(celsius float64) *float64 { return new(math.Round(celsius*10) / 10) }

// line is what one sensor measured, a value for each time.
type line struct {
	name   string
	values []*float64
}

func timesOf(rows []reading) []time.Time {
	times := make([]time.Time, len(rows))
	for i, row := range rows {
		times[i] = row.Time
	}
	return times
}

func linesOf(rows []reading) []line {
	lines := make([]line, len(sensors))
	for s, sensor := range sensors {
		lines[s] = line{sensor.name, make([]*float64, len(rows))}
		for i, row := range rows {
			lines[s].values[i] = sensor.of(row)
		}
	}
	return lines
}

// measured tells whether a value is a temperature: neither null nor NaN nor what only a broken sensor says.
func measured(value *float64) bool { return value != nil && math.Abs(*value) < 1e4 }

// table is the frame in numbers.
type table struct {
	Rows    int       `json:"rows"`
	Columns []string  `json:"columns"`
	TTL     string    `json:"expires_in"`
	Sensors []summary `json:"sensors"`
}

// summary is a line in numbers. Celsius is nil where nothing was measured.
type summary struct {
	Sensor   string  `json:"sensor"`
	Readings int     `json:"readings"`
	Missing  int     `json:"missing"`
	Celsius  *extent `json:"celsius"`
}

type extent struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

func tableOf(rows []reading, ttl time.Duration) table {
	t := table{Rows: len(rows), Columns: []string{"time"}, TTL: ttl.Round(time.Second).String()}
	for _, line := range linesOf(rows) {
		t.Columns = append(t.Columns, line.name)
		t.Sensors = append(t.Sensors, summaryOf(line))
	}
	return t
}

func summaryOf(line line) summary {
	s := summary{Sensor: line.name}
	e := extent{Min: math.Inf(1), Max: math.Inf(-1)}
	sum := 0.0
	for _, value := range line.values {
		if !measured(value) {
			s.Missing++
			continue
		}
		s.Readings++
		sum += *value
		e.Min, e.Max = min(e.Min, *value), max(e.Max, *value)
	}
	if s.Readings > 0 {
		e.Mean = sum / float64(s.Readings)
		s.Celsius = &e
	}
	return s
}
