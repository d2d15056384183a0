package kernelbench

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Outcome is what a run leaves behind.
type Outcome struct {
	R0     uint64   `json:"r0"`
	Narrow bool     `json:"narrow,omitempty"` // R0 is its low half, as BPF_PROG_TEST_RUN returns it
	Packet string   `json:"packet,omitempty"` // in hex, "" where the engine does not tell
	Maps   []string `json:"maps,omitempty"`   // "name key=value" in hex, ordered; nil where the engine does not tell
}

// Differ says in what o is not what the interpreter left, "" in nothing.
func (o *Outcome) Differ(interp *Outcome) string {
	want := interp.R0
	if o.Narrow {
		want = uint64(uint32(want))
	}
	if o.R0 != want {
		return fmt.Sprintf("r0 is %#x, in the interpreter %#x", o.R0, want)
	}
	if o.Packet != "" && o.Packet != interp.Packet {
		return fmt.Sprintf("the packet is %s, in the interpreter %s", o.Packet, interp.Packet)
	}
	if o.Maps != nil && !slices.Equal(o.Maps, interp.Maps) {
		for i, e := range interp.Maps {
			if i >= len(o.Maps) || o.Maps[i] != e {
				return fmt.Sprintf("map element %d of %d is not %s, as in the interpreter", i, len(o.Maps), e)
			}
		}
		return fmt.Sprintf("there are %d map elements, in the interpreter %d", len(o.Maps), len(interp.Maps))
	}
	return ""
}

// Element is an element as Outcome.Maps has it.
func Element(name string, key, value []byte) string {
	return name + " " + hex.EncodeToString(key) + "=" + hex.EncodeToString(value)
}
