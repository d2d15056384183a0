// Package account is who a student is to the server, and what it keeps of
// their work: attempts, drafts, and how far they are. It holds nouns and their rules;
// package sqlite stores them, package auth is their HTTP side.
//
// Read next: work.go.
package account

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Errors that callers tell apart.
var (
	ErrUnknown = errors.New("there is no such account")
	ErrTaken   = errors.New("the name is taken")
	ErrLink    = errors.New("the link was used already, or is too old: ask for another")
	ErrFull    = errors.New("the account is full: no more attempts are kept on the server")
)

// Account is a student's.
type Account struct {
	ID      string // 32 hexadecimal digits; never changes, says nothing
	Name    string // as they sign in; unique without regard to case
	Created time.Time
	// Secret is the hash of the password (HashPassword), "" when only links
	// let them in.
	Secret string
}

// New makes an account with a fresh identifier.
func New(name string) (*Account, error) {
	name = strings.TrimSpace(name)
	if err := CheckName(name); err != nil {
		return nil, err
	}
	return &Account{ID: newID(), Name: name, Created: time.Now()}, nil
}

// CheckName says what is wrong with a name.
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return errors.New("a name is missing")
	case n > maxName || !utf8.ValidString(name):
		return fmt.Errorf("a name has at most %d characters", maxName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return errors.New("a name is made of letters, digits, spaces and signs that can be seen")
		}
	}
	return nil
}

const maxName = 64

// Seed draws what is drawn for each student: the same account, the same values.
func (a *Account) Seed() uint64 {
	sum := sha256.Sum256([]byte("seed " + a.ID))
	return binary.LittleEndian.Uint64(sum[:])
}
