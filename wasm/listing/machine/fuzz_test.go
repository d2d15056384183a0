package machine

import (
	"testing"

	"skep/wasm/protocol"
)

// FuzzHandle: any bytes are answered, and with a frame.
func FuzzHandle(f *testing.F) {
	f.Add([]byte("garbage!"))
	f.Add(protocol.Pack(nil, 1, &protocol.CodeHello{}))
	f.Add(protocol.Pack(nil, 1, &protocol.Compile{Source: protocol.WireSource{Text: packet}, Facts: true, Fusions: true}))
	f.Add(protocol.Pack(nil, 1, &protocol.Compile{Source: protocol.WireSource{Text: packet}, Arch: protocol.ArchWasm, Blind: true}))
	f.Add(protocol.Pack(nil, 1, &protocol.Disassemble{Code: []byte{0x31, 0xc0, 0xc3}, Marks: []protocol.CodeMark{{At: 0}, {At: 2, Slot: 1}}}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		reply := new(Server).Handle(nil, frame)
		if _, err := protocol.ParseHeader(reply); err != nil {
			t.Errorf("the reply is no frame: %v", err)
		}
	})
}
