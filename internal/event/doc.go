// Package event says what happened, as one value: of each operation on a store one, and of each request one. What is counted, what
// Cache-Status says and what an observer is told are made of these, so that they cannot differ.
//
// Both are plain values. Making one allocates nothing.
package event
