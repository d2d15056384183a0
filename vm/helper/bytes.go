package helper

import "encoding/binary"

// le and be are the byte orders of package binary, not inlined: wasm has no
// combined loads, so that each use would be a load, shift and or for every
// byte, in a hundred places.
var (
	le little
	be big
)

type little struct{}

//go:noinline
func (little) Uint16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

//go:noinline
func (little) Uint32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

//go:noinline
func (little) Uint64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

//go:noinline
func (little) PutUint16(b []byte, v uint16) { binary.LittleEndian.PutUint16(b, v) }

//go:noinline
func (little) PutUint32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

//go:noinline
func (little) PutUint64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

//go:noinline
func (little) AppendUint64(b []byte, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(b, v)
}

type big struct{}

//go:noinline
func (big) Uint16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

//go:noinline
func (big) Uint32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

//go:noinline
func (big) PutUint16(b []byte, v uint16) { binary.BigEndian.PutUint16(b, v) }
