package grading

import (
	"skep/server/sandbox/proto"
	"skep/vm/world"
)

// stepOf is an event as a verb of the sandbox's workload: the names are the
// same, a few need what only the simulator has and are not done.
func stepOf(e *world.Event) (proto.Step, bool) {
	s := proto.Step{
		Verb: e.Verb, Count: 1, UID: int(e.Num("uid", 0)), Comm: e.Text("comm", ""), Path: e.Text("path", ""), To: e.Text("to", ""),
		Mode: uint32(e.Num("mode", 0)), Addr: e.Text("addr", ""), MS: int(e.Num("ms", 0)), Sig: int(e.Num("sig", 0)),
	}
	if data, ok := e.Get("data"); ok {
		s.Data = []byte(data)
	}
	switch e.Verb {
	case "pkt":
		s.Verb, s.Data, s.Iface = "packet", e.Packet.Data, "veth0"
		return s, true
	case "exec", "open", "read", "write", "unlink", "rename", "chmod", "mkdir", "mount", "umount", "mmap", "connect", "udp", "spin", "sleep", "kill", "fork":
		return s, true
	case "call":
		for i := range e.Call {
			s.Args = append(s.Args, e.Call[i].Value)
		}
		return s, true
	}
	return s, false
}
