package drivers

import "context"

// Lister is a driver that can list what is in its store, for a person who wants to know how much that is. Without it, and without
// [Counted], cachette does not tell.
type Lister interface {
	// Keys returns the keys that begin with prefix, in no order, and whether these are all of them. Most bounds what it costs: it looks at so many keys
	// of a server at most, whoever they belong to, or at a few more where the store gives them out in steps. One that comes, goes or has
	// expired meanwhile may be there or not, and one may be there twice. Of a key that the store keeps as a digest it is the beginning, no
	// shorter than prefix. An error that matches [errors.ErrUnsupported] says that the store can never do it.
	Keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error)
}

// Counted is a driver whose store knows how many entries it has, without that they are looked at.
type Counted interface {
	// Entries returns how many entries there are, whoever they belong to, those included that have expired and are not removed yet. The number may be
	// hours old.
	Entries(ctx context.Context) (int64, error)
}
