package real

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
)

// visitorCookie names a browser, so that one visitor has one machine. It says nothing of the person, ends with the
// browser, and who drops it is bounded by his address.
const visitorCookie = "skep-visitor"

// nameVisitor sets the cookie when there is none.
func nameVisitor(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(visitorCookie); err == nil && len(c.Value) == 32 {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: visitorCookie, Value: randomName(), Path: "/", HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteStrictMode})
}

// visitorOf names who asks, and from where.
func visitorOf(r *http.Request) (visitor, address string) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	if c, err := r.Cookie(visitorCookie); err == nil && len(c.Value) == 32 {
		return c.Value, address
	}
	return address, address
}

// randomName is 128 random bits.
func randomName() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
