// Package mongodb keeps a cache in a collection of MongoDB, 4.2 or newer, or of a server that speaks its protocol.
//
// Importing the package registers it as "mongodb". The collection is there for the cache alone; it and its indexes are
// created when they are absent.
//
// # What lies in the collection
//
// A document an entry, in the layout of fastapi-cachette, a Python library, which can share the collection:
//
//	_id         left to the server
//	key         string
//	value       binary
//	expires     64-bit integer: the end of the entry, in whole seconds since the epoch, rounded down
//	expires_at  date: the end of the entry, to the millisecond
//
// The Python library knows the first four. It takes an entry for live while expires is later than its clock's whole
// seconds, so the rounding keeps it from seeing one after its end, and hides one from it up to a second before.
//
// When it replaces an entry it sets value and expires, as a 32-bit integer, and leaves an expires_at that no longer
// means anything. So expires_at counts only where expires is a 64-bit integer and says the same second; otherwise the
// entry ends with the second that expires names. Entries of both libraries are thus read alike by both. (From 2038
// on Python's integers have 64 bits too. Then the second alone decides, and an entry that Python has replaced may end up
// to a second off.)
//
// A key that is valid UTF-8 is stored as it is. One that is not, or that begins with U+10FFFF, which is no character,
// is stored as U+10FFFF and its bytes in hexadecimal.
//
// A log (drivers.Log) has such a document under its key, whose field last is the number of its last record or a smaller one, and
// one for each record under its key, "/log/", a random word and the number.
//
// # Indexes
//
// key has a unique index: of two that write a new key at once, both succeed and one document is left. (The Python library
// looks first and then inserts. Without the index two of it may leave two documents of a key; with it, one of them may
// be told of a duplicate.) Where such documents are there already, the index cannot be made: the driver keeps the one that
// reads and updates have been finding, deletes the others, and says so in the log as a warning. Where the index cannot
// be made for another reason, it warns and goes on without.
//
// expires_at has a TTL index, where the server has such indexes, by which the server removes an entry about a minute
// after its end. It leaves out the documents whose expires is no 64-bit integer: what Python has written or replaced
// is not reaped by a date that is not its own. [Driver.Sweep] removes those, and everything where there is no TTL
// index. An entry is invisible from its end on, whether it has been removed or not.
//
// An index of the same fields that is there already, under any name, is left as it is; a user who may not make indexes
// can use it.
//
// The first operation that reaches the server has the indexes made; writes wait for that as long as their contexts let
// them, reads do not. A driver opened by name does it at the start. After the server has been away they are made
// again, as it may have come back empty.
//
// # Clocks
//
// The end of an entry is reckoned by the clock of the machine that writes it, and judged by the clock of the one that reads
// it. Machines that share a cache should keep their clocks in step, as NTP does.
package mongodb
