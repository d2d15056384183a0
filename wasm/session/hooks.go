package session

import (
	"skep/vm/hook"
	"skep/wasm/protocol"
)

// Hooks is the program types whose runs have a packet: those that the page
// can fire.
func Hooks() []protocol.HookInfo {
	var out []protocol.HookInfo
	for t := hook.ProgType(1); int(t) < hook.NumTypes; t++ {
		info := t.Info()
		if !info.Packet {
			continue
		}
		h := protocol.HookInfo{Type: info.Name, Title: title(t), Doc: info.Doc}
		if info.Context != "" {
			h.CtxName = "struct " + info.Context
		}
		for _, s := range hook.Sections() {
			if s.Type == t {
				name := s.Name
				if name[len(name)-1] == '+' {
					name = name[:len(name)-1]
				}
				h.Sections = append(h.Sections, name)
			}
		}
		out = append(out, h)
	}
	return out
}

// title is what people call the hook.
func title(t hook.ProgType) string {
	switch t {
	case hook.XDP:
		return "XDP"
	case hook.SchedCls:
		return "tc classifier"
	case hook.SchedAct:
		return "tc action"
	case hook.SocketFilter:
		return "socket filter"
	case hook.CgroupSkb:
		return "cgroup packets"
	}
	return t.String()
}
