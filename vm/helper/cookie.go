package helper

// SYN cookies. The kernel's hash is keyed with a secret; here it is a hash of
// addresses, ports and sequence number, the same for making and checking.

const (
	tcpHeader = 20
	mssIPv4   = 536
	mssIPv6   = 1220
)

// cookieOf hashes a flow; ip is an IPv4 or IPv6 header.
func cookieOf(ip, th []byte, seq uint32) uint32 {
	addrs := ip[12:20]
	if len(ip) >= 40 {
		addrs = ip[8:40]
	}
	words := []uint64{uint64(be.Uint32(th)), uint64(seq)}
	for ; len(addrs) >= 4; addrs = addrs[4:] {
		words = append(words, uint64(be.Uint32(addrs)))
	}
	return hashWords(words)
}

// mssOf is the MSS option of a TCP header, or the default.
func mssOf(th []byte, def uint16) uint16 {
	for o := th[min(tcpHeader, len(th)):]; len(o) > 1 && o[0] != 0; {
		if o[0] == 1 {
			o = o[1:]
			continue
		}
		n := int(o[1])
		if n < 2 || n > len(o) {
			break
		}
		if o[0] == 2 && n == 4 {
			if m := be.Uint16(o[2:]); m != 0 {
				return m
			}
		}
		o = o[n:]
	}
	return def
}

func tcpRawGenSyncookieIPv4(e Env, c *Call) { rawGen(e, c, 20, mssIPv4) }

func tcpRawGenSyncookieIPv6(e Env, c *Call) { rawGen(e, c, 40, mssIPv6) }

// rawGen: (ip, th, th_len): the cookie, and the MSS above it.
func rawGen(e Env, c *Call, ipLen int, mss uint16) {
	ip := read(e, c.Args[0], ipLen)
	n := c.size(3)
	th := read(e, c.Args[1], n)
	if n < tcpHeader || n != int(th[12]>>4)*4 {
		c.set(einval)
		return
	}
	cookie := cookieOf(ip, th, be.Uint32(th[4:]))
	c.R0 = uint64(cookie) | uint64(mssOf(th, mss))<<32
}

func tcpRawCheckSyncookieIPv4(e Env, c *Call) { rawCheck(e, c, 20) }

func tcpRawCheckSyncookieIPv6(e Env, c *Call) { rawCheck(e, c, 40) }

// rawCheck: (ip, th) of an ACK.
func rawCheck(e Env, c *Call, ipLen int) {
	ip := read(e, c.Args[0], ipLen)
	th := read(e, c.Args[1], tcpHeader)
	if !cookieOK(ip, th) {
		c.set(eacces)
		return
	}
	c.set(0)
}

func cookieOK(ip, th []byte) bool {
	return be.Uint32(th[8:])-1 == cookieOf(ip, th, be.Uint32(th[4:])-1)
}

// cookieArgs reads (sk, ip, ip_len, th, th_len) and says whether they are a
// listener and whole headers.
func cookieArgs(e Env, c *Call) (ip, th []byte, ok bool) {
	ip = read(e, c.Args[1], c.size(3))
	th = read(e, c.Args[3], c.size(5))
	s := sockAt(e, c.Args[0])
	ok = s != nil && s.Protocol == protoTCP && s.State == tcpListen && len(th) >= tcpHeader && len(ip) >= 20 &&
		(ip[0]>>4 == 4 || ip[0]>>4 == 6 && len(ip) >= 40)
	return ip, th, ok
}

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

// tcpCheckSyncookie: 0 for a valid cookie, -ENOENT otherwise.
func tcpCheckSyncookie(e Env, c *Call) {
	ip, th, ok := cookieArgs(e, c)
	switch {
	case !ok:
		c.set(einval)
		return
	case th[13]&tcpACK == 0 || th[13]&(tcpRST|tcpSYN) != 0 || !cookieOK(ip, th):
		c.set(enoent)
		return
	}
	c.set(0)
}

// tcpGenSyncookie: the cookie for a SYN, and the MSS above it.
func tcpGenSyncookie(e Env, c *Call) {
	ip, th, ok := cookieArgs(e, c)
	switch {
	case !ok || len(th) != int(th[12]>>4)*4:
		c.set(einval)
		return
	case th[13]&tcpSYN == 0 || th[13]&(tcpACK|tcpFIN|tcpRST) != 0:
		c.set(enoent)
		return
	}
	mss := uint16(mssIPv4)
	if len(ip) >= 40 && ip[0]>>4 == 6 {
		mss = mssIPv6
	}
	c.R0 = uint64(cookieOf(ip, th, be.Uint32(th[4:]))) | uint64(mssOf(th, mss))<<32
}
