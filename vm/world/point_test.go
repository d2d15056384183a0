package world

import (
	"strconv"
	"strings"
	"testing"

	"skep/vm/btf"
)

// rows is the lines of a table.
func rows(table string) [][]string {
	var out [][]string
	for _, l := range strings.Split(strings.TrimSpace(table), "\n") {
		out = append(out, strings.Fields(l))
	}
	return out
}

// params is the names and number of a function's parameters, false when the
// kernel has no such function.
func params(k *btf.Spec, name string) ([]string, bool) {
	id, ok := k.Lookup(name, btf.KindFunc)
	if !ok {
		return nil, false
	}
	proto := k.Type(k.Type(id).Target())
	var out []string
	for i := range proto.Vlen() {
		out = append(out, proto.Param(i).Name)
	}
	return out, true
}

// TestFunctionArguments holds the tables of functions and security hooks to
// the reference kernel's BTF: the number of arguments, which is what a
// context's layout depends on.
func TestFunctionArguments(t *testing.T) {
	k := kernelBTF(t)
	for _, r := range rows(funcs) {
		got, ok := params(k, r[0])
		if !ok {
			t.Errorf("the kernel has no function %s", r[0])
		} else if len(got) != len(r)-1 {
			t.Errorf("%s(%s) has arguments %s in the kernel", r[0], strings.Join(r[1:], ", "), strings.Join(got, ", "))
		}
	}
	for _, r := range rows(lsms) {
		got, ok := params(k, "bpf_lsm_"+r[0])
		if !ok {
			t.Errorf("the kernel has no function bpf_lsm_%s", r[0])
		} else if len(got) != len(r)-1 {
			t.Errorf("lsm/%s(%s) has arguments %s in the kernel", r[0], strings.Join(r[1:], ", "), strings.Join(got, ", "))
		}
		fn := "security_" + r[0]
		if got, ok := params(k, fn); ok && len(got) != len(funcArgs(fn)) {
			t.Errorf("%s(%s) has arguments %s in the kernel", fn, strings.Join(funcArgs(fn), ", "), strings.Join(got, ", "))
		}
	}
}

// TestTracepoints holds the tracepoints to the kernel: the raw arguments to
// btf_trace_NAME, the fields to struct trace_event_raw_NAME.
func TestTracepoints(t *testing.T) {
	k := kernelBTF(t)
	templates := map[string]string{"sched_wakeup": "sched_wakeup_template", "sched_wakeup_new": "sched_wakeup_template",
		"sched_process_exit": "sched_process_template", "netif_receive_skb": "net_dev_template"}
	for _, r := range rows(tracepoints) {
		_, name, _ := strings.Cut(r[0], "/")
		args, format := tracepoint(r[0])
		id, ok := k.Lookup("btf_trace_"+name, btf.KindTypedef)
		if !ok {
			t.Errorf("the kernel has no tracepoint %s", name)
			continue
		}
		proto := k.Type(k.Type(k.Resolve(id)).Target())
		if n := proto.Vlen() - 1; n != len(args) { // the first is the probe's own
			t.Errorf("%s has %d arguments, %d in the kernel", name, len(args), n)
		}
		record := name
		if tmpl := templates[name]; tmpl != "" {
			record = tmpl
		}
		id, ok = k.Lookup("trace_event_raw_"+record, btf.KindStruct)
		if !ok {
			t.Errorf("the kernel has no record of %s", name)
			continue
		}
		var want []string
		for i, typ := 1, k.Type(id); i < typ.Vlen(); i++ {
			m := typ.Member(i)
			if m.Name == "__data" {
				break
			}
			size, _ := k.Size(m.Type)
			want = append(want, strings.TrimPrefix(m.Name, "__data_loc_")+"@"+strconv.Itoa(int(m.Offset/8))+"+"+strconv.Itoa(int(size)))
		}
		if got := strings.Join(placed(format), " "); got != strings.Join(want, " ") {
			t.Errorf("%s:\n got %s\nwant %s", name, got, strings.Join(want, " "))
		}
	}
}

// placed is the fields of a format with their offsets and sizes, found in a
// record that format makes.
func placed(fields []string) []string {
	var out []string
	w := &World{r: run{ev: &Event{}}}
	texts := 0
	for i, f := range fields {
		name, typ, _ := strings.Cut(f, ":")
		size := 8
		switch typ {
		case "p":
		case "s":
			size = 4
			texts++ // an empty one, a byte behind the fields
		default:
			size, _ = strconv.Atoi(typ[1:])
		}
		end := len(w.format(fields[:i+1])) - texts
		out = append(out, name+"@"+strconv.Itoa(end-size)+"+"+strconv.Itoa(size))
	}
	return out
}

// TestSyscalls holds numbers of arguments to the kernel's records of system
// calls: they have none in BTF but the wrapper must exist.
func TestSyscalls(t *testing.T) {
	k := kernelBTF(t)
	for _, r := range rows(syscalls) {
		if _, ok := k.Lookup("__x64_sys_"+r[0], btf.KindFunc); !ok {
			t.Errorf("the kernel has no function __x64_sys_%s", r[0])
		}
		if len(r) < 3 || len(r) > 9 {
			t.Errorf("%s has %d arguments", r[0], len(r)-3)
		}
	}
}
