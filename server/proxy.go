package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of the proxies before this server. What they say of
// where a request comes from is believed; without any, nobody is.
type Proxies []netip.Prefix

// ParseProxies reads networks and addresses with commas between them,
// "10.0.0.0/8,::1".
func ParseProxies(list string) (Proxies, error) {
	var p Proxies
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
			p = append(p, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		n, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("trusted proxies: %q is no network; write 10.0.0.0/8 or an address", word)
		}
		p = append(p, n.Masked())
	}
	return p, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// seen gives a request the address that its visitor has, as far as it is
// known: every limit counts by RemoteAddr.
func (p Proxies) seen(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			if a := p.visitor(peer.Addr().Unmap(), r.Header); a != peer.Addr().Unmap() {
				r.RemoteAddr = net.JoinHostPort(a.String(), "0") // which port it was nobody tells
			}
		}
		next.ServeHTTP(w, r)
	})
}

// visitor is who stands behind the proxies. Each appends whom it has spoken to,
// so the lists are read from their right, as long as it is a trusted one who
// says so. A proxy that knows only one of the two headers lets a forged other
// one through: where they contradict each other none is believed.
func (p Proxies) visitor(peer netip.Addr, h http.Header) netip.Addr {
	if !p.trust(peer) {
		return peer
	}
	byX, byF := h["X-Forwarded-For"], h["Forwarded"]
	x, f := p.behind(peer, list(byX), addrOf), p.behind(peer, list(byF), forOf)
	switch {
	case len(byF) == 0:
		return x
	case len(byX) == 0 || x == f:
		return f
	}
	return peer
}

func (p Proxies) behind(peer netip.Addr, hops []string, read func(string) (netip.Addr, bool)) netip.Addr {
	for i := len(hops) - 1; i >= 0 && p.trust(peer); i-- {
		a, ok := read(hops[i])
		if !ok {
			break // what is hidden, and what stands before it
		}
		peer = a
	}
	return peer
}

// maxHops bounds what is read of a header.
const maxHops = 32

func list(lines []string) []string {
	hops := strings.Split(strings.Join(lines, ","), ",")
	return hops[max(0, len(hops)-maxHops):]
}

// forOf reads the for= of an element of a Forwarded header (RFC 7239).
func forOf(hop string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(hop, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(pair), "="); strings.EqualFold(k, "for") {
			return addrOf(strings.Trim(v, `"`))
		}
	}
	return netip.Addr{}, false
}

// addrOf reads an address with or without port, IPv6 with or without brackets.
func addrOf(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap(), err == nil
}
