package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

// document is the chart as XML.
type document struct {
	Title string `xml:"title"`
	Paths []struct {
		Class string `xml:"class,attr"`
		D     string `xml:"d,attr"`
		Title string `xml:"title"`
	} `xml:"path"`
	Texts []struct {
		Class string  `xml:"class,attr"`
		X     float64 `xml:"x,attr"`
		Y     float64 `xml:"y,attr"`
		Text  string  `xml:",chardata"`
	} `xml:"text"`
	Dots []struct {
		X float64 `xml:"cx,attr"`
		Y float64 `xml:"cy,attr"`
	} `xml:"circle"`
}

func parse(t *testing.T, svg string) (d document) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, svg)
		}
	}
	if err := xml.Unmarshal([]byte(svg), &d); err != nil {
		t.Fatalf("%v\n%s", err, svg)
	}
	return d
}

// labels are the texts of a class.
func (d document) labels(class string) (texts []string) {
	for _, text := range d.Texts {
		if text.Class == class {
			texts = append(texts, text.Text)
		}
	}
	return texts
}

// A point is in pixels, or in hours and °C. A piece of the line starts with it if no line leads to it.
type point struct {
	x, y   float64
	starts bool
}

// points are those of the line of that name.
func (d document) points(t *testing.T, name string) (points []point) {
	t.Helper()
	for _, path := range d.Paths {
		if path.Class != "line" || path.Title != name {
			continue
		}
		for _, step := range strings.Fields(strings.NewReplacer("M", "\nM,", "L", "\nL,", " ", ",").Replace(path.D)) {
			var command rune
			var p point
			if _, err := fmt.Sscanf(step, "%c,%f,%f", &command, &p.x, &p.y); err != nil {
				t.Fatalf("%s: %q in %s: %v", name, step, path.D, err)
			}
			p.starts = command == 'M'
			if p.x < left || p.x > right || p.y < top || p.y > bottom {
				t.Errorf("%s: %+v is outside of the plot", name, p)
			}
			points = append(points, p)
		}
		return points
	}
	t.Fatalf("there is no line for %s", name)
	return nil
}

// measure gives a line's points in hours and °C, as somebody would read them off the axes.
func (d document) measure(t *testing.T, name string) []point {
	t.Helper()
	const baseline = 5 // a label of the vertical axis is so much lower than what it stands for
	var x, hours, y, values []float64
	for _, text := range d.Texts {
		switch text.Class {
		case "x":
			clock, err := time.Parse("15:04", text.Text)
			if err != nil {
				t.Fatal(err)
			}
			x, hours = append(x, text.X), append(hours, float64(clock.Hour())+float64(clock.Minute())/60)
		case "y":
			var value float64
			if _, err := fmt.Sscan(strings.Replace(text.Text, "−", "-", 1), &value); err != nil {
				t.Fatal(err)
			}
			y, values = append(y, text.Y-baseline), append(values, value)
		}
	}
	if len(x) < 3 || len(y) < 3 {
		t.Fatalf("the axes have %d and %d ticks", len(x), len(y))
	}
	last := len(x) - 2 // after midnight hours begin again
	top := len(y) - 1
	points := d.points(t, name)
	for i, p := range points {
		points[i].x = hours[0] + (p.x-x[0])*(hours[last]-hours[0])/(x[last]-x[0])
		points[i].y = values[0] + (p.y-y[0])*(values[top]-values[0])/(y[top]-y[0])
	}
	return points
}

// Each sensor has a line whose points, read off the axes, are the frame's, with a gap where there is null.
func TestChart(t *testing.T) {
	r, _ := start(t)
	d := parse(t, ask(r, "GET", "/chart.svg").Body.String())
	rows := sample()
	for s, line := range linesOf(rows) {
		var want []point
		for i, value := range line.values {
			if value != nil {
				want = append(want, point{float64(i) / 6, *value, i == 0 || line.values[i-1] == nil})
			}
		}
		compare(t, line.name, d.measure(t, line.name), want)
		c := summaryOf(line).Celsius
		legend := strings.ReplaceAll(fmt.Sprintf("%s: %.1f to %.1f", line.name, c.Min, c.Max), "-", "−")
		if got := d.labels("legend"); len(got) != 3 || got[s] != legend {
			t.Errorf("the legend says %q, not %q", got, legend)
		}
	}
	breaks := map[string]int{"attic": 2, "cellar": 1, "garden": 3}
	for name, want := range breaks {
		n := 0
		for _, p := range d.points(t, name) {
			if p.starts {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d pieces, want %d", name, n, want)
		}
	}
	if len(d.Dots) != 1 || d.Title != "Temperature in °C, 1 March 2026" {
		t.Errorf("%d dots, titled %q", len(d.Dots), d.Title)
	}
}

func compare(t *testing.T, name string, got, want []point) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d points, want %d", name, len(got), len(want))
	}
	for i, p := range got {
		const minute = 1. / 60
		if math.Abs(p.x-want[i].x) > minute || math.Abs(p.y-want[i].y) > 0.03 || p.starts != want[i].starts {
			t.Fatalf("%s: point %d is %+v, want %+v", name, i, p, want[i])
		}
	}
}

