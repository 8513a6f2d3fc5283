// Package response deals with one response: captured while it is written, kept as an entry, replayed from it.
package response
