package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The chart, in pixels: the plot lies between left and right, top and bottom, with the title and the legend above it.
const (
	width, height = 860, 420
	left, right   = 52, width - 46
	top, bottom   = 84, height - 36
)

// colours are told apart by colour-blind people, too; more lines than these begin again.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"}

// draw draws lines over time, as an SVG.
func draw(times []time.Time, lines []line) []byte {
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" `+
		`font-family="system-ui, sans-serif" font-size="14" fill="#333">`+"\n", width, height)
	title := "Temperature in °C" + days(times)
	fmt.Fprintf(&svg, "<title>%s</title>\n", escape(title))
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&svg, `<text x="%d" y="28" font-size="18" font-weight="600">%s</text>`+"\n", left, escape(title))
	drawLegend(&svg, lines)

	if plot, ok := newAxes(times, lines); ok {
		plot.draw(&svg)
		for i, line := range lines {
			plot.drawLine(&svg, times, line, colours[i%len(colours)])
		}
	} else {
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="middle">There are no readings.</text>`+"\n", (left+right)/2, (top+bottom)/2)
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// days tells from which day to which the times are.
func days(times []time.Time) string {
	if len(times) == 0 {
		return ""
	}
	const layout = "2 January 2006"
	first, last := earliest(times).Format(layout), latest(times).Format(layout)
	if first == last {
		return ", " + first
	}
	return ", " + first + " to " + last
}

func earliest(times []time.Time) time.Time { return slices.MinFunc(times, time.Time.Compare) }
func latest(times []time.Time) time.Time   { return slices.MaxFunc(times, time.Time.Compare) }

// drawLegend names the lines and what they reach from and to, side by side.
func drawLegend(svg *bytes.Buffer, lines []line) {
	for i, line := range lines {
		label := line.name + ": no readings"
		if c := summaryOf(line).Celsius; c != nil {
			label = fmt.Sprintf("%s: %s to %s", line.name, number(c.Min, 1), number(c.Max, 1))
		}
		x := left + i*(right-left)/len(lines)
		fmt.Fprintf(svg, `<path d="M%d 55h24" stroke="%s" stroke-width="4" stroke-linecap="round"/>`+
			`<text class="legend" x="%d" y="60">%s</text>`+"\n", x+2, colours[i%len(colours)], x+36, escape(label))
	}
}

// axes are where times and values lie in the chart. Both begin and end at a tick.
type axes struct {
	times    []time.Time
	values   []float64
	decimals int
}

// newAxes fits axes to lines. It reports false if nothing was measured.
func newAxes(times []time.Time, lines []line) (axes, bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, line := range lines {
		if c := summaryOf(line).Celsius; c != nil {
			low, high = min(low, c.Min), max(high, c.Max)
		}
	}
	if low > high {
		return axes{}, false
	}
	values, decimals := valueTicks(low, high)
	return axes{timeTicks(earliest(times), latest(times)), values, decimals}, true
}

// valueTicks returns round numbers, from low or below to high or above, and how many decimals they have.
func valueTicks(low, high float64) (values []float64, decimals int) {
	if high-low < 0.1 { // no thermometer tells more
		low, high = low-1, high+1
	}
	wanted := (high - low) / 6
	power := math.Pow(10, math.Floor(math.Log10(wanted)))
	step := 10 * power
	for _, factor := range []float64{5, 2, 1} {
		if factor*power >= wanted {
			step = factor * power
		}
	}
	for i := math.Floor(low / step); i <= math.Ceil(high/step); i++ {
		values = append(values, i*step)
	}
	return values, max(0, int(-math.Floor(math.Log10(step))))
}

// timeTicks returns round times, from first or before to last or after.
func timeTicks(first, last time.Time) (times []time.Time) {
	const most = 8
	step := time.Minute
	for _, step = range []time.Duration{1, 5, 10, 30, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60} {
		if step *= time.Minute; last.Sub(first) <= most*step {
			break
		}
	}
	for last.Sub(first)/most > step {
		step *= 2
	}
	tick := first.Truncate(step)
	for times = append(times, tick); len(times) == 1 || tick.Before(last); times = append(times, tick) {
		tick = tick.Add(step)
	}
	return times
}

func (a axes) x(t time.Time) float64 {
	from, to := a.times[0], a.times[len(a.times)-1]
	return left + (right-left)*float64(t.Sub(from))/float64(to.Sub(from))
}

func (a axes) y(value float64) float64 {
	low, high := a.values[0], a.values[len(a.values)-1]
	return bottom - (bottom-top)*(value-low)/(high-low)
}

// draw draws a line across the plot and a label for each tick.
func (a axes) draw(svg *bytes.Buffer) {
	for _, value := range a.values {
		y := a.y(value)
		fmt.Fprintf(svg, `<path d="M%d %.1fH%d" stroke="#ddd"/><text class="y" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, y, right, left-8, y+5, number(value, a.decimals))
	}
	layout := "15:04"
	if a.times[len(a.times)-1].Sub(a.times[0]) > 24*time.Hour {
		layout = "2 Jan 15:04"
	}
	for _, t := range a.times {
		x := a.x(t)
		fmt.Fprintf(svg, `<path d="M%.1f %dv6" stroke="#333"/><text class="x" x="%.1[1]f" y="%[3]d" text-anchor="middle">%[4]s</text>`+"\n",
			x, bottom, bottom+22, t.Format(layout))
	}
	fmt.Fprintf(svg, `<path d="M%d %dV%dH%d" fill="none" stroke="#333"/>`+"\n", left, top, bottom, right)
}

// drawLine draws a line with a gap where nothing was measured, and a dot for what was measured within a gap.
func (a axes) drawLine(svg *bytes.Buffer, times []time.Time, line line, colour string) {
	var path, dots strings.Builder
	silent := func(i int) bool { return i < 0 || i >= len(line.values) || !measured(line.values[i]) }
	for i, value := range line.values {
		if silent(i) {
			continue
		}
		x, y := a.x(times[i]), a.y(*value)
		command := 'L'
		if silent(i - 1) {
			command = 'M'
		}
		fmt.Fprintf(&path, "%c%.2f %.2f", command, x, y)
		if silent(i-1) && silent(i+1) {
			fmt.Fprintf(&dots, `<circle cx="%.2f" cy="%.2f" r="2.5" fill="%s"/>`+"\n", x, y, colour)
		}
	}
	fmt.Fprintf(svg, `<path class="line" d="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round">`+
		"<title>%s</title></path>\n%s", path.String(), colour, escape(line.name), dots.String())
}

// number writes a number with the minus of typesetters, which is as wide as a plus.
func number(value float64, decimals int) string {
	return strings.Replace(strconv.FormatFloat(value, 'f', decimals, 64), "-", "−", 1)
}

// escape makes text safe in XML.
func escape(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a Builder takes all
	return escaped.String()
}
