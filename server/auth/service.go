// Package auth lets students sign in, and keeps their work on the server while
// they are.
//
//	s := auth.New(auth.Config{DB: db, Log: log})
//	s.Register(mux)
//	a := s.Student(r) // nil: not signed in
//
// An account is made by `skep user add`, which prints a link that lets its
// student in once; behind it they may choose a password. A session is a random
// number in a cookie; the store has its hash.
//
// Read next: work.go.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"skep/server/account"
	"skep/server/sqlite"
)

// Config is what a Service is made of.
type Config struct {
	DB *sqlite.DB
	// Secure: people reach this server by https, even when a proxy in front
	// speaks http to it.
	Secure bool
	Log    *slog.Logger
	// Now and Rounds are for tests; nil and 0 are the clock and account.Rounds.
	Now    func() time.Time
	Rounds int
}

// Service is safe for concurrent use.
type Service struct {
	cfg   Config
	tries *tries
	// hashing lets one password be hashed at a time: that is meant to be slow.
	hashing sync.Mutex
	nobody  func() string // the hash that a name without account is held against
}

// Times of sessions and links.
const (
	sessionAge = 90 * 24 * time.Hour // without being used
	LinkAge    = 7 * 24 * time.Hour
)

// New makes a Service.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rounds == 0 {
		cfg.Rounds = account.Rounds
	}
	return &Service{cfg: cfg, tries: newTries(cfg.Now), nobody: sync.OnceValue(func() string {
		h, _ := account.HashPassword(string(account.NewToken()), cfg.Rounds)
		return h
	})}
}

// Register adds the routes. Requests of other sites are refused by the server
// for all routes (http.CrossOriginProtection).
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/account", s.who)
	mux.HandleFunc("DELETE /api/account", s.known(s.delete))
	mux.HandleFunc("GET /api/account/data", s.known(s.export))
	mux.HandleFunc("POST /api/account/enter", s.enter)
	mux.HandleFunc("POST /api/account/leave", s.leave)
	mux.HandleFunc("POST /api/account/password", s.known(s.password))
	mux.HandleFunc("POST /api/work", s.known(s.work))
}

// seen is an account as its student's page sees it.
type seen struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Seed     string `json:"seed"`     // decimal: it may not fit into a JavaScript number
	Password bool   `json:"password"` // there is one
}

func tell(w http.ResponseWriter, a *account.Account) {
	var v struct {
		Account *seen `json:"account"`
	}
	if a != nil {
		v.Account = &seen{a.ID, a.Name, strconv.FormatUint(a.Seed(), 10), a.Secret != ""}
	}
	answer(w, http.StatusOK, v)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func (s *Service) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.cfg.Log.Error("account", "path", r.URL.Path, "error", err)
	}
	refuse(w, http.StatusInternalServerError, "internal", "the account could not be read or written; the server's log says why")
}

// body reads a JSON request; what is wrong is answered.
func body(w http.ResponseWriter, r *http.Request, most int64, v any) bool {
	var large *http.MaxBytesError
	switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(v); {
	case err == nil:
		return true
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "too-large", "the request is too large")
	default:
		refuse(w, http.StatusBadRequest, "bad-json", "the request is not the JSON that is expected: "+err.Error())
	}
	return false
}

// cookieName has the prefix with which a browser takes the cookie from https
// only, and from no other host of the domain.
func (s *Service) cookieName(r *http.Request) string {
	if s.secure(r) {
		return "__Host-skep"
	}
	return "skep-session"
}

func (s *Service) secure(r *http.Request) bool { return s.cfg.Secure || r.TLS != nil }

func (s *Service) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteStrictMode}
}

func (s *Service) token(r *http.Request) (account.Token, bool) {
	c, err := r.Cookie(s.cookieName(r))
	if err != nil || c.Value == "" {
		return "", false
	}
	return account.Token(c.Value), true
}

// find is who sends a request; nil, nil when nobody is signed in.
func (s *Service) find(r *http.Request) (*account.Account, error) {
	t, ok := s.token(r)
	if !ok {
		return nil, nil
	}
	now := s.cfg.Now()
	a, err := s.cfg.DB.Session(r.Context(), t, now, now.Add(-sessionAge))
	if errors.Is(err, account.ErrUnknown) {
		return nil, nil
	}
	return a, err
}

// Student is who sends a request, nil when nobody is signed in. A nil Service
// knows nobody.
func (s *Service) Student(r *http.Request) *account.Account {
	if s == nil {
		return nil
	}
	a, err := s.find(r)
	if err != nil && r.Context().Err() == nil {
		s.cfg.Log.Error("session", "error", err)
	}
	return a
}

