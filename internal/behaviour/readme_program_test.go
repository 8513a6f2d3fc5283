package behaviour_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The program that README.md begins with builds as it stands there, and answers as what stands below it says.
func TestReadmesFirstProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	_, readme, _ := strings.Cut(docPage(t, "README.md"), "```go\n")
	program, readme, _ := strings.Cut(readme, "```")
	_, readme, _ = strings.Cut(readme, "```\n")
	session, _, _ := strings.Cut(readme, "```")
	const address = "127.0.0.1:8080"
	free := freeAddress(t)
	startProgram(t, strings.ReplaceAll(program, address, free), free)

	var got, want []string
	for line := range strings.Lines(session) {
		command, _, _ := strings.Cut(line, "#")
		_, url, isCurl := strings.Cut(command, "http://"+address)
		if !isCurl {
			want = append(want, strings.TrimSpace(line))
			continue
		}
		method := http.MethodGet
		if strings.Contains(command, "-X POST") {
			method = http.MethodPost
		}
		path, filter, _ := strings.Cut(url, "|")
		answer := answerOf(t, method, "http://"+free+strings.TrimSpace(path))
		if strings.TrimSpace(filter) == "grep Cache-Status" {
			status := strings.Replace(answer.Header.Get("Cache-Status"), "ttl=59", "ttl=60", 1) // a second may pass on a machine that is busy
			got = append(got, "Cache-Status: "+status)
		}
	}
	if len(want) < 3 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the program answers\n%s\nand README.md says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// startProgram builds a program, and runs it until the test ends. It returns once the program listens.
func startProgram(t *testing.T, source, address string) {
	t.Helper()
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, file)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the program does not listen")
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func answerOf(t *testing.T, method, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}
