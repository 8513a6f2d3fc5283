package csv_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// TestPandasFiles: internal/frame/frametest/make.py made them.
func TestPandasFiles(t *testing.T) {
	frametest.CheckGolden(t, csv.New(csv.Options{}), "testdata/pandas.csv", false, []string{"0", "1", "2"})
	frametest.CheckGolden(t, csv.New(csv.Options{}), "testdata/indexed.csv", false, []string{"p", "q", "r"})
}

// TestItLinksLittle: of Arrow only its arrays.
func TestItLinksLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip("go list: ", err)
	}
	for _, heavy := range []string{"/arrow/compute", "/arrow/ipc", "/parquet", "google.golang.org/grpc"} {
		if strings.Contains(string(out), heavy) {
			t.Errorf("it links %s", heavy)
		}
	}
}
