package drivertest_test

import (
	"os"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
)

// runToy runs the suite of faults on a toy.
func runToy(t *testing.T, open func(addr string) drivers.Driver, excused map[string]string) {
	drivertest.RunFaults(t, drivertest.Faults{
		Server:  serveToys(t),
		Open:    func(_ testing.TB, addr string) drivers.Driver { return open(addr) },
		Repeats: 5 * impatience,
		Once:    []string{"Set", "SetValues", "Delete", "Clear", "Add", "Insert", "Append", "Purge"},
		Excused: excused,
	})
}

// TestCorrectClient shows that a driver can pass.
func TestCorrectClient(t *testing.T) {
	t.Parallel()
	runToy(t, func(addr string) drivers.Driver { return newToy(addr, toyDefect{}) }, nil)
}

// TestExcusedClient shows that a driver passes that implements nothing but Driver, and whose defect is excused.
func TestExcusedClient(t *testing.T) {
	t.Parallel()
	type plain struct{ drivers.Driver }
	const reason = "this is a test"
	runToy(t, func(addr string) drivers.Driver { return plain{newToy(addr, toyDefect{asksEnded: true})} }, map[string]string{
		"Ended/Get": reason, "Ended/Set": reason, "Ended/Delete": reason, "Ended/Clear": reason,
	})
}

// toyDefects are what toys do wrong, with the subtest that must find it.
var toyDefects = map[string]struct {
	foundBy string
	toyDefect
}{
	"SetsLate":          {"LateWrites/SetThenSetSilent", toyDefect{late: "set", patience: impatience}},
	"SetsDeletedLate":   {"LateWrites/SetThenDeleteCut", toyDefect{late: "set"}},
	"SetsClearedLate":   {"LateWrites/SetThenClearLost", toyDefect{late: "set"}},
	"DeletesLate":       {"LateWrites/DeleteThenSetSilent", toyDefect{late: "delete", patience: impatience}},
	"ClearsLate":        {"LateWrites/ClearThenSetLost", toyDefect{late: "clear"}},
	"AddsLate":          {"LateWrites/AddThenDeleteCut", toyDefect{late: "add"}},
	"LengthensLate":     {"LateWrites/AddToLengthenThenDeleteSilent", toyDefect{late: "add", patience: impatience}},
	"SetsValuesLate":    {"LateWrites/SetValuesThenSetCut", toyDefect{late: "sets"}},
	"InsertsLate":       {"LateWrites/InsertThenDeleteCut", toyDefect{late: "insert"}},
	"AppendsLate":       {"LateWrites/AppendThenEndLost", toyDefect{late: "append"}},
	"SendsAWordTwice":   {"LateWrites/WordLost", toyDefect{repeats: "add", sameWord: true}},
	"PurgesLate":        {"LateWrites/PurgeThenEndLost", toyDefect{late: "purge"}},
	"RepeatsSet":        {"LateWrites/SetThenSetLostToThePatient", toyDefect{repeats: "set"}},
	"RepeatsDelete":     {"LateWrites/DeleteThenSetLostToThePatient", toyDefect{repeats: "delete"}},
	"RepeatsClear":      {"LateWrites/ClearThenSetLostToThePatient", toyDefect{repeats: "clear"}},
	"RepeatsAdd":        {"LateWrites/AddThenDeleteLostToThePatient", toyDefect{repeats: "add"}},
	"RepeatsSetValues":  {"LateWrites/SetValuesThenSetLostToThePatient", toyDefect{repeats: "sets"}},
	"RepeatsInsert":     {"LateWrites/InsertThenDeleteLostToThePatient", toyDefect{repeats: "insert"}},
	"RepeatsAppend":     {"LateWrites/AppendThenEndLostToThePatient", toyDefect{repeats: "append"}},
	"RepeatsPurge":      {"LateWrites/PurgeThenEndLostToThePatient", toyDefect{repeats: "purge"}},
	"KeepsSilentIdle":   {"HalfOpen/GetSilent", toyDefect{keepsIdle: true}},
	"KeepsSilentToSet":  {"HalfOpen/SetSilent", toyDefect{keepsIdle: true}},
	"KeepsCut":          {"HalfOpen/GetCut", toyDefect{keepsIdle: true, oneTry: true}},
	"ClosesGivenUp":     {"GaveUp/GetDeadline", toyDefect{closesGivenUp: true}},
	"ClosesCancelled":   {"GaveUp/SetCancelled", toyDefect{closesGivenUp: true}},
	"ReadsTwice":        {"LargeOnce/Get", toyDefect{quickEnd: 10 * time.Millisecond}},
	"ReadsValuesTwice":  {"LargeOnce/GetValues", toyDefect{quickEnd: 10 * time.Millisecond}},
	"StaysDead":         {"Recovery/Killed", toyDefect{staysDead: true}},
	"DownIsAMiss":       {"Recovery/Killed", toyDefect{failureIsMiss: true}},
	"WaitsForTheSilent": {"Recovery/Stopped", toyDefect{waits: true}},
	"WaitsForTheCut":    {"Waits/Cut", toyDefect{waitsForTheDead: true, oneTry: true}},
	"WaitsForTheLost":   {"Waits/Silent", toyDefect{waitsForTheDead: true, oneTry: true}},
	"WaitsForTheKilled": {"Waits/Killed", toyDefect{staysDead: true}},
	"CutIsAMiss":        {"Answers/Cut", toyDefect{failureIsMiss: true}},
	"MixesUpAnswers":    {"Answers/GivenUp", toyDefect{mixesUp: true}},
	"AsksEnded":         {"Ended/Get", toyDefect{asksEnded: true}},
	"CloseWaits":        {"Close/Silent", toyDefect{closeWaits: true, waits: true}},
	"CloseKeepsUsed":    {"Close/Busy", toyDefect{keepsUsed: true}},
}

// TestFaultsAreFound runs the suite on toys with one defect each.
func TestFaultsAreFound(t *testing.T) {
	for name, defect := range toyDefects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, "TestBrokenClient", name, defect.foundBy)
		})
	}
}

// TestBrokenClient is what TestFaultsAreFound runs.
func TestBrokenClient(t *testing.T) {
	defect, ok := toyDefects[os.Getenv(defectVariable)]
	if !ok {
		t.Skip("run by TestFaultsAreFound")
	}
	runToy(t, func(addr string) drivers.Driver { return newToy(addr, defect.toyDefect) }, nil)
}
