// Conformance runs the public HTTP cache test suite against cachette and compares the outcome with the recorded one.
// It needs Node.js with npm, and is started in the directory of the integration module:
//
//	go run ./conformance/cmd/conformance [-backend NAME] [-write]
//	go run ./conformance/cmd/conformance -id TEST
//	go run ./conformance/cmd/conformance -suite CHECKOUT
//	go run ./conformance/cmd/conformance -extra
//	go run ./conformance/cmd/conformance -published [-suite CHECKOUT]
//
// It fails where a required or optimal test does not pass and reasons.json does not say why, where reasons.json explains
// a test that passes, and where any verdict is not the one in results.json. With -write it records the outcome instead,
// in results.json and RESULTS.md. With -id it runs one test and shows the requests and responses that both sides saw.
//
// With -suite it runs a checkout of the suite's repository in place of the pinned version. It then fails where a required
// or optimal test does not pass and reasons.json does not say why, and tells which of the tests that the record knows come
// out otherwise. Nothing of that is recorded, and nothing is written to the checkout.
//
// With -extra the suite's programs run the tests of the directory extra, in the suite's format, of what it has no tests of.
// It fails where one does not pass.
//
// With -published nothing is tested: it prints the scores of the shared caches whose results the suite has, by our rules.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gin-cachette/cachette/integration/conformance/suite"
)

// timeout ends a run in which a request is never answered. A run takes about half a minute.
const timeout = 10 * time.Minute

// maxReruns is how many unexpected outcomes may be accidents. With more of them something is broken.
const maxReruns = 20

// extraAtOnce is how many of the tests in extra run at a time.
const extraAtOnce = 25

