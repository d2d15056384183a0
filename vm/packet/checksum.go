package packet

import "encoding/binary"

// Sum adds b to a ones' complement sum, as pairs of bytes in network order; an
// odd last byte is the high one. It starts at 0 and ends in [Fold]. Only the
// last part of a sum may have an odd length (RFC 1071).
func Sum(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
		sum = sum&0xffff + sum>>16
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum&0xffff + sum>>16
}

// Fold makes the checksum of a sum.
func Fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// Checksum is the Internet checksum of b, which has zero, or an old checksum
// to be verified, in its place: then the result is 0 when that is right.
func Checksum(b []byte) uint16 { return Fold(Sum(0, b)) }

// PseudoSum is the sum of the pseudo header of TCP, UDP and ICMPv6: src and
// dst have 4 or 16 bytes (RFC 9293 section 3.1, RFC 8200 section 8.1).
func PseudoSum(src, dst []byte, proto uint8, length int) uint32 {
	sum := Sum(Sum(0, src), dst)
	return Sum(sum, []byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length), 0, 0, 0, proto})
}
