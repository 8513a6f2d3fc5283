package drivers

import "context"

// Sharded is a driver whose keys are spread over several servers. Without it cachette takes it that one server keeps all of them, so
// that what fails for one key fails for each.
type Sharded interface {
	// Sharded tells whether there may be several servers. It says the same for as long as the driver is open.
	Sharded() bool

	// ServerOf returns the name of the server that keeps key, to be shown to people; empty where that is not known yet. It asks no
	// server.
	//
	// A key has a tag where something stands between its first "{" and the first "}" behind that (as in Redis Cluster). Keys
	// with the same tag are on the same server.
	ServerOf(key string) string
}

// Arranged is a driver that is told over which servers keys are spread, so that another process, or the same program a day
// ago, may have been told otherwise: then each has put keys, and removed them, where the other does not look. Without it cachette takes
// it that the servers see to that themselves.
type Arranged interface {
	// Arrangement returns a word for how keys are spread. Processes have the same word if they spread keys over the same servers in
	// the same way, and none has spread them otherwise since the word was first returned, as far as the servers that answer know.
	// It asks the servers at most once a second, and so returns the new word a second after the arrangement has changed at the
	// latest; the process that changes it waits for that second to be over, and so does each that finds the new word before.
	//
	// It is an error if a server does not answer that must, because this process has not seen the word of it yet.
	Arrangement(ctx context.Context) (string, error)
}