// known answers for who is signed in.
func (s *Service) known(f func(http.ResponseWriter, *http.Request, *account.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch a, err := s.find(r); {
		case err != nil:
			s.broken(w, r, err)
		case a == nil:
			refuse(w, http.StatusUnauthorized, "not-signed-in", "you are not signed in, or no longer: sign in again")
		default:
			f(w, r, a)
		}
	}
}

func (s *Service) who(w http.ResponseWriter, r *http.Request) {
	a, err := s.find(r)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	tell(w, a)
}

// enter signs in, by a link or by name and password.
func (s *Service) enter(w http.ResponseWriter, r *http.Request) {
	var q struct{ Name, Password, Link string }
	if !body(w, r, 16<<10, &q) {
		return
	}
	name := strings.TrimSpace(q.Name)
	if s.tooOften(w, r, strings.ToLower(name)) {
		return
	}
	var a *account.Account
	var err error
	if q.Link != "" {
		a, err = s.cfg.DB.UseLink(r.Context(), account.Token(q.Link), s.cfg.Now())
	} else {
		a, err = s.byPassword(r.Context(), name, q.Password)
	}
	switch {
	case errors.Is(err, account.ErrLink):
		refuse(w, http.StatusForbidden, "link", err.Error())
		return
	case errors.Is(err, account.ErrUnknown):
		refuse(w, http.StatusForbidden, "wrong", "name and password do not fit together")
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	now, t := s.cfg.Now(), account.NewToken()
	if err := s.cfg.DB.AddSession(r.Context(), a.ID, t, now, now.Add(-sessionAge)); err != nil {
		s.broken(w, r, err)
		return
	}
	s.tries.forget(strings.ToLower(name))
	http.SetCookie(w, s.cookie(r, string(t), int(sessionAge.Seconds())))
	tell(w, a)
}

// tooOften counts a try, and answers when there were too many.
func (s *Service) tooOften(w http.ResponseWriter, r *http.Request, name string) bool {
	wait := s.tries.wait(addressOf(r), name)
	if wait > 0 {
		seconds := int(wait.Seconds()) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refuse(w, http.StatusTooManyRequests, "slow-down", fmt.Sprintf("too many tries: the next is let in after %d seconds", seconds))
	}
	return wait > 0
}

// byPassword takes as long for a name that nobody has.
func (s *Service) byPassword(ctx context.Context, name, password string) (*account.Account, error) {
	a, err := s.cfg.DB.Named(ctx, name)
	if err != nil && !errors.Is(err, account.ErrUnknown) {
		return nil, err
	}
	hash := s.nobody()
	if a != nil && a.Secret != "" {
		hash = a.Secret
	}
	s.hashing.Lock()
	defer s.hashing.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if !account.SamePassword(hash, password) || a == nil {
		return nil, account.ErrUnknown
	}
	return a, nil
}

func (s *Service) leave(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.token(r); ok {
		if err := s.cfg.DB.EndSession(r.Context(), t); err != nil {
			s.broken(w, r, err)
			return
		}
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	tell(w, nil)
}

// password sets one; other devices have to sign in again.
func (s *Service) password(w http.ResponseWriter, r *http.Request, a *account.Account) {
	var q struct{ Old, Password string }
	if !body(w, r, 16<<10, &q) {
		return
	}
	if err := account.CheckPassword(q.Password); err != nil {
		refuse(w, http.StatusBadRequest, "password", err.Error())
		return
	}
	if s.tooOften(w, r, "password "+a.ID) {
		return
	}
	s.hashing.Lock()
	same := a.Secret == "" || account.SamePassword(a.Secret, q.Old)
	hash, err := "", error(nil)
	if same {
		hash, err = account.HashPassword(q.Password, s.cfg.Rounds)
	}
	s.hashing.Unlock()
	switch {
	case !same:
		refuse(w, http.StatusForbidden, "wrong", "the present password is another one")
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	t, _ := s.token(r)
	if err := s.cfg.DB.SetSecret(r.Context(), a.ID, hash, t); err != nil {
		s.broken(w, r, err)
		return
	}
	a.Secret = hash
	tell(w, a)
}

// delete forgets a student: account, sessions, work.
func (s *Service) delete(w http.ResponseWriter, r *http.Request, a *account.Account) {
	if err := s.cfg.DB.Delete(r.Context(), a.ID); err != nil && !errors.Is(err, account.ErrUnknown) {
		s.broken(w, r, err)
		return
	}
	s.cfg.Log.Info("account deleted by its student", "account", a.ID)
	http.SetCookie(w, s.cookie(r, "", -1))
	tell(w, nil)
}

// addressOf is where a request comes from, as far as tries are counted.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
