// Package protocol is the wire form between the page and the engine: frames
// of generated messages (zmsg.go), their writer, and a reader that trusts
// nothing. The tables that both sides are generated from are in
// wasm/protocol/schema.
//
//	frame := protocol.Pack(nil, 7, &protocol.Look{})
//	h, m, err := protocol.ParseRequest(frame)
//
// Read next: schema/table.go (what is said), wasm/session (who answers).
package protocol

//go:generate go run gen.go

import "errors"

// HeaderSize is the length of the header of a frame in bytes.
const HeaderSize = 8

// MaxFrame bounds a request: source, object or pcap with some room.
const MaxFrame = 64 << 20

// Message is a whole message: a pointer to a generated struct with a number.
type Message interface{ ID() uint16 }

// Header is what a frame begins with.
type Header struct {
	ID      uint16
	Session uint32
}

var (
	errShort   = errors.New("frame: shorter than its header")
	errVersion = errors.New("frame: page and engine come from different builds; reload the page")
	errUnknown = errors.New("frame: unknown message number")
	errTrail   = errors.New("frame: bytes left over behind the message")
	errBig     = errors.New("frame: larger than 64 MiB")
)

// Pack appends the frame of any message to dst.
func Pack(dst []byte, session uint32, m Message) []byte {
	w := header(dst, session, m)
	encode(m, &w)
	return w.Buf
}

// Reply is Pack for replies: what the engine calls, so that it links no more.
func Reply(dst []byte, session uint32, m Message) []byte {
	w := header(dst, session, m)
	encodeReply(m, &w)
	return w.Buf
}

func header(dst []byte, session uint32, m Message) Writer {
	w := Writer{Buf: dst}
	w.U8(Version)
	w.U8(0)
	w.U16(m.ID())
	w.U32(session)
	return w
}

// ParseHeader reads the header of a frame.
func ParseHeader(frame []byte) (Header, error) {
	if len(frame) < HeaderSize {
		return Header{}, errShort
	}
	if len(frame) > MaxFrame {
		return Header{}, errBig
	}
	if frame[0] != Version || frame[1] != 0 {
		return Header{}, errVersion
	}
	r := Reader{buf: frame[2:]}
	return Header{ID: r.U16(), Session: r.U32()}, nil
}

// ParseRequest reads a request. The message does not alias frame.
func ParseRequest(frame []byte) (Header, Message, error) {
	h, err := ParseHeader(frame)
	if err != nil {
		return h, nil, err
	}
	r := Reader{buf: frame[HeaderSize:]}
	m := decodeRequest(h.ID, &r)
	if m == nil {
		return h, nil, errUnknown
	}
	return h, m, r.end()
}

// Parse reads the message of a frame into m, whose number must be the frame's.
func Parse(frame []byte, m Message) error {
	h, err := ParseHeader(frame)
	if err != nil {
		return err
	}
	if h.ID != m.ID() {
		return errUnknown
	}
	r := Reader{buf: frame[HeaderSize:]}
	decode(m, &r)
	return r.end()
}

// end is the reader's error, or that there is more than the message.
func (r *Reader) end() error {
	if r.err == nil && len(r.buf) > 0 {
		return errTrail
	}
	return r.err
}
