package purge

import (
	"context"
	"fmt"
	"slices"
)

// Standing tells of each scope whether something may stand on it: whether there is a mark of it. What stood on one that was purged since
// does not count. Prefixes and everything have no mark. It is for a person, and changes nothing.
func (s *Shared) Standing(ctx context.Context, scopes ...Scope) ([]bool, error) {
	var keys []string
	of := make([]int, 0, len(scopes))
	there := make([]bool, len(scopes))
	for i := range scopes {
		scope := scopes[i]
		parts := s.parts
		if scope.onPath() {
			parts = parts[:1]
		}
		for k := range parts {
			keys = append(keys, scope.id().key(s.at(&scope, &s.parts[k]).base))
			of = append(of, i)
		}
	}
	words, err := s.Marks.Words(ctx, keys...)
	if err != nil {
		return nil, err
	}
	if len(words) != len(keys) {
		return nil, tooFew(words, keys)
	}
	for k, word := range words {
		there[of[k]] = there[of[k]] || word != ""
	}
	return there, nil
}

// ByMark tells of each mark of a basis what it alone leaves of an entry, as the store has it: for a person. What purges of prefixes and of
// everything have left, State tells.
func (s *Shared) ByMark(ctx context.Context, basis *Basis) ([]State, error) {
	part := s.partOfBasis(basis)
	var keys []string
	for i := range basis.Marks {
		scope := &basis.Marks[i].Scope
		base := s.at(scope, part).base
		keys = append(keys, scope.id().key(base), scope.id().hardKey(base))
	}
	words, err := s.Marks.Words(ctx, keys...)
	if err != nil {
		return nil, err
	}
	if len(words) != len(keys) {
		return nil, tooFew(words, keys)
	}
	states := make([]State, len(basis.Marks))
	for i, pair := range slices.Collect(slices.Chunk(words, 2)) {
		switch mark := &basis.Marks[i]; {
		case pair[0] != "" && pair[0] == mark.Word:
			states[i] = Valid
		case pair[1] != "" && pair[1] == mark.Hard:
			states[i] = Stale
		}
	}
	return states, nil
}

// ByScope tells what one scope alone has left of an entry, and whether the entry stands on it: for a person. A scope whose generation the entry has not
// is one that was purged, or one that the entry never stood on; that is not told apart where something of the entry was purged.
func (l *Local) ByScope(basis *Basis, scope Scope) (state State, stands bool) {
	part, hash := l.shard(scope)
	current := part.inForce(hash)
	gens := basis.gens[:]
	if basis.more != nil {
		gens = append(slices.Clone(gens), basis.more.gens...)
	}
	for _, g := range gens {
		switch {
		case g == nil:
		case g.era == current:
			return g.left(), true
		case g.left() == Gone:
			stands = true
		}
	}
	return Gone, stands
}

// String tells a person what a state is.
func (s State) String() string {
	switch s {
	case Valid:
		return "good"
	case Stale:
		return "purged softly"
	}
	return "purged, or lost"
}

// String tells a person what a scope is.
func (s Scope) String() string {
	switch s.Kind {
	case All:
		return "a prefix of its path, or everything"
	case Path:
		return fmt.Sprintf("path %q of every host", s.Name)
	case HostPath:
		return fmt.Sprintf("path %q of %q", s.Name, s.Host)
	case Namespace:
		return fmt.Sprintf("namespace %q", s.Name)
	case Tag:
		return fmt.Sprintf("tag %q", s.Name)
	case Group:
		return fmt.Sprintf("group %q", s.Name)
	case Identity:
		return fmt.Sprintf("whom it is for (%q, a digest)", s.Name)
	case Part:
		return fmt.Sprintf("a part of the key (%q, a digest)", s.Name)
	case Value:
		return "the value itself"
	}
	return "what others do to its path"
}
