//go:build race

package behaviour_test

func init() { mostAllocations = 1 } // pools forget at random then
