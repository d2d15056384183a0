package packet

import (
	"math/rand"
	"net/netip"
	"testing"
)

// net/netip is the oracle.
func TestIP(t *testing.T) {
	for _, s := range []string{
		"10.0.0.1", "255.255.255.255", "0.0.0.0", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1..2.3", "",
		"::", "::1", "1::", "fd00::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::ffff:1.2.3.4",
		"1:2:3:4:5:6:1.2.3.4", "1.2.3.4::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "fe80::1%eth0", "::g", ":1:2", "1:", ":::", "2001:DB8::A",
	} {
		want, err := netip.ParseAddr(s)
		if want.Zone() != "" {
			want = netip.Addr{}
		}
		var b4 [4]byte
		var b16 [16]byte
		if got := parseIP(b4[:], s); got != (err == nil && want.Is4()) || got && netip.AddrFrom4(b4) != want {
			t.Errorf("IPv4 %q: %v %v", s, got, b4)
		}
		if got := parseIP(b16[:], s); got != (err == nil && want.Is6()) || got && netip.AddrFrom16(b16) != want {
			t.Errorf("IPv6 %q: %v %x", s, got, b16)
		}
	}
	rnd := rand.New(rand.NewSource(1))
	for range 20000 {
		var b [16]byte
		rnd.Read(b[:])
		for i := 0; i < 16; i += 2 {
			if rnd.Intn(2) == 0 {
				b[i], b[i+1] = 0, 0
			}
		}
		if rnd.Intn(10) == 0 {
			copy(b[:], "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff")
		}
		want := netip.AddrFrom16(b)
		var back [16]byte
		if got := formatIP(b[:]); got != want.String() || !parseIP(back[:], got) || back != b {
			t.Fatalf("%x: %q, want %q", b, got, want)
		}
		if got := formatIP(b[:4]); got != netip.AddrFrom4([4]byte(b[:4])).String() {
			t.Fatalf("%x: %q", b[:4], got)
		}
	}
}
