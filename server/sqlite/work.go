package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"skep/server/account"
)

// Sync merges what a device did into an account's work, in one transaction,
// and gives what changed since the device last asked: at is what it says next
// time as since. Sent twice is sent once. Of very much only a part is given;
// more says that it asks again at once.
func (s *DB) Sync(ctx context.Context, id string, since int64, in *account.Work) (out *account.Work, at int64, more bool, err error) {
	err = s.update(ctx, func(tx *sql.Tx) error {
		m := &merger{tx: tx, account: id}
		if err := m.merge(in); err != nil {
			return err
		}
		var last int64
		if err := tx.QueryRow("SELECT seq FROM account WHERE id = ?", id).Scan(&last); err != nil {
			return err
		}
		out, at, err = changed(tx, id, since)
		if more = at != 0; !more {
			at = last
		}
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, 0, false, account.ErrUnknown
	case errors.Is(err, account.ErrFull):
		return nil, 0, false, err
	case err != nil:
		return nil, 0, false, fmt.Errorf("work: %w", err)
	}
	return out, at, more, nil
}

// merger adds to an account's work; seq is of this change, 0 before there is one.
type merger struct {
	tx      *sql.Tx
	account string
	seq     int64

	counted            bool
	attempts, textSize int
}

func (m *merger) next() (int64, error) {
	if m.seq != 0 {
		return m.seq, nil
	}
	err := m.tx.QueryRow("UPDATE account SET seq = seq + 1 WHERE id = ? RETURNING seq", m.account).Scan(&m.seq)
	return m.seq, err
}

func (m *merger) merge(in *account.Work) error {
	for i := range in.Attempts {
		if err := m.attempt(&in.Attempts[i]); err != nil {
			return err
		}
	}
	for i := range in.Drafts {
		if err := m.draft(&in.Drafts[i]); err != nil {
			return err
		}
	}
	for i := range in.Done {
		if err := m.done(in.Done[i]); err != nil {
			return err
		}
	}
	return nil
}

// attempt adds an attempt. One that is there stays as it is, but the server's
// grade replaces what the device thought.
func (m *merger) attempt(a *account.Attempt) error {
	var counts bool
	err := m.tx.QueryRow("SELECT counts FROM attempt WHERE account = ? AND id = ?", m.account, a.ID).Scan(&counts)
	if err == nil && (counts || !a.Counts) {
		return nil
	}
	if err != nil {
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := m.room(len(a.Text)); err != nil {
			return err
		}
	}
	seq, err := m.next()
	if err != nil {
		return err
	}
	_, err = m.tx.Exec(`INSERT INTO attempt (account, id, seq, lab, exercise, lang, text, came, at, device, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET seq = excluded.seq, came = excluded.came, counts = excluded.counts`,
		m.account, a.ID, seq, a.Lab, a.Exercise, a.Lang, a.Text, a.Came, a.At, a.Device, a.Counts)
	return err
}

// room takes the place of one more attempt, or says that there is none.
func (m *merger) room(size int) error {
	if !m.counted {
		err := m.tx.QueryRow("SELECT count(*), coalesce(sum(length(text)), 0) FROM attempt WHERE account = ?", m.account).Scan(&m.attempts, &m.textSize)
		if err != nil {
			return err
		}
		m.counted = true
	}
	m.attempts, m.textSize = m.attempts+1, m.textSize+size
	if m.attempts > account.MaxAttempts || m.textSize > account.MaxTexts {
		return account.ErrFull
	}
	return nil
}

// draft keeps the newer of two drafts; of another device's the older one
// becomes an attempt.
func (m *merger) draft(d *account.Draft) error {
	old := account.Draft{Lab: d.Lab, Exercise: d.Exercise, Lang: d.Lang}
	err := m.tx.QueryRow("SELECT text, at, device FROM draft WHERE account = ? AND lab = ? AND exercise = ? AND lang = ?", m.account, d.Lab, d.Exercise, d.Lang).
		Scan(&old.Text, &old.At, &old.Device)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		if old.Text == d.Text && old.At >= d.At {
			return nil
		}
		lost := &old
		if old.At >= d.At {
			lost = d
		}
		if old.Device != d.Device && old.Text != d.Text {
			if err := m.lost(lost); err != nil {
				return err
			}
		}
		if lost == d {
			return nil
		}
	}
	seq, err := m.next()
	if err != nil {
		return err
	}
	_, err = m.tx.Exec("INSERT OR REPLACE INTO draft (account, lab, exercise, lang, seq, text, at, device) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		m.account, d.Lab, d.Exercise, d.Lang, seq, d.Text, d.At, d.Device)
	return err
}

// lost keeps a draft as an attempt, unless its text is one already.
func (m *merger) lost(d *account.Draft) error {
	var n int
	err := m.tx.QueryRow("SELECT count(*) FROM attempt WHERE account = ? AND lab = ? AND exercise = ? AND lang = ? AND text = ?",
		m.account, d.Lab, d.Exercise, d.Lang, d.Text).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	a := d.Lost()
	return m.attempt(&a)
}

func (m *merger) done(d account.Done) error {
	var old account.Done
	err := m.tx.QueryRow("SELECT points, total, passed, counts FROM done WHERE account = ? AND lab = ? AND item = ?", m.account, d.Lab, d.Item).
		Scan(&old.Points, &old.Total, &old.Passed, &old.Counts)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		old.Lab, old.Item = d.Lab, d.Item
		if d = old.Merge(d); d == old {
			return nil
		}
	}
	seq, err := m.next()
	if err != nil {
		return err
	}
	_, err = m.tx.Exec("INSERT OR REPLACE INTO done (account, lab, item, seq, points, total, passed, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		m.account, d.Lab, d.Item, seq, d.Points, d.Total, d.Passed, d.Counts)
	return err
}

// maxReply is about how much text one reply holds.
const maxReply = 1 << 20

// changed is what has a number above since; when that is very much, all with a
// number up to at, else at is 0.
func changed(tx *sql.Tx, id string, since int64) (out *account.Work, at int64, err error) {
	out = &account.Work{}
	size, last := 0, int64(0)
	err = each(tx, "SELECT seq, id, lab, exercise, lang, text, came, at, device, counts FROM attempt WHERE account = ? AND seq > ? ORDER BY seq", id, since, func(rows *sql.Rows) error {
		var a account.Attempt
		var seq int64
		if err := rows.Scan(&seq, &a.ID, &a.Lab, &a.Exercise, &a.Lang, &a.Text, &a.Came, &a.At, &a.Device, &a.Counts); err != nil {
			return err
		}
		if size > maxReply && seq != last {
			at = last
			return errEnough
		}
		size, last = size+len(a.Text), seq
		out.Attempts = append(out.Attempts, a)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	out.Drafts, err = collect(tx, "SELECT lab, exercise, lang, text, at, device FROM draft WHERE account = ? AND seq > ?", id, since, func(d *account.Draft) []any {
		return []any{&d.Lab, &d.Exercise, &d.Lang, &d.Text, &d.At, &d.Device}
	})
	if err != nil {
		return nil, 0, err
	}
	out.Done, err = collect(tx, "SELECT lab, item, points, total, passed, counts FROM done WHERE account = ? AND seq > ?", id, since, func(d *account.Done) []any {
		return []any{&d.Lab, &d.Item, &d.Points, &d.Total, &d.Passed, &d.Counts}
	})
	return out, at, err
}

// collect is all rows of a query.
func collect[T any](tx *sql.Tx, query, id string, since int64, fields func(*T) []any) (all []T, err error) {
	err = each(tx, query, id, since, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(fields(&v)...)
		all = append(all, v)
		return err
	})
	return all, err
}

// errEnough ends each without an error.
var errEnough = errors.New("enough")

func each(tx *sql.Tx, query, id string, since int64, f func(*sql.Rows) error) error {
	rows, err := tx.Query(query, id, since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		switch err := f(rows); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return rows.Err()
}
