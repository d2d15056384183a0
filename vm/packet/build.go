package packet

// build turns layers into bytes: it puts the layers below the first in front,
// then fills in what follows what, lengths and checksums, unless given.
func (p *parser) build(layers []layer) ([]byte, bool) {
	layers = below(layers)
	if !p.follow(layers) {
		return nil, false
	}
	if !p.lengths(layers) {
		return nil, false
	}
	var out []byte
	starts := make([]int, len(layers))
	for i := range layers {
		starts[i] = len(out)
		out = append(append(out, layers[i].data...), layers[i].tail...)
	}
	checksums(layers, starts, out)
	return out, true
}

// below puts Ethernet, and IP when a transport comes first, in front.
func below(layers []layer) []layer {
	first := layers[0].spec
	if first == nil || first.name == "eth" {
		return layers
	}
	var under []layer
	add := func(name string) {
		s := specByName(name)
		under = append(under, layer{spec: s, data: []byte(s.init), col: layers[0].col, len: layers[0].len})
	}
	add("eth")
	switch first.name {
	case "tcp", "udp", "icmp", "gre":
		add("ipv4")
	case "icmpv6", "hopopts", "dstopts", "routing", "frag":
		add("ipv6")
	case "dns":
		add("ipv4")
		add("udp")
	}
	return append(under, layers...)
}

// follow says in each header what comes after it.
func (p *parser) follow(layers []layer) bool {
	for i := range layers[:len(layers)-1] {
		l, next := &layers[i], layers[i+1].spec
		if l.spec == nil || next == nil {
			continue
		}
		if l.spec.link == "" {
			if next.name == "dns" && (l.spec.name == "udp" || l.spec.name == "tcp") {
				continue
			}
			return p.fail(layers[i+1].col, layers[i+1].col+layers[i+1].len, next.name+" does not follow "+l.spec.name, "put other bytes in raw(...)")
		}
		value, ok := uint64(0), false
		for _, t := range *l.spec.types {
			if t.name == next.name && !ok {
				value, ok = t.value, true
			}
		}
		if l.spec.name == "eth" && next.name == "vlan" && i+2 < len(layers) && layers[i+2].spec != nil && layers[i+2].spec.name == "vlan" {
			value = 0x88a8 // two tags: the outer one is a service tag (802.1ad)
		}
		given := l.has(l.spec.link) || l.spec.name == "ipv6" && l.has("proto")
		if !ok && !given {
			return p.fail(layers[i+1].col, layers[i+1].col+layers[i+1].len, next.name+" does not follow "+l.spec.name,
				"there is a layer between, or say "+l.spec.name+"("+l.spec.link+"=...)")
		}
		if !given {
			l.spec.fields[l.spec.field(l.spec.link)].set(l.data, value)
		}
	}
	return true
}

// lengths fills in the lengths, from the payload down.
func (p *parser) lengths(layers []layer) bool {
	total, longest := 0, 0
	for i := range layers {
		total += len(layers[i].data) + len(layers[i].tail)
		if len(layers[i].data) > len(layers[longest].data) {
			longest = i
		}
	}
	if total > MaxData {
		l := &layers[longest]
		return p.fail(l.col, l.col+l.len, "a packet has at most "+itoa(MaxData)+" bytes", "this one has "+itoa(total))
	}
	total = 0
	for i := len(layers) - 1; i >= 0; i-- {
		l := &layers[i]
		header := len(l.data) + len(l.tail)
		total += header
		if l.spec == nil {
			continue
		}
		put := func(name string, v int) {
			if !l.has(name) {
				l.spec.fields[l.spec.field(name)].set(l.data, uint64(v))
			}
		}
		switch l.spec.name {
		case "ipv4":
			put("ihl", header/4)
			put("len", total)
		case "ipv6":
			put("len", total-header)
		case "udp":
			put("len", total)
		case "tcp":
			put("off", header/4)
		}
	}
	return true
}

// checksums fills in the checksums, from the payload down: an outer one is over
// the inner ones.
func checksums(layers []layer, starts []int, out []byte) {
	for i := len(layers) - 1; i >= 0; i-- {
		l := &layers[i]
		if l.spec == nil || l.spec.field("csum") < 0 || l.has("csum") {
			continue
		}
		f := &l.spec.fields[l.spec.field("csum")]
		b := out[starts[i]:]
		sum, proto := uint32(0), uint8(0)
		switch l.spec.name {
		case "ipv4":
			b = b[:len(l.data)+len(l.tail)]
		case "tcp":
			proto = 6
		case "udp":
			proto = 17
		case "icmpv6":
			proto = 58
		}
		f.set(b, 0)
		if proto != 0 {
			ip := i - 1
			for ip >= 0 && (layers[ip].spec == nil || layers[ip].spec.name != "ipv4" && layers[ip].spec.name != "ipv6") {
				ip--
			}
			if ip < 0 {
				continue // no addresses to sum over
			}
			src, dst := addresses(layers[ip].spec.name, out[starts[ip]:])
			sum = PseudoSum(src, dst, proto, len(b))
		}
		v := Fold(Sum(sum, b))
		if l.spec.name == "udp" && v == 0 {
			v = 0xffff // zero says that there is none (RFC 768)
		}
		f.set(b, uint64(v))
	}
}

// addresses are the source and destination of an IP header.
func addresses(name string, b []byte) (src, dst []byte) {
	if name == "ipv4" {
		return b[12:16], b[16:20]
	}
	return b[8:24], b[24:40]
}
