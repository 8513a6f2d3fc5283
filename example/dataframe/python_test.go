package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// described is what put.py tells of a frame, by sensor: what pandas' DataFrame.describe makes of it.
type described map[string]struct{ Count, Min, Mean, Max float64 }

// Go charts what Python has put, and Python reads what Go has put.
func TestPython(t *testing.T) {
	python := testservers.Python(t)
	where := testservers.Find(t, testservers.Redis)
	t.Setenv("CACHETTE_BACKEND", "redis")
	t.Setenv("CACHETTE_REDIS_URL", where)
	t.Setenv("CACHETTE_OPERATION_TIMEOUT", "10s")
	_, cache := start(t)
	forget := func() { // the chart as well: an earlier run may have left one
		_, err := cache.Delete(t.Context(), key)
		if err = errors.Join(err, cache.PurgePath(t.Context(), "/chart.svg")); err != nil {
			t.Error(err)
		}
	}
	forget()
	defer forget()
	r, _ := start(t)
	if w := ask(r, "GET", "/table"); w.Code != http.StatusNotFound {
		t.Fatalf("before anybody has put a frame: %d, %s", w.Code, w.Body)
	}
	base := startPython(t, python)

	byPython := askPython(t, "POST", base+"/frame")
	agree(t, r, byPython)

	if w := ask(r, "POST", "/frame"); w.Code != http.StatusOK {
		t.Fatalf("Go cannot put: %d, %s", w.Code, w.Body)
	}
	byGo := askPython(t, "GET", base+"/frame")
	agree(t, r, byGo)
	if byGo["attic"] == byPython["attic"] {
		t.Errorf("both put the same: %+v", byGo)
	}
}

// agree compares Go's table and chart with what Python tells.
func agree(t *testing.T, r *gin.Engine, python described) {
	t.Helper()
	table := tableFrom(t, r)
	chart := parse(t, ask(r, "GET", "/chart.svg").Body.String())
	if len(python) != len(table.Sensors) {
		t.Fatalf("Python has %d sensors, Go has %d", len(python), len(table.Sensors))
	}
	near := func(a, b, most float64) bool { return math.Abs(a-b) <= most }
	for _, s := range table.Sensors {
		want := python[s.Sensor]
		if s.Readings != int(want.Count) || s.Missing != table.Rows-int(want.Count) || s.Celsius == nil ||
			s.Celsius.Min != want.Min || s.Celsius.Max != want.Max || !near(s.Celsius.Mean, want.Mean, 1e-9) {
			t.Errorf("%s: Go has %+v %+v, Python %+v", s.Sensor, s, s.Celsius, want)
		}
		low, high, sum := math.Inf(1), math.Inf(-1), 0.
		points := chart.measure(t, s.Sensor)
		for _, p := range points {
			low, high, sum = min(low, p.y), max(high, p.y), sum+p.y
		}
		if mean := sum / float64(len(points)); len(points) != int(want.Count) ||
			!near(low, want.Min, 0.03) || !near(high, want.Max, 0.03) || !near(mean, want.Mean, 0.03) {
			t.Errorf("%s: in the chart are %d points, %g to %g, mean %g; Python has %+v", s.Sensor, len(points), low, high, mean, want)
		}
	}
}

var running = regexp.MustCompile(`running on (http://127\.0\.0\.1:\d+)`)

// startPython starts put.py and returns its URL.
func startPython(t *testing.T, python string) string {
	t.Helper()
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "put.py") // the context's end, before the cleanup, ends it
	command.Env = append(os.Environ(), fmt.Sprint("PORT=", port), "PYTHONDONTWRITEBYTECODE=1")
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() })
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); said.WriteString(lines.Text() + "\n") {
		if found := running.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }() // it must not wait for a reader
			return found[1]
		}
	}
	t.Fatalf("put.py does not start:\n%s", said.String())
	return ""
}

// askPython asks put.py.
func askPython(t *testing.T, method, url string) (told described) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d, %v, %s", method, url, response.StatusCode, err, body)
	}
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return told
}
