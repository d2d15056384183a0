package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A trusted proxy is believed, nobody else, and never more than it can know.
func TestProxies(t *testing.T) {
	const (
		x, f    = "X-Forwarded-For", "Forwarded"
		trusted = "10.0.0.0/8, 127.0.0.1, fd00::/8"
	)
	type headers [][2]string
	for _, c := range []struct {
		name, peer, want string
		headers          headers
	}{
		{"no proxy", "192.0.2.1:5", "192.0.2.1:5", nil},
		{"nobody to believe", "192.0.2.1:5", "192.0.2.1:5", headers{{x, "198.51.100.7"}}},
		{"one proxy", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "198.51.100.7"}}},
		{"a chain of two", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "198.51.100.7, 10.2.2.2"}}},
		{"what the visitor forged stands at the left", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "203.0.113.9, 198.51.100.7"}}},
		{"two lines are one list", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "203.0.113.9"}, {x, "198.51.100.7, 127.0.0.1"}}},
		{"all of them are proxies", "10.1.1.1:5", "10.3.3.3:0", headers{{x, "10.3.3.3, 10.2.2.2"}}},
		{"garbage behind the nearest", "10.1.1.1:5", "10.2.2.2:0", headers{{x, "198.51.100.7, nonsense, 10.2.2.2"}}},
		{"with a port", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "198.51.100.7:4711"}}},
		{"IPv6", "[fd00::1]:5", "[2001:db8::7]:0", headers{{x, "2001:db8::7"}}},
		{"IPv4 in IPv6", "[::ffff:10.1.1.1]:5", "198.51.100.7:0", headers{{x, "::ffff:198.51.100.7"}}},
		{"Forwarded", "10.1.1.1:5", "198.51.100.7:0", headers{{f, "for=203.0.113.9, For=198.51.100.7;proto=https;by=10.1.1.1"}}},
		{"Forwarded IPv6", "10.1.1.1:5", "[2001:db8::7]:0", headers{{f, `for="[2001:db8::7]:4711"`}}},
		{"Forwarded, hidden", "10.1.1.1:5", "10.1.1.1:5", headers{{f, "for=203.0.113.9, for=_secret"}}},
		{"both, of one mind", "10.1.1.1:5", "198.51.100.7:0", headers{{x, "198.51.100.7"}, {f, "for=198.51.100.7"}}},
		{"both, one forged", "10.1.1.1:5", "10.1.1.1:5", headers{{x, "198.51.100.7"}, {f, "for=203.0.113.9"}}},
		{"both, one forged the other way", "10.1.1.1:5", "10.1.1.1:5", headers{{x, "203.0.113.9"}, {f, "for=198.51.100.7"}}},
		{"empty", "10.1.1.1:5", "10.1.1.1:5", headers{{x, ""}}},
	} {
		p, err := ParseProxies(trusted)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, h := range c.headers {
			r.Header.Add(h[0], h[1])
		}
		got := ""
		p.seen(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, bad := range []string{"10.0.0.0/33", "proxy.example.org", "10.0.0.1-10.0.0.9", "fe80::1%eth0"} {
		if p, err := ParseProxies(bad); err == nil {
			t.Errorf("%s is taken for %v", bad, p)
		}
	}
	if p, err := ParseProxies(" "); err != nil || len(p) != 0 {
		t.Errorf("nothing is %v, %v", p, err)
	}
}

// What counts by address behind the server's routes sees the visitor's.
func TestBehindProxy(t *testing.T) {
	p, err := ParseProxies("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	srv := New(Config{Proxies: p, Pages: map[string]http.Handler{"/": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got[r.RemoteAddr] = true })}})
	for _, visitor := range []string{"198.51.100.7", "198.51.100.8"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.1.1.1:5"
		r.Header.Set("X-Forwarded-For", visitor)
		srv.ServeHTTP(httptest.NewRecorder(), r)
	}
	if !got["198.51.100.7:0"] || !got["198.51.100.8:0"] || len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func FuzzProxies(f *testing.F) {
	f.Add("198.51.100.7, 10.2.2.2", `for="[2001:db8::7]:4711";by=x, for=_`)
	p, err := ParseProxies("10.0.0.0/8,::/0")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, x, fwd string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.1.1.1:5"
		r.Header["X-Forwarded-For"], r.Header["Forwarded"] = []string{x}, []string{fwd}
		p.seen(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), r)
	})
}
