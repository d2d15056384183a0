package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"skep/server/account"
)

// maxWork bounds one message of work.
const maxWork = 8 << 20

// work takes what a device did, and gives what others did since it last asked:
// POST /api/work {since, attempts, drafts, done}, {at, more, attempts, drafts, done}.
// An answer is given when all of it is stored.
func (s *Service) work(w http.ResponseWriter, r *http.Request, a *account.Account) {
	var q struct {
		Since int64 `json:"since"`
		account.Work
	}
	if !body(w, r, maxWork, &q) {
		return
	}
	if err := q.Check(); err != nil {
		refuse(w, http.StatusBadRequest, "bad-work", err.Error())
		return
	}
	// What counts only the server knows.
	for i := range q.Attempts {
		q.Attempts[i].Counts = false
	}
	for i := range q.Done {
		q.Done[i].Counts = false
	}
	out, at, more, err := s.cfg.DB.Sync(r.Context(), a.ID, q.Since, &q.Work)
	switch {
	case errors.Is(err, account.ErrFull):
		refuse(w, http.StatusInsufficientStorage, "full", err.Error())
		return
	case errors.Is(err, account.ErrUnknown):
		refuse(w, http.StatusUnauthorized, "not-signed-in", "the account is gone")
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct {
		At   int64 `json:"at"`
		More bool  `json:"more,omitempty"`
		*account.Work
	}{at, more, out})
}

// Handed keeps a submission that the server has graded, and what it counts
// for. A nil Service keeps nothing.
func (s *Service) Handed(ctx context.Context, who *account.Account, a account.Attempt, d account.Done) error {
	if s == nil || who == nil {
		return nil
	}
	a.Counts, d.Counts = true, true
	_, _, _, err := s.cfg.DB.Sync(ctx, who.ID, 1<<62, &account.Work{Attempts: []account.Attempt{a}, Done: []account.Done{d}})
	return err
}

// export is all that is kept of a student.
func (s *Service) export(w http.ResponseWriter, r *http.Request, a *account.Account) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", `attachment; filename="skep-data.json"`)
	enc := json.NewEncoder(w)
	enc.Encode(map[string]any{"id": a.ID, "name": a.Name, "created": a.Created.UTC(), "seed": a.Seed()})
	for at, more := int64(0), true; more; { // a part a line: of much not all is in memory
		part, next, rest, err := s.cfg.DB.Sync(r.Context(), a.ID, at, &account.Work{})
		if err != nil {
			s.cfg.Log.Error("account", "path", r.URL.Path, "error", err)
			return
		}
		enc.Encode(part)
		at, more = next, rest
	}
}
