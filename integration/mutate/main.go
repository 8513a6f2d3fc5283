// Mutate changes the code of packages in small ways, one at a time, and tells which changes no test notices. It is started in the
// directory of the integration module, with folders or files of the library, as seen from its root:
//
//	go run ./mutate [-n 100] [-seed 1] [-tests PACKAGE,...] internal/target internal/serve/fill.go
//
// A change is compiled beside the source, which stays as it is. One that survives shows a test that is missing, code that nothing
// needs, or code by which nothing but the cost differs: which of them it is, somebody has to see.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	most    int           // how many changes that compile are tried
	seed    uint64        // by which they are chosen
	tests   []string      // the packages whose tests are to notice, one after the other; nil for that of the file
	timeout time.Duration // of the tests of one package: one that takes longer has noticed
	root    string        // the directory of the library
	work    string        // a directory for what is made
}

func main() {
	var o options
	var tests string
	flag.IntVar(&o.most, "n", 100, "how many changes to try")
	flag.Uint64Var(&o.seed, "seed", 1, "by which the changes are chosen")
	flag.StringVar(&tests, "tests", "", "the packages whose tests are to notice, separated by commas, in place of that which is changed")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "how long the tests of a package may take")
	flag.StringVar(&o.root, "root", "..", "the directory of the library")
	flag.Parse()
	if tests != "" {
		o.tests = strings.Split(tests, ",")
	}
	if err := o.run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run tries changes of the Go files that are named, or are in the folders that are.
func (o *options) run(places []string) (err error) {
	if len(places) == 0 {
		return errors.New("name folders or files to change, such as internal/target")
	}
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	if o.work, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.work)) }()
	var all []change
	for _, place := range places {
		found, err := changesIn(filepath.Join(o.root, place))
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	random := rand.New(rand.NewPCG(o.seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	tried, survived := 0, 0
	for _, c := range all {
		if tried == o.most {
			break
		}
		compiles, noticed, err := o.try(&c)
		if err != nil {
			return err
		}
		if !compiles {
			continue
		}
		tried++
		if !noticed {
			survived++
			fmt.Println(c.describe(o.root))
		}
	}
	fmt.Printf("%d of %d changes tried: tests noticed %d, and %d survived\n", tried, len(all), tried-survived, survived)
	return nil
}

// try tells whether a change compiles, and whether a test notices it.
func (o *options) try(c *change) (compiles, noticed bool, err error) {
	changed, overlay := filepath.Join(o.work, "changed.go"), filepath.Join(o.work, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {c.file: changed}})
	if err != nil {
		return false, false, err
	}
	if err := errors.Join(os.WriteFile(changed, c.apply(), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return false, false, err
	}
	packages := o.tests
	if packages == nil {
		packages = []string{filepath.Dir(c.file)}
	}
	for _, pkg := range packages {
		if !filepath.IsAbs(pkg) {
			pkg = filepath.Join(o.root, pkg)
		}
		binary := filepath.Join(o.work, "changed.test")
		build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, pkg)
		build.Dir = o.root
		if build.Run() != nil {
			return false, false, nil
		}
		if passes, err := o.test(binary, pkg); !passes || err != nil {
			return true, true, err
		}
	}
	return true, false, nil
}

// test runs a test binary, and tells whether all tests pass in time.
func (o *options) test(binary, folder string) (passes bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	tests := exec.CommandContext(ctx, binary, "-test.short", "-test.failfast")
	tests.Dir = folder
	err = tests.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) || ctx.Err() != nil {
		return false, nil
	}
	return err == nil, err
}
