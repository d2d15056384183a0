// Package sqlite stores accounts and their work in one file.
//
//	db, err := sqlite.Open("/var/lib/skep")
//	defer db.Close()
//
// What a method has returned without an error survives the end of the process
// and of the machine: the log is synced at each commit.
//
// Why modernc.org/sqlite? It is SQLite in Go: no C compiler, one binary for all
// systems. Why one connection? Writers would wait for each other anyway, and a
// row is read in microseconds.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// DB is safe for concurrent use.
type DB struct{ db *sql.DB }

// fileName is the store below the folder that Open gets.
const fileName = "skep.db"

// Open opens or makes the store in a folder, which only this user can read.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	name, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	} else {
		f.Close()
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(name), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(1)
	s := &DB{db}
	if err := s.migrate(context.Background()); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	return s, nil
}

// Close writes the log into the file.
func (s *DB) Close() error { return s.db.Close() }

// migrations are the steps to the present tables, in order; a step that was
// released never changes.
var migrations = []string{`
CREATE TABLE account (
	id      TEXT PRIMARY KEY,
	name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
	secret  TEXT NOT NULL,
	created INTEGER NOT NULL, -- ms
	seq     INTEGER NOT NULL DEFAULT 0 -- grows with each change of the account's work
) STRICT;
CREATE TABLE session (
	hash    BLOB PRIMARY KEY,
	account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	seen    INTEGER NOT NULL -- ms
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session(account);
CREATE TABLE link (
	hash    BLOB PRIMARY KEY,
	account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	expires INTEGER NOT NULL -- ms
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
	account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	id TEXT NOT NULL, seq INTEGER NOT NULL,
	lab TEXT NOT NULL, exercise TEXT NOT NULL, lang TEXT NOT NULL, text TEXT NOT NULL, came TEXT NOT NULL,
	at INTEGER NOT NULL, device TEXT NOT NULL, counts INTEGER NOT NULL,
	PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_seq ON attempt(account, seq);
CREATE TABLE draft (
	account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	lab TEXT NOT NULL, exercise TEXT NOT NULL, lang TEXT NOT NULL, seq INTEGER NOT NULL,
	text TEXT NOT NULL, at INTEGER NOT NULL, device TEXT NOT NULL,
	PRIMARY KEY (account, lab, exercise, lang)
) STRICT, WITHOUT ROWID;
CREATE TABLE done (
	account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	lab TEXT NOT NULL, item TEXT NOT NULL, seq INTEGER NOT NULL,
	points REAL NOT NULL, total REAL NOT NULL, passed INTEGER NOT NULL, counts INTEGER NOT NULL,
	PRIMARY KEY (account, lab, item)
) STRICT, WITHOUT ROWID;
`}

func (s *DB) migrate(ctx context.Context) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		var have int
		if err := tx.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
			return err
		}
		if have > len(migrations) {
			return fmt.Errorf("it was written by a newer skep (version %d, this one knows %d)", have, len(migrations))
		}
		for _, m := range migrations[have:] {
			if _, err := tx.Exec(m); err != nil {
				return err
			}
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
		return err
	})
}

// update runs f in a transaction.
func (s *DB) update(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
