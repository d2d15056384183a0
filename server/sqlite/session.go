package sqlite

import (
	"context"
	"fmt"
	"time"

	"skep/server/account"
)

// AddSession keeps a session. Those that were not used since before go.
func (s *DB) AddSession(ctx context.Context, id string, t account.Token, now, before time.Time) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM session WHERE seen < ?", before.UnixMilli()); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	_, err := s.db.ExecContext(ctx, "INSERT INTO session (hash, account, seen) VALUES (?, ?, ?)", t.Hash(), id, now.UnixMilli())
	return err
}

// Session is whose session it is, when it was used since before; else
// account.ErrUnknown. That it was used is noted once a day.
func (s *DB) Session(ctx context.Context, t account.Token, now, before time.Time) (*account.Account, error) {
	a, err := scanAccount(s.db.QueryRowContext(ctx,
		"SELECT "+accountColumns+" FROM session JOIN account ON account.id = session.account WHERE hash = ? AND seen >= ?", t.Hash(), before.UnixMilli()))
	if err != nil {
		return nil, err
	}
	_, err = s.db.ExecContext(ctx, "UPDATE session SET seen = ? WHERE hash = ? AND seen < ?", now.UnixMilli(), t.Hash(), now.Add(-24*time.Hour).UnixMilli())
	return a, err
}

// EndSession forgets a session.
func (s *DB) EndSession(ctx context.Context, t account.Token) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM session WHERE hash = ?", t.Hash())
	return err
}
