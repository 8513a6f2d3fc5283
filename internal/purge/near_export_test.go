package purge

import "context"

// What the simulator needs for the mistakes of near tiers.

// Left tells what is left of a near entry.
func (t *Tier) Left(near *Basis) State {
	state, _ := t.Purges().Judge(nil, near)
	return state
}

// NearRecords are those that near tiers are told of a purge.
func (s *Shared) NearRecords(scopes ...Scope) []string {
	b := s.bill(scopes...)
	return recordsOf(news(s.units(&b)))
}

// Everything is what they are told of a purge of a prefix or of everything.
var Everything = everything

// KeepNears has a process go on with what it has once found of near tiers.
func (s *Shared) KeepNears() {
	if last := s.near.Load(); last != nil {
		s.near.Store(&knows{s.Now(), last.there})
	}
}

// Untiered does something as if the process had no near tier.
func (s *Shared) Untiered(do func() error) error {
	t := s.tier
	s.tier = nil
	defer func() { s.tier = t }()
	return do()
}

// LookDeaf has a near tier look, and hear nothing.
func (t *Tier) LookDeaf(ctx context.Context) error {
	began := t.shared.Now()
	if err := t.announce(ctx); err != nil {
		return err
	}
	end, err := t.shared.Log.End(ctx, t.shared.nearLog, LogLife)
	if err == nil && !began.Before(t.known) {
		t.at = end
		t.last.Store(&looked{began, began.UnixNano()})
	}
	return err
}

// LookAtOnce has it take it that all processes know of it.
func (t *Tier) LookAtOnce(ctx context.Context) error {
	err := t.Look(ctx)
	if now := t.shared.Now(); err == nil && t.last.Load() == nil {
		t.last.Store(&looked{now, now.UnixNano()})
	}
	return err
}

// LookUnannounced has it take any mark for its own.
func (t *Tier) LookUnannounced(ctx context.Context) error {
	if t.word != "" {
		if words, err := t.shared.Marks.Words(ctx, t.shared.nearMark); err == nil && words[0] != "" {
			t.word = words[0]
		} else if err == nil {
			words, err = t.shared.Marks.Add(ctx, nearLife, t.shared.maker(t.shared.Now().Add(nearLife)), t.shared.nearMark)
			if err == nil {
				t.word = words[0]
			}
		}
	}
	return t.Look(ctx)
}

// LookWithViews has the views of prefixes be as good behind it as before.
func (t *Tier) LookWithViews(ctx context.Context) error {
	views := make([]*view, len(t.shared.parts))
	for i := range views {
		views[i] = t.shared.parts[i].view.Load()
	}
	err := t.Look(ctx)
	for i := range views {
		t.shared.parts[i].view.Store(views[i])
	}
	return err
}

// PurgeOwingUnheard does not have the near tier know of what is owed.
func (s *Shared) PurgeOwingUnheard(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	failed, err := s.carry(ctx, &b)
	if err != nil {
		owed := b.within(failed)
		s.debts.owe(&owed)
		return err
	}
	if len(b.records) == 0 {
		return nil
	}
	return s.Wait(ctx, s.Every+s.Every/16)
}
