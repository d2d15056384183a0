package reference

import (
	"strconv"
	"strings"

	"skep/vm/helper"
	"skep/vm/hook"
	"skep/web"
)

// attaches lists the attach types that sections of a program type have, the
// bare type first.
func attaches(t hook.ProgType) []hook.AttachType {
	var all []hook.AttachType
	seen := map[hook.AttachType]bool{}
	for _, s := range hook.Sections() {
		if s.Type == t && !seen[s.Attach] {
			seen[s.Attach] = true
			all = append(all, s.Attach)
		}
	}
	if len(all) == 0 {
		all = append(all, 0)
	}
	return all
}

// mayCall reports whether a program of the type may call the helper, under
// some attach type and with every capability.
func mayCall(t hook.ProgType, id int) bool {
	for _, a := range attaches(t) {
		c := helper.Privileged(t, a)
		c.Sleepable = true
		if helper.Permission(c, id) == helper.Allowed {
			return true
		}
	}
	return false
}

func callers(id int) []string {
	var all []string
	for t := hook.ProgType(1); int(t) < hook.NumTypes; t++ {
		if t != hook.Ext && mayCall(t, id) {
			all = append(all, t.String())
		}
	}
	return all
}

func programs(tries map[string][]web.Try) []web.ProgramDoc {
	var all []web.ProgramDoc
	for t := hook.ProgType(1); int(t) < hook.NumTypes; t++ {
		info := t.Info()
		d := web.ProgramDoc{Name: info.Name, Since: info.Since, Doc: info.Doc, Try: tries["prog "+info.Name]}
		for _, s := range hook.Sections() {
			if s.Type == t {
				name := s.Name
				if base, ok := strings.CutSuffix(name, "+"); ok {
					name = base + "/" + target(s.Target)
				}
				d.Sections = append(d.Sections, name)
			}
		}
		if l := t.Layout(false); l != nil {
			d.Context = "struct " + l.Name
			for _, f := range l.Fields {
				typ := f.Type
				if f.Count > 1 {
					typ += "[" + strconv.Itoa(f.Count) + "]"
				}
				d.Fields = append(d.Fields, web.FieldDoc{Name: f.Name, Type: typ, Offset: f.Off})
			}
		} else {
			d.Context = "by what it is attached to"
		}
		if info.Packet {
			d.Notes = append(d.Notes, "runs on a packet")
		}
		if info.Sleep {
			d.Notes = append(d.Notes, "can be sleepable")
		}
		d.Returns, d.Enforced = returns(t)
		for id := 1; id <= helper.Max; id++ {
			if t != hook.Ext && mayCall(t, id) {
				d.Helpers++
			}
		}
		all = append(all, d)
	}
	return all
}

// target says what the rest of a section name is.
func target(k hook.TargetKind) string {
	switch k {
	case hook.TargetUprobe:
		return "BINARY:FUNCTION"
	case hook.TargetMulti:
		return "PATTERN"
	case hook.TargetMultiU:
		return "BINARY:PATTERN"
	case hook.TargetSyscall:
		return "SYSCALL"
	case hook.TargetUSDT:
		return "BINARY:PROVIDER:NAME"
	case hook.TargetTracepoint:
		return "CATEGORY/NAME"
	case hook.TargetRawTP:
		return "TRACEPOINT"
	case hook.TargetLSM:
		return "HOOK"
	case hook.TargetIter:
		return "KIND"
	case hook.TargetStructOps:
		return "MEMBER"
	}
	return "FUNCTION"
}

// listed is the highest return value that any type has a name for, and the two
// that lie far from the rest.
var listed = []int32{-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 128, 129}

// returns are the values that have a name, or a meaning of their own, under
// the first attach type; and what the verifier enforces.
func returns(t hook.ProgType) ([]web.ReturnDoc, string) {
	a := attaches(t)[0]
	r := hook.Return(t, a)
	enforced := ""
	if r.Checked {
		enforced = strconv.Itoa(int(r.Min))
		if r.Max != r.Min {
			enforced += " to " + strconv.Itoa(int(r.Max))
		}
	}
	var all []web.ReturnDoc
	for _, v := range listed {
		name, meaning := hook.Action(t, a, v), hook.Meaning(t, a, v, 64)
		own := r.Checked && v >= r.Min && v <= r.Max && meaning != ""
		if name != "" || own {
			all = append(all, web.ReturnDoc{Value: strconv.Itoa(int(v)), Name: name, Meaning: meaning})
		}
	}
	if t == hook.SocketFilter {
		all = []web.ReturnDoc{{Value: "0", Meaning: "drop the packet"}, {Value: "n", Meaning: "keep the first n bytes"}}
	}
	return all, enforced
}