func main() {
	var o options
	flag.StringVar(&o.backend, "backend", "inmemory", "the store of the cache, as CACHETTE_BACKEND names it, or none to leave the cache out")
	flag.StringVar(&o.id, "id", "", "the one test to run and to show")
	flag.BoolVar(&o.write, "write", false, "record the outcome in results.json and RESULTS.md")
	flag.StringVar(&o.suite, "suite", "", "a checkout of the suite to run in place of the pinned one, which alone is recorded")
	flag.BoolVar(&o.extra, "extra", false, "run the tests of the directory extra in place of the suite's")
	flag.BoolVar(&o.published, "published", false, "print the scores of other caches whose results the suite has, and test nothing")
	flag.StringVar(&o.dir, "dir", "conformance", "the directory of the record")
	flag.StringVar(&o.build, "build", "../build", "the directory for the servers of backends that have one")
	flag.StringVar(&o.cache, "cache", "../.cache/conformance", "the directory to install the suite in")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

type options struct {
	backend, id, suite, dir, cache, build string
	write, extra, published               bool
}

// recorded tells whether it is the tests of the pinned suite that run, of which there is a record.
func (o options) recorded() bool { return o.suite == "" && !o.extra }

func (o options) run(ctx context.Context) error {
	if o.write && (!o.recorded() || o.id != "") {
		return errors.New("-write records a run of all tests of the pinned suite: leave out -suite, -extra and -id")
	}
	if o.extra && o.id != "" {
		return errors.New("-id shows a test of the suite: leave out -extra")
	}
	scripts, err := filepath.Abs(filepath.Join(o.dir, "node"))
	if err != nil {
		return err
	}
	modules, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	n, err := install(ctx, scripts, modules)
	if err != nil {
		return err
	}
	tests := ""
	if o.extra {
		if tests, err = filepath.Abs(filepath.Join(o.dir, "extra")); err != nil {
			return err
		}
	}
	if err := n.choose(o.suite, tests); err != nil {
		return err
	}

	if o.published {
		return printPublished(ctx, n)
	}

	log := io.Discard
	if o.id != "" {
		log = os.Stdout
	}
	upstream, stopServer, err := n.serve(ctx, log)
	if err != nil {
		return err
	}
	defer stopServer()
	engine, err := serveEngine(ctx, o.backend, o.build, upstream)
	if err != nil {
		return err
	}
	defer engine.stop()

	base := "http://" + engine.addr
	if o.id != "" {
		_, dump, err := n.one(ctx, base, o.id)
		fmt.Println(dump)
		return err
	}
	return o.compare(ctx, n, base, engine)
}

// printPublished prints the scores of caches that others have tested.
func printPublished(ctx context.Context, n node) error {
	definitions, err := n.definitions(ctx)
	if err != nil {
		return err
	}
	caches, err := n.published(ctx)
	if err != nil {
		return err
	}
	fmt.Print(suite.Scores(definitions, caches))
	return nil
}

// compare runs the whole suite, tells its outcome, and compares it with the record.
func (o options) compare(ctx context.Context, n node, base string, engine served) error {
	record, err := o.readRecord()
	if err != nil {
		return err
	}
	definitions, err := n.definitions(ctx)
	if err != nil {
		return err
	}
	tests := definitions.All()
	fmt.Printf("http-cache-tests %s, %d tests, backend %s\n", definitions.Version, len(tests), o.backend)
	results, err := o.results(ctx, n, base, engine)
	if err != nil {
		return err
	}
	if !o.extra {
		differences := record.Differences
		if !o.recorded() {
			differences = record.Unexplained
		}
		if err := rerun(ctx, n, base, definitions, differences, results); err != nil {
			return err
		}
	}
	verdicts := suite.Judge(tests, results)
	for _, test := range suite.Misses(definitions.Tests, verdicts) {
		fmt.Printf("%s: %s (%s): %s\n", verdicts[test.ID], test.ID, test.Kind, describe(results[test.ID]))
	}
	fmt.Print(suite.Summary(definitions, verdicts))

	return o.conclude(definitions, verdicts, record)
}

// results runs all tests: those of the suite by its own program, where the backend keeps up with that.
func (o options) results(ctx context.Context, n node, base string, engine served) (map[string]suite.Result, error) {
	size, few := lots[o.backend]
	switch {
	case few:
		return n.inLots(ctx, base, size, engine.flush)
	case o.extra:
		return n.inLots(ctx, base, extraAtOnce, func() error { return nil })
	}
	return n.all(ctx, base)
}

// conclude compares verdicts with the record, or records them.
func (o options) conclude(definitions suite.Definitions, verdicts map[string]suite.Verdict, record suite.Record) error {
	if !o.recorded() {
		list("Otherwise than with the pinned suite", record.Shifts(definitions, verdicts))
		if list("Without a reason", record.Unexplained(definitions, verdicts)) > 0 {
			return errors.New("reasons.json does not say why these tests do not pass")
		}
		return nil
	}
	if o.write {
		record.Verdicts = nil // to be replaced
	}
	if count := list("Not as recorded", record.Differences(definitions, verdicts)); count > 0 {
		return fmt.Errorf("the outcome of %d tests is not as recorded", count)
	}
	if o.write {
		return o.writeRecord(definitions, verdicts, record.Reasons)
	}
	return nil
}

// list prints differences under a title, and returns how many there are.
func list(title string, differences []suite.Difference) int {
	if len(differences) > 0 {
		fmt.Printf("\n%s:\n", title)
	}
	for _, difference := range differences {
		fmt.Println(" ", difference.Text)
	}
	return len(differences)
}

// compared is how the outcome of a run is compared with the record.
type compared func(suite.Definitions, map[string]suite.Verdict) []suite.Difference

// rerun runs the tests whose verdict is not the expected one again, each alone and once, and replaces their results. The
// suite runs a hundred tests at a time, so on a busy machine one of them can miss without a fault of the cache's.
func rerun(ctx context.Context, n node, base string, definitions suite.Definitions, differences compared, results map[string]suite.Result) error {
	done := make(map[string]bool)
	for {
		verdicts := suite.Judge(definitions.All(), results)
		var ids []string
		for _, difference := range differences(definitions, verdicts) {
			verdict, known := verdicts[difference.ID]
			// What a test depends on comes first; its own result may be fine.
			if known && verdict != suite.Untested && verdict != suite.DependencyFail && !done[difference.ID] {
				ids = append(ids, difference.ID)
			}
		}
		if len(ids) == 0 || len(done)+len(ids) > maxReruns {
			return nil
		}
		for _, id := range ids {
			again, _, err := n.one(ctx, base, id)
			if err != nil {
				return err
			}
			if before := results[id]; again.Succeeded != before.Succeeded {
				fmt.Printf("run again alone, with another outcome: %s\n  first: %s\n  again: %s\n", id, describe(before), describe(again))
			}
			results[id], done[id] = again, true
		}
	}
}

func describe(result suite.Result) string {
	if result.Succeeded {
		return "success"
	}
	return result.Error + ": " + result.Message
}

// readRecord reads the reasons and, where there is one, the recorded outcome.
func (o options) readRecord() (record suite.Record, err error) {
	if err := o.readJSON("reasons.json", &record.Reasons); err != nil {
		return record, err
	}
	err = o.readJSON("results.json", &record.Verdicts)
	if errors.Is(err, fs.ErrNotExist) && o.write {
		err = nil
	}
	return record, err
}

func (o options) readJSON(name string, into any) error {
	data, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (o options) writeRecord(definitions suite.Definitions, verdicts map[string]suite.Verdict, reasons map[string]string) error {
	data, err := json.MarshalIndent(verdicts, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.dir, "results.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	page := suite.Markdown(definitions, verdicts, reasons)
	return os.WriteFile(filepath.Join(o.dir, "RESULTS.md"), []byte(page), 0o644)
}
