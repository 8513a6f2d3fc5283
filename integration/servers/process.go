// Package servers starts the real servers that tests run against: on loopback, each on a free port, with its data in a
// folder that is given.
package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	readyTimeout = 30 * time.Second // for a server to answer
	stopTimeout  = 5 * time.Second  // for it to end by itself when it is asked to
)

// Process is a server that runs as a process of its own.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output tail
	exited chan struct{}
	status error // of the exit, once exited is closed
}

// Start starts a server and waits until it is ready: until ready, which is asked again and again, returns nil. A server
// that ends, or is not ready in time, is an error with the last of what it printed. ctx bounds the start alone.
func Start(ctx context.Context, name string, ready func(context.Context) error, command string, args ...string) (*Process, error) {
	p := &Process{name: name, cmd: exec.Command(command, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for whoever stops it in order
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("servers: start %s: %w", name, err)
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx, ready); err != nil {
		_ = p.Kill()
		return nil, fmt.Errorf("servers: start %s: %w\n%s", name, err, p.output.String())
	}
	return p, nil
}

// await waits until the server is ready.
func (p *Process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		attempt, end := context.WithTimeout(ctx, time.Second)
		err := ready(attempt)
		end()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended at once: %w", errors.Join(p.status, err))
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop asks the server to end, and kills it if it does not.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
		return p.Kill()
	}
}

// Kill ends the server at once, as a crash does.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Signal sends the server a signal: SIGSTOP makes it stall, SIGCONT makes it go on.
func (p *Process) Signal(signal syscall.Signal) error { return p.signal(signal) }

func (p *Process) signal(signal syscall.Signal) error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := syscall.Kill(p.cmd.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("servers: %v to %s: %w", signal, p.name, err)
	}
	return nil
}

// Output returns the last of what the server printed.
func (p *Process) Output() string { return p.output.String() }

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

const tailSize = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.Write(p)
	if over := t.kept.Len() - tailSize; over > 0 {
		t.kept.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.String()
}

// listens returns a ready function that tells whether something accepts connections at an address.
func listens(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}
