package verdict

import (
	"skep/wasm/protocol"
)

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func Handle(dst, frame []byte) (reply []byte) {
	h, err := protocol.ParseHeader(frame)
	if err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	defer func() {
		if r := recover(); r != nil {
			text := "unknown panic"
			switch r := r.(type) {
			case error:
				text = r.Error()
			case string:
				text = r
			}
			reply = failed(dst, h.Session, "the verifier has a defect: "+text, "please report the program")
		}
	}()
	if h.ID == protocol.IDVerifyHello {
		if err := protocol.ParseOne(frame, &protocol.VerifyHello{}); err != nil {
			return failed(dst, h.Session, err.Error(), "")
		}
		return protocol.PackOne(dst, h.Session, &protocol.VerifyWelcome{Kernel: Kernel})
	}
	q := new(protocol.Verify)
	if err := protocol.ParseOne(frame, q); err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	return protocol.PackOne(dst, h.Session, Verify(q))
}

func failed(dst []byte, session uint32, msg, hint string) []byte {
	return protocol.PackOne(dst, session, &protocol.Failed{
		Problem: protocol.Problem{Where: protocol.WhereEngine, Message: msg, Hint: hint, Offset: -1},
	})
}
