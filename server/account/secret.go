package account

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Rounds is how often a password is hashed (OWASP 2023 for PBKDF2 with
// SHA-256): some tenths of a second, which is what a guess costs.
const Rounds = 600_000

const (
	minPassword = 8
	maxPassword = 256
)

// CheckPassword says what is wrong with a new password.
func CheckPassword(p string) error {
	if n := utf8.RuneCountInString(p); n < minPassword || n > maxPassword {
		return fmt.Errorf("a password has %d to %d characters", minPassword, maxPassword)
	}
	return nil
}

// HashPassword is what is stored of a password: method, rounds, salt, hash.
func HashPassword(password string, rounds int) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return "pbkdf2-sha256$" + strconv.Itoa(rounds) + "$" + b64(salt) + "$" + b64(key), nil
}

// SamePassword says whether a password is the hashed one.
func SamePassword(hash, password string) bool {
	f := strings.Split(hash, "$")
	if len(f) != 4 || f[0] != "pbkdf2-sha256" {
		return false
	}
	rounds, err := strconv.Atoi(f[1])
	if err != nil || rounds < 1 || rounds > 10*Rounds {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(f[2])
	want, err2 := base64.RawStdEncoding.DecodeString(f[3])
	if err1 != nil || err2 != nil {
		return false
	}
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1
}

// Token is a secret that the server hands out and keeps only the hash of: a
// session, a link to sign in.
type Token string

// NewToken has 256 random bits.
func NewToken() Token {
	b := make([]byte, 32)
	rand.Read(b)
	return Token(base64.RawURLEncoding.EncodeToString(b))
}

// Hash is what is stored. A fast hash does: a token cannot be guessed.
func (t Token) Hash() []byte {
	sum := sha256.Sum256([]byte(t))
	return sum[:]
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