// Frames that are not expected make a chart all the same, and nothing in it lies outside.
func TestAwkwardFrames(t *testing.T) {
	at := func(hours ...float64) (times []time.Time) {
		for _, hour := range hours {
			times = append(times, time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour*float64(time.Hour))))
		}
		return times
	}
	values := func(values ...float64) (pointers []*float64) {
		for _, value := range values {
			pointers = append(pointers, &value)
		}
		return pointers
	}
	nan, inf := math.NaN(), math.Inf(1)
	const hour = "01:00 01:10 01:20 01:30 01:40 01:50 02:00"
	for _, row := range []struct {
		what         string
		times        []time.Time
		values       []*float64
		points       int
		clock, scale string // what is at the axes
	}{
		{"no rows", nil, nil, 0, "", ""},
		{"nulls alone", at(1, 2), []*float64{nil, nil}, 0, "", ""},
		{"one reading", at(1.51), values(20), 1, "01:30 01:31", "19.0 19.5 20.0 20.5 21.0"},
		{"one at midnight", at(0), values(20), 1, "00:00 00:01", "19.0 19.5 20.0 20.5 21.0"},
		{"the same all day", at(0, 12, 24), values(0, 0, 0), 3,
			"00:00 03:00 06:00 09:00 12:00 15:00 18:00 21:00 00:00", "−1.0 −0.5 0.0 0.5 1.0"},
		{"what is no temperature", at(1, 2, 3, 4, 5, 6), values(1, nan, inf, -inf, 1e308, 2), 2,
			"01:00 02:00 03:00 04:00 05:00 06:00", "1.0 1.2 1.4 1.6 1.8 2.0"},
		{"large and small", at(1, 2), values(-9999, 9999), 2, hour, "−10000 −5000 0 5000 10000"},
		{"a tenth", at(1, 2), values(-0.05, 0.06), 2, hour, "−0.06 −0.04 −0.02 0.00 0.02 0.04 0.06"},
		{"hardly a difference", at(1, 2), values(1, math.Nextafter(1, 2)), 2, hour, "0.0 0.5 1.0 1.5 2.0"},
		{"two at one time, and back", at(2, 2, 1), values(1, 2, 3), 3, hour, "1.0 1.5 2.0 2.5 3.0"},
		{"two days", at(0, 48), values(0, 60), 2,
			"1 Mar 00:00 1 Mar 06:00 1 Mar 12:00 1 Mar 18:00 2 Mar 00:00 2 Mar 06:00 2 Mar 12:00 2 Mar 18:00 3 Mar 00:00",
			"0 10 20 30 40 50 60"},
		{"a year", at(0, 365*24), values(15, 20), 2,
			"2 Feb 00:00 7 Apr 00:00 10 Jun 00:00 13 Aug 00:00 16 Oct 00:00 19 Dec 00:00 21 Feb 00:00 26 Apr 00:00",
			"15 16 17 18 19 20"},
	} {
		t.Run(row.what, func(t *testing.T) {
			const name = "<b>&\"'\x00 sensor"
			svg := string(draw(row.times, []line{{name, row.values}}))
			d := parse(t, svg)
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "<b>") {
				t.Errorf("not fit for a chart:\n%s", svg)
			}
			if legend := d.labels("legend"); len(legend) != 1 || !strings.HasPrefix(legend[0], "<b>&\"'\uFFFD sensor: ") {
				t.Errorf("the legend is %q", legend)
			}
			if row.points == 0 {
				if len(d.labels("x"))+len(d.labels("y")) > 0 || !strings.Contains(svg, "There are no readings") {
					t.Errorf("a chart of nothing:\n%s", svg)
				}
				return
			}
			points := d.points(t, "<b>&\"'\uFFFD sensor")
			if len(points) != row.points {
				t.Errorf("%d points, want %d", len(points), row.points)
			}
			for axis, want := range map[string]string{"x": row.clock, "y": row.scale} {
				if got := strings.Join(d.labels(axis), " "); got != want {
					t.Errorf("at the axis %s: %s, want %s", axis, got, want)
				}
			}
		})
	}
}
