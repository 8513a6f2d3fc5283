//go:build race

package behaviour_test

func init() { mostAllocations = 2 } // pools forget at random then
