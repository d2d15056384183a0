// Package workload is programs to measure engines with, in the words of clang's
// output: rotates as shifts and or, indexed addresses as mov and add. They are
// of type sched_cls.
package workload

import (
	"strconv"
	"strings"
)

// Workload is a program in assembly and the length of the packet it wants.
type Workload struct {
	Name   string
	Packet int
	Text   string
}

// Maps that the programs use, by their number: an array of 64 counters (key 4,
// value 8 bytes), a hash of 256 (key 4, value 8), an array of 16 backends (key
// 4, value 16).
const (
	MapCounts = iota
	MapHash
	MapBackends
)

// All is the workloads.
func All() []Workload {
	return []Workload{
		{"empty", 64, "r0 = 1\nexit"},
		{"alu64", 64, `
	r1 = 1000
	r2 = 0x123456789abcdef ll
	r3 = 0x9e3779b97f4a7c15 ll
	r0 = 0
top:
	r0 += r2
	r4 = r0
	r4 >>= 51
	r0 <<= 13
	r0 |= r4
	r2 ^= r0
	r2 *= 31
	r4 = r2
	r4 >>= 47
	r2 <<= 17
	r2 |= r4
	r3 += r2
	r4 = r3
	r4 >>= 7
	r3 ^= r4
	r0 += r3
	r1 += -1
	if r1 != 0 goto top
	exit`},
		{"alu32", 64, `
	w1 = 1000
	w2 = 305419896
	w3 = 1013904223
	w0 = 0
top:
	w0 += w2
	w4 = w0
	w4 >>= 19
	w0 <<= 13
	w0 |= w4
	w2 ^= w0
	w2 *= 31
	w4 = w2
	w4 >>= 15
	w2 <<= 17
	w2 |= w4
	w3 += w2
	w4 = w3
	w4 >>= 7
	w3 ^= w4
	w0 += w3
	w1 += -1
	if w1 != 0 goto top
	exit`},
		{"loop", 64, `
	r1 = 0
	r2 = 0
	r3 = 0
top:
	r2 += r1
	r3 ^= r2
	r4 = r3
	r4 >>= 7
	r3 ^= r4
	*(u64 *)(r10 -8) = r3
	r5 = *(u64 *)(r10 -8)
	r2 += r5
	r1 += 1
	if r1 < 1000 goto top
	r0 = r2
	exit`},
		{"memcopy", 2048, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r2 = r6
	r2 += 2048
	r0 = 0
	if r2 > r7 goto out
	r3 = 0
top:
	r4 = r6
	r4 += r3
	r5 = *(u64 *)(r4 +0)
	*(u64 *)(r4 +1024) = r5
	r3 += 8
	if r3 != 1024 goto top
	r0 = 1
out:
	exit`},
		{"csum", 1500, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r2 = r6
	r2 += 1500
	r0 = 0
	if r2 > r7 goto out
	r3 = 0
top:
	r4 = r6
	r4 += r3
	r5 = *(u16 *)(r4 +0)
	r0 += r5
	r3 += 2
	if r3 != 1500 goto top
	r2 = r0
	r2 >>= 16
	r0 &= 65535
	r0 += r2
out:
	exit`},
		{"parse", 64, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r0 = 0
	r2 = r6
	r2 += 54
	if r2 > r7 goto out
	r3 = *(u16 *)(r6 +12)
	r3 = be16 r3
	if r3 == 0x86dd goto out
	r4 = *(u8 *)(r6 +14)
	r4 &= 15
	r4 <<= 2
	if r4 < 20 goto ip
	r0 = 2
ip:
	r5 = *(u8 *)(r6 +23)
	r0 += r5
	r2 = *(u32 *)(r6 +26)
	r0 += r2
	r2 = *(u32 *)(r6 +30)
	r0 ^= r2
	r2 = *(u16 *)(r6 +34)
	r2 = be16 r2
	r0 += r2
	r2 = *(u16 *)(r6 +36)
	r2 = be16 r2
	r0 ^= r2
out:
	exit`},
		{"calls", 64, `
	r6 = 200
	r7 = 0
top:
	r1 = r6
	r2 = r7
	call one
	r7 = r0
	r6 += -1
	if r6 != 0 goto top
	r0 = r7
	exit
one:
	r6 = r1
	r1 += r2
	call two
	r0 += r6
	exit
two:
	r0 = r1
	r0 *= 3
	exit`},
		{"maparr", 64, `
	r6 = 0
	r7 = 0
top:
	r1 = r6
	r1 &= 63
	*(u32 *)(r10 -4) = r1
	r2 = r10
	r2 += -4
	r1 = map[fd:0] ll
	call 1
	if r0 == 0 goto next
	r1 = *(u64 *)(r0 +0)
	r1 += 1
	*(u64 *)(r0 +0) = r1
	r7 += r1
next:
	r6 += 1
	if r6 != 100 goto top
	r0 = r7
	exit`},
		{"helper", 64, `
	r6 = 100
	r7 = 0
top:
	call 7
	r7 += r0
	r6 += -1
	if r6 != 0 goto top
	r0 = r7
	exit`},
		{"sieve", 2048, sieve},
		{"switch", 256, branchy()},
		{"siphash", 64, siphash()},
		{"maphash", 64, maphash},
		{"firewall", 64, firewall},
		{"balancer", 64, balancer},
	}
}

// begin loads the borders of the packet and leaves when it is shorter than n.
func begin(n int) string {
	s := strconv.Itoa(n)
	return "r6 = *(u32 *)(r1 +76)\nr7 = *(u32 *)(r1 +80)\nr2 = r6\nr2 += " + s + "\nr0 = 0\nif r2 > r7 goto out\n"
}

// The sieve of Eratosthenes over the packet's first 1024 bytes.
var sieve = begin(1024) + `
	r3 = 0
clear:
	r4 = r6
	r4 += r3
	*(u64 *)(r4 +0) = 0
	r3 += 8
	if r3 != 1024 goto clear
	r3 = 2
outer:
	r4 = r6
	r4 += r3
	r5 = *(u8 *)(r4 +0)
	if r5 != 0 goto next
	r0 += 1
	r5 = r3
	r5 += r3
	if r5 > 1023 goto next
inner:
	r4 = r6
	r4 += r5
	*(u8 *)(r4 +0) = 1
	r5 += r3
	if r5 < 1024 goto inner
next:
	r3 += 1
	if r3 != 1024 goto outer
out:
	exit`

// branchy is a state machine over 256 bytes with a tree of comparisons.
func branchy() string {
	var b strings.Builder
	b.WriteString(begin(256) + "r3 = 0\nr1 = 7\ntop:\nr4 = r6\nr4 += r3\nr5 = *(u8 *)(r4 +0)\nr5 ^= r1\nr5 &= 15\n")
	var tree func(lo, hi int)
	tree = func(lo, hi int) {
		if hi-lo == 1 {
			n := strconv.Itoa(lo)
			b.WriteString([]string{"r0 += " + n, "r0 ^= r1", "r1 += " + n, "r1 ^= r5"}[lo%4] + "\ngoto next\n")
			return
		}
		mid := (lo + hi) / 2
		label := "c" + strconv.Itoa(lo) + "_" + strconv.Itoa(mid)
		b.WriteString("if r5 > " + strconv.Itoa(mid-1) + " goto " + label + "\n")
		tree(lo, mid)
		b.WriteString(label + ":\n")
		tree(mid, hi)
	}
	tree(0, 16)
	b.WriteString("next:\nr3 += 1\nif r3 != 256 goto top\nout:\nexit")
	return b.String()
}

// siphash is SipHash-2-4 of 64 bytes.
func siphash() string {
	rotl := func(r string, n int) string {
		return "r4 = " + r + "\nr4 >>= " + strconv.Itoa(64-n) + "\n" + r + " <<= " + strconv.Itoa(n) + "\n" + r + " |= r4\n"
	}
	half := func(a, b string, n int) string { return a + " += " + b + "\n" + rotl(b, n) + b + " ^= " + a + "\n" }
	round := half("r0", "r1", 13) + rotl("r0", 32) + half("r2", "r3", 16) + half("r0", "r3", 21) + half("r2", "r1", 17) + rotl("r2", 32)
	return begin(64) + "r0 = 0x736f6d6570736575 ll\nr1 = 0x646f72616e646f6d ll\nr2 = 0x6c7967656e657261 ll\nr3 = 0x7465646279746573 ll\nr7 = 0\ntop:\n" +
		"r5 = r6\nr5 += r7\nr5 = *(u64 *)(r5 +0)\nr3 ^= r5\n" + round + round + "r0 ^= r5\nr7 += 8\nif r7 != 64 goto top\n" +
		"r2 ^= 255\n" + round + round + round + round + "r0 ^= r1\nr0 ^= r2\nr0 ^= r3\nout:\nexit"
}

// A hundred lookups in a hash.
const maphash = `
	r6 = 0
	r7 = 0
top:
	r1 = r6
	r1 &= 255
	*(u32 *)(r10 -4) = r1
	r2 = r10
	r2 += -4
	r1 = map[fd:1] ll
	call 1
	if r0 == 0 goto next
	r1 = *(u64 *)(r0 +0)
	r7 += r1
next:
	r6 += 1
	if r6 != 100 goto top
	r0 = r7
	exit`

// A packet filter: headers, a hash of blocked sources, ranges of ports, a
// counter for each verdict.
var firewall = begin(54) + `
	r8 = 1
	r3 = *(u16 *)(r6 +12)
	r3 = be16 r3
	if r3 != 0x800 goto count
	r3 = *(u8 *)(r6 +23)
	if r3 == 6 goto ports
	if r3 != 17 goto count
ports:
	r3 = *(u32 *)(r6 +26)
	*(u32 *)(r10 -4) = r3
	r2 = r10
	r2 += -4
	r1 = map[fd:1] ll
	call 1
	if r0 == 0 goto rules
	r1 = *(u64 *)(r0 +0)
	if r1 == 0 goto rules
	r8 = 2
	goto count
rules:
	r3 = *(u16 *)(r6 +36)
	r3 = be16 r3
	if r3 < 22 goto low
	if r3 == 22 goto block
	if r3 < 1024 goto known
	if r3 > 32767 goto high
	r8 = 3
	goto count
low:
	r8 = 4
	goto count
block:
	r8 = 2
	goto count
known:
	if r3 == 80 goto web
	if r3 == 443 goto web
	r8 = 5
	goto count
web:
	r8 = 6
	goto count
high:
	r8 = 7
count:
	*(u32 *)(r10 -4) = r8
	r2 = r10
	r2 += -4
	r1 = map[fd:0] ll
	call 1
	if r0 == 0 goto out
	r1 = 1
	lock *(u64 *)(r0 +0) += r1
	r0 = r8
out:
	exit`

// An L4 load balancer: a hash of the flow chooses a backend, whose address is
// put into the packet with the checksum adjusted.
var balancer = begin(54) + `
	r3 = *(u32 *)(r6 +26)
	r4 = *(u32 *)(r6 +34)
	w3 ^= -1640531527
	w3 *= -2048144777
	w5 = w3
	w5 >>= 15
	w3 ^= w5
	w3 += w4
	w3 *= -1028477379
	w5 = w3
	w5 >>= 13
	w3 ^= w5
	w3 &= 15
	*(u32 *)(r10 -4) = r3
	r2 = r10
	r2 += -4
	r1 = map[fd:2] ll
	call 1
	if r0 == 0 goto out
	r8 = r0
	r1 = *(u32 *)(r6 +30)
	r2 = *(u32 *)(r8 +0)
	r3 = *(u16 *)(r6 +24)
	r3 ^= 65535
	r4 = r1
	w4 ^= -1
	r5 = r4
	r5 &= 65535
	r3 += r5
	r4 >>= 16
	r4 &= 65535
	r3 += r4
	r5 = r2
	r5 &= 65535
	r3 += r5
	r5 = r2
	r5 >>= 16
	r3 += r5
	r5 = r3
	r5 >>= 16
	r3 &= 65535
	r3 += r5
	r5 = r3
	r5 >>= 16
	r3 += r5
	r3 ^= 65535
	*(u16 *)(r6 +24) = r3
	*(u32 *)(r6 +30) = r2
	r1 = *(u32 *)(r8 +8)
	*(u32 *)(r6 +0) = r1
	r1 = *(u16 *)(r8 +12)
	*(u16 *)(r6 +4) = r1
	r0 = 1
out:
	exit`
