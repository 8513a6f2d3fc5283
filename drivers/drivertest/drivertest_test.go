package drivertest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
)

// TestCorrectDriver shows that a driver can pass.
func TestCorrectDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		New: func(testing.TB) drivers.Driver { return newFake() },
	})
}

// TestDriverWithoutOptions shows that a driver can pass which implements nothing but Driver.
func TestDriverWithoutOptions(t *testing.T) {
	type plain struct{ drivers.Driver }
	drivertest.Run(t, drivertest.Harness{
		New:      func(testing.TB) drivers.Driver { return plain{newFake()} },
		MaxValue: 1000,
		Keys:     100,
	})
}

// defectVariable names the defect of the driver in TestBrokenDriver and TestBrokenClient.
const defectVariable = "DRIVERTEST_DEFECT"

// TestDefectsAreFound runs the suite on drivers with one defect each.
func TestDefectsAreFound(t *testing.T) {
	for name, defect := range defects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, "TestBrokenDriver", name, defect.foundBy)
		})
	}
}

// wantFound runs a test of a driver with a defect, in a process of its own, as a test that fails fails its process. The defect
// must fail the subtest that is there to find it.
func wantFound(t *testing.T, test, defect, foundBy string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pattern := "^" + test + "$"
	for part := range strings.SplitSeq(foundBy, "/") {
		pattern += "/^" + part + "$"
	}
	suite := exec.CommandContext(t.Context(), self, "-test.run="+pattern)
	suite.Env = append(os.Environ(), defectVariable+"="+defect)
	output, err := suite.CombinedOutput()
	if err == nil {
		t.Fatalf("the suite passes:\n%s", output)
	}
	if !strings.Contains(string(output), "--- FAIL: "+test+"/"+foundBy+" ") {
		t.Errorf("%s does not fail:\n%s", foundBy, output)
	}
	if strings.Contains(string(output), "panic:") {
		t.Errorf("the suite panics:\n%s", output)
	}
}

// TestBrokenDriver is what TestDefectsAreFound runs.
func TestBrokenDriver(t *testing.T) {
	defect, ok := defects[os.Getenv(defectVariable)]
	if !ok {
		t.Skip("run by TestDefectsAreFound")
	}
	drivertest.Run(t, drivertest.Harness{
		New: func(testing.TB) drivers.Driver {
			d := newFake()
			defect.introduce(d)
			return d
		},
	})
}
