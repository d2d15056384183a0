package protocol

// A module that is asked one or two things reads and writes just those: the
// linker then drops the coders of all other messages.

// Decoder is a message that can be read.
type Decoder interface {
	Message
	Decode(r *Reader)
}

// Encoder is a message that can be written.
type Encoder interface {
	Message
	Encode(w *Writer)
}

// ParseOne reads the message of a frame into m, whose number must be the
// frame's. The message does not alias frame.
func ParseOne(frame []byte, m Decoder) error {
	h, err := ParseHeader(frame)
	if err != nil {
		return err
	}
	if h.ID != m.ID() {
		return errUnknown
	}
	r := Reader{buf: frame[HeaderSize:]}
	m.Decode(&r)
	return r.end()
}

// PackOne appends the frame of a message to dst.
func PackOne(dst []byte, session uint32, m Encoder) []byte {
	w := header(dst, session, m)
	m.Encode(&w)
	return w.Buf
}
