package cachettetest

import (
	"testing"
	"testing/synctest"
	"time"
)

// Bubble runs a test whose time passes by [Pass] alone, at once, in a bubble of [testing/synctest]. Engines are made inside of it.
func Bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// Pass lets time pass in a bubble, and returns when all that this has set going, such as a refresh in the background, waits or is
// done. Outside of a bubble it panics.
func Pass(d time.Duration) {
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
}
