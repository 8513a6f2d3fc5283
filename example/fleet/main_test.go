package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// fleet is what run.sh has started.
type fleet struct {
	t     *testing.T
	front string
	pids  []string // of the replicas
}

// shows is what the front shows.
type shows struct {
	Answers  []answer
	Counts   map[string]int
	Outdated int
}

func start(t *testing.T) *fleet {
	t.Helper()
	where := testservers.Find(t, testservers.Redis)
	var addresses []string
	for range 4 {
		port, err := testservers.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	command := exec.Command("bash", "run.sh")
	command.Env = append(os.Environ(), "CACHETTE_URL="+where, "CACHETTE_KEY_PREFIX=example-"+rand.Text()+":", "CACHETTE_OPERATION_TIMEOUT=10s",
		"FRONT="+addresses[0], "REPLICAS="+strings.Join(addresses[1:], " "))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	f := &fleet{t: t, front: "http://" + addresses[0]}
	for lines := bufio.NewScanner(out); len(f.pids) < 3 && lines.Scan(); {
		_, pid, _ := strings.Cut(lines.Text(), "kill -9 ")
		f.pids = append(f.pids, pid)
	}
	return f
}

// until waits until the front shows what is wanted.
func (f *fleet) until(what string, wanted func(s shows) bool) (s shows) {
	f.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(f.front + "/answers")
		if err != nil {
			continue // it does not listen yet
		}
		s = shows{}
		err = json.NewDecoder(response.Body).Decode(&s)
		response.Body.Close()
		if err == nil && wanted(s) {
			return s
		}
	}
	f.t.Fatalf("within a minute it did not show %s, but %+v", what, s)
	return s
}

// press does what a button of the page does.
func (f *fleet) press(path string) {
	f.t.Helper()
	response, err := http.Post(f.front+path, "", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		f.t.Fatalf("%s: %s", path, response.Status)
	}
}

// count returns of how many replicas there is a recent answer of a kind.
func count(s shows, since time.Time, which func(a answer) bool) int {
	replicas := make(map[string]bool)
	for _, a := range s.Answers {
		if a.At.After(since) && which(a) {
			replicas[a.Replica] = true
		}
	}
	return len(replicas)
}

// Pages that one replica has made are hits of all, also when that one was killed; a price that changes is everywhere at once.
func TestFleet(t *testing.T) {
	f := start(t)
	hit := func(a answer) bool { return a.From == "hit" }
	f.until("hits of all three replicas", func(s shows) bool { return count(s, time.Time{}, hit) == 3 })
	f.until("a hit of another replica's page", func(s shows) bool {
		return count(s, time.Time{}, func(a answer) bool { return hit(a) && a.MadeBy != strings.Replace(a.Replica, " ", "-", 1) }) > 0
	})

	if err := exec.Command("kill", "-9", f.pids[1]).Run(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	f.until("that a replica is away", func(s shows) bool {
		return count(s, killed, func(a answer) bool { return a.Replica == "replica 2" && a.From == "away" }) > 0
	})
	f.press("/raise/3")
	raised := time.Now()
	f.until("the new price, of both others", func(s shows) bool {
		return count(s, raised, func(a answer) bool { return a.Product == "3" && a.Price == "101" }) == 2
	})
	began := time.Now()
	f.press("/purge")
	f.until("a page that was made anew", func(s shows) bool { return count(s, began, func(a answer) bool { return a.From == "miss" }) > 0 })
	purged := time.Now()
	s := f.until("hits behind the purge", func(s shows) bool { return count(s, purged, hit) == 2 })
	if s.Outdated != 0 {
		t.Errorf("%d answers had a price that was over", s.Outdated)
	}
}
