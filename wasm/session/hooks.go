package session

import (
	"skep/vm/hook"
	"skep/vm/world"
	"skep/wasm/protocol"
)

// Hooks is the program types, for the picker: what fires each.
func Hooks() []protocol.HookInfo {
	var out []protocol.HookInfo
	for t := hook.ProgType(1); int(t) < hook.NumTypes; t++ {
		info := t.Info()
		h := protocol.HookInfo{Type: info.Name, Title: title(t), Doc: info.Doc, Packets: info.Packet}
		h.Section, h.Example = world.Example(t)
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

// sectionOf is a section of a program type, with a target that events fire.
func sectionOf(t hook.ProgType) string {
	section, _ := world.Example(t)
	return section
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
