package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"skep/server/account"
)

// Create adds an account; account.ErrTaken when there is one of that name.
func (s *DB) Create(ctx context.Context, a *account.Account) error {
	res, err := s.db.ExecContext(ctx, "INSERT INTO account (id, name, secret, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		a.ID, a.Name, a.Secret, a.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, account.ErrTaken)
	}
	return nil
}

const accountColumns = "account.id, account.name, account.secret, account.created"

func scanAccount(row interface{ Scan(...any) error }) (*account.Account, error) {
	var a account.Account
	var created int64
	switch err := row.Scan(&a.ID, &a.Name, &a.Secret, &created); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, account.ErrUnknown
	case err != nil:
		return nil, fmt.Errorf("account: %w", err)
	}
	a.Created = time.UnixMilli(created)
	return &a, nil
}

// Named is the account of a name, without regard to case.
func (s *DB) Named(ctx context.Context, name string) (*account.Account, error) {
	return scanAccount(s.db.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM account WHERE name = ?", name))
}

// Accounts is all accounts, by name.
func (s *DB) Accounts(ctx context.Context) ([]*account.Account, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+accountColumns+" FROM account ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	defer rows.Close()
	var all []*account.Account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Delete removes an account and everything that is kept of it.
func (s *DB) Delete(ctx context.Context, id string) error {
	return s.one(ctx, account.ErrUnknown, "DELETE FROM account WHERE id = ?", id)
}

// SetSecret changes the hash of the password, and ends all sessions but one.
func (s *DB) SetSecret(ctx context.Context, id, secret string, keep account.Token) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE account SET secret = ? WHERE id = ?", secret, id); err != nil {
			return fmt.Errorf("account: %w", err)
		}
		_, err := tx.Exec("DELETE FROM session WHERE account = ? AND hash <> ?", id, keep.Hash())
		return err
	})
}

// AddLink keeps a link that lets an account in once.
func (s *DB) AddLink(ctx context.Context, id string, t account.Token, expires time.Time) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO link (hash, account, expires) VALUES (?, ?, ?)", t.Hash(), id, expires.UnixMilli())
	return err
}

// UseLink is the account of a link, which is gone then; account.ErrLink.
func (s *DB) UseLink(ctx context.Context, t account.Token, now time.Time) (a *account.Account, err error) {
	err = s.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM link WHERE expires < ?", now.UnixMilli()); err != nil {
			return fmt.Errorf("link: %w", err)
		}
		var id string
		switch err := tx.QueryRow("DELETE FROM link WHERE hash = ? RETURNING account", t.Hash()).Scan(&id); {
		case errors.Is(err, sql.ErrNoRows):
			return account.ErrLink
		case err != nil:
			return fmt.Errorf("link: %w", err)
		}
		a, err = scanAccount(tx.QueryRow("SELECT "+accountColumns+" FROM account WHERE id = ?", id))
		return err
	})
	return a, err
}

// one runs a statement that changes a row, or gives missing.
func (s *DB) one(ctx context.Context, missing error, query string, args ...any) error {
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, missing)
	}
	return nil
}
