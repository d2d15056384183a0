package reactor

import (
	"errors"

	"skep/wasm/protocol"
)

// Answer answers one request frame with what answer makes of it, given the
// number of its message, and appends the reply frame to dst. It never panics
// for any bytes: an error of answer is the reply Failed, and so is a panic, as
// a defect of who, "the verifier" say.
func Answer(dst, frame []byte, who string, answer func(id uint16, frame []byte) (protocol.Encoder, error)) (reply []byte) {
	h, err := protocol.ParseHeader(frame)
	if err != nil {
		return Failed(dst, h.Session, err.Error(), "")
	}
	defer func() {
		if r := recover(); r != nil {
			reply = Failed(dst, h.Session, Defect(who, r).Error(), "please report the program")
		}
	}()
	m, err := answer(h.ID, frame)
	if err != nil {
		return Failed(dst, h.Session, err.Error(), "")
	}
	return protocol.PackOne(dst, h.Session, m)
}

// Reply reads the message of a frame into q and is what f says to it. The
// message must be q's.
func Reply[Q protocol.Decoder, A protocol.Encoder](frame []byte, q Q, f func(Q) A) (protocol.Encoder, error) {
	if err := protocol.ParseOne(frame, q); err != nil {
		return nil, err
	}
	return f(q), nil
}

// Failed appends the reply that a request could not be answered, and why; hint
// is what to do about it.
func Failed(dst []byte, session uint32, msg, hint string) []byte {
	return protocol.PackOne(dst, session, &protocol.Failed{
		Problem: protocol.Problem{Where: protocol.WhereEngine, Message: msg, Hint: hint, Offset: -1},
	})
}

// Defect is the error for what recover returned in code of who, "the verifier"
// say.
func Defect(who string, r any) error {
	text := "unknown panic"
	switch r := r.(type) {
	case error:
		text = r.Error()
	case string:
		text = r
	}
	return errors.New(who + " has a defect: " + text)
}
