//go:build race

package inmemory_test

func init() { raceDetector = true }
