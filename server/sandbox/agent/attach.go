//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// attached is a program at its hook.
type attached struct {
	close func() error
	iter  *link.Iter
}

// attachKind is a row of the hook table.
type attachKind struct {
	kind string
	do   func(a *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error)
}

type closer interface{ Close() error }

// attachKinds is every way to attach. Section prefixes of objects map to the same names (kindOfSection).
var attachKinds = []attachKind{
	{"tracepoint", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		group, name, ok := strings.Cut(p.Target, "/")
		if !ok {
			return nil, "", fmt.Errorf("target %q: want group/name", p.Target)
		}
		return linked(link.Tracepoint(group, name, prog, nil))
	}},
	{"raw_tp", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.Target, Program: prog}))
	}},
	{"tracing", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.AttachTracing(link.TracingOptions{Program: prog}))
	}},
	{"lsm", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.AttachLSM(link.LSMOptions{Program: prog}))
	}},
	{"kprobe", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.Kprobe(p.Target, prog, nil))
	}},
	{"kretprobe", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.Kretprobe(p.Target, prog, nil))
	}},
	{"ksyscall", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.Kprobe("__x64_sys_"+p.Target, prog, nil))
	}},
	{"kretsyscall", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.Kretprobe("__x64_sys_"+p.Target, prog, nil))
	}},
	{"kprobe_multi", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		syms, err := kernelSymbols(p)
		if err != nil {
			return nil, "", err
		}
		return linked(link.KprobeMulti(prog, link.KprobeMultiOptions{Symbols: syms}))
	}},
	{"kretprobe_multi", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		syms, err := kernelSymbols(p)
		if err != nil {
			return nil, "", err
		}
		return linked(link.KretprobeMulti(prog, link.KprobeMultiOptions{Symbols: syms}))
	}},
	{"uprobe", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ex, sym, err := executable(p)
		if err != nil {
			return nil, "", err
		}
		return linked(ex.Uprobe(sym, prog, nil))
	}},
	{"uretprobe", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ex, sym, err := executable(p)
		if err != nil {
			return nil, "", err
		}
		return linked(ex.Uretprobe(sym, prog, nil))
	}},
	{"uprobe_multi", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ex, sym, err := executable(p)
		if err != nil {
			return nil, "", err
		}
		return linked(ex.UprobeMulti(append([]string{sym}, p.Symbols...), prog, nil))
	}},
	{"perf_event", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return perfEvent(p, prog)
	}},
	{"xdp", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ifc, err := iface(p)
		if err != nil {
			return nil, "", err
		}
		var flags link.XDPAttachFlags
		switch p.Mode {
		case "", "generic":
			flags, p.Mode = link.XDPGenericMode, "generic"
		case "native":
			flags = link.XDPDriverMode
		default:
			return nil, "", fmt.Errorf("mode %q: want generic or native", p.Mode)
		}
		l, _, err := linked(link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifc.Index, Flags: flags}))
		return l, p.Mode, err
	}},
	{"tc", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ifc, err := iface(p)
		if err != nil {
			return nil, "", err
		}
		at := ebpf.AttachTCXIngress
		if p.Mode == "egress" {
			at = ebpf.AttachTCXEgress
		}
		if l, _, err := linked(link.AttachTCX(link.TCXOptions{Interface: ifc.Index, Program: prog, Attach: at})); err == nil {
			return l, "tcx", nil
		}
		c, err := attachClsact(ifc.Index, prog, p.Mode == "egress")
		return c, "cls_bpf", err
	}},
	{"netkit", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ifc, err := iface(p)
		if err != nil {
			return nil, "", err
		}
		return linked(link.AttachNetkit(link.NetkitOptions{Interface: ifc.Index, Program: prog, Attach: ebpf.AttachNetkitPrimary}))
	}},
	{"socket_filter", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return socketFilter(p, prog)
	}},
	{"cgroup", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		path := p.Target
		if path == "" {
			path = "/sys/fs/cgroup"
		}
		return linked(link.AttachCgroup(link.CgroupOptions{Path: path, Attach: ebpf.AttachType(p.Attach), Program: prog}))
	}},
	{"sk_lookup", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		ns, err := os.Open("/proc/self/ns/net")
		if err != nil {
			return nil, "", err
		}
		defer ns.Close()
		l, err := link.AttachNetNs(int(ns.Fd()), prog)
		if err != nil {
			return nil, "", err
		}
		return l, "", nil
	}},
	{"netfilter", func(_ *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		return linked(link.AttachNetfilter(link.NetfilterOptions{Program: prog, ProtocolFamily: link.NetfilterProtoIPv4, Hook: link.NetfilterInetLocalIn, Priority: -128}))
	}},
	{"iter", func(a *agent, p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
		o := link.IterOptions{Program: prog}
		if p.Mode != "" {
			m, err := a.ebpfMap(p.Mode)
			if err != nil {
				return nil, "", err
			}
			defer m.Close()
			o.Map = m
		}
		it, err := link.AttachIter(o)
		if err != nil {
			return nil, "", err
		}
		return it, "", nil
	}},
}

// linked adapts the link library's results. A nil link in a non-nil interface must not get out.
func linked(l link.Link, err error) (closer, string, error) {
	if err != nil {
		return nil, "", err
	}
	return l, "", nil
}

// attach puts a kept program at its hook.
func (a *agent) attach(p proto.AttachParams) (any, error) {
	l, err := a.program(p.Program)
	if err != nil {
		return nil, err
	}
	if p.Kind == "" {
		kindOfSection(&p, l)
	}
	if p.Link == "" {
		p.Link = l.name
	}
	if a.links[p.Link] != nil {
		return nil, fmt.Errorf("link %q: there already", p.Link)
	}
	prog, err := l.ebpfProgram()
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	for _, k := range attachKinds {
		if k.kind != p.Kind {
			continue
		}
		c, how, err := k.do(a, &p, prog)
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", p.Kind, err)
		}
		at := &attached{close: c.Close}
		at.iter, _ = c.(*link.Iter)
		a.links[p.Link] = at
		return proto.AttachResult{Link: p.Link, How: how}, nil
	}
	return nil, fmt.Errorf("attach: kind %q is unknown", p.Kind)
}

func (a *agent) detach(p proto.NameParams) (any, error) {
	l := a.links[p.Name]
	if l == nil {
		return nil, fmt.Errorf("link %q: not there", p.Name)
	}
	delete(a.links, p.Name)
	return nil, l.close()
}

// sectionKinds map libbpf's section names to kinds; the longest prefix wins, and the rest of the name is the target.
var sectionKinds = []struct{ prefix, kind, mode string }{
	{"tracepoint/", "tracepoint", ""}, {"tp/", "tracepoint", ""},
	{"raw_tracepoint/", "raw_tp", ""}, {"raw_tp/", "raw_tp", ""},
	{"tp_btf/", "tracing", ""}, {"fentry", "tracing", ""}, {"fexit", "tracing", ""}, {"fmod_ret", "tracing", ""},
	{"lsm_cgroup/", "cgroup", ""}, {"lsm", "lsm", ""},
	{"kprobe.multi/", "kprobe_multi", ""}, {"kretprobe.multi/", "kretprobe_multi", ""},
	{"kprobe/", "kprobe", ""}, {"kretprobe/", "kretprobe", ""}, {"ksyscall/", "ksyscall", ""}, {"kretsyscall/", "kretsyscall", ""},
	{"uprobe/", "uprobe", ""}, {"uretprobe/", "uretprobe", ""}, {"uprobe.multi/", "uprobe_multi", ""},
	{"perf_event", "perf_event", ""}, {"xdp", "xdp", ""},
	{"tc/egress", "tc", "egress"}, {"tcx/egress", "tc", "egress"}, {"tc", "tc", "ingress"}, {"classifier", "tc", "ingress"},
	{"socket", "socket_filter", ""}, {"sk_lookup", "sk_lookup", ""}, {"netfilter", "netfilter", ""}, {"netkit", "netkit", ""},
	{"iter", "iter", ""}, {"cgroup", "cgroup", ""}, {"sockops", "cgroup", ""},
}

func kindOfSection(p *proto.AttachParams, l *loaded) {
	best := ""
	for _, s := range sectionKinds {
		if strings.HasPrefix(l.section, s.prefix) && len(s.prefix) > len(best) {
			best, p.Kind = s.prefix, s.kind
			if p.Mode == "" {
				p.Mode = s.mode
			}
			if rest := l.section[len(s.prefix):]; p.Target == "" && s.kind != "cgroup" {
				p.Target = strings.TrimPrefix(rest, "/")
			}
		}
	}
	if p.Attach == 0 && p.Kind == "cgroup" {
		p.Attach = l.attachType
	}
}

func iface(p *proto.AttachParams) (*net.Interface, error) {
	name := p.Iface
	if name == "" {
		name = "lo"
	}
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("iface %q: %w", name, err)
	}
	return ifc, nil
}

// executable opens the target "path:symbol"; the default is the test program's target_fn.
func executable(p *proto.AttachParams) (*link.Executable, string, error) {
	path, sym, ok := strings.Cut(p.Target, ":")
	if !ok || sym == "" {
		return nil, "", fmt.Errorf("target %q: want path:symbol", p.Target)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/bin/" + path
	}
	ex, err := link.OpenExecutable(path)
	return ex, sym, err
}

// kernelSymbols expands one wildcard against the functions that can be traced.
func kernelSymbols(p *proto.AttachParams) ([]string, error) {
	if len(p.Symbols) > 0 {
		return p.Symbols, nil
	}
	prefix, ok := strings.CutSuffix(p.Target, "*")
	if !ok {
		return []string{p.Target}, nil
	}
	b, err := os.ReadFile("/sys/kernel/tracing/available_filter_functions")
	if err != nil {
		return nil, err
	}
	var syms []string
	for line := range strings.Lines(string(b)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, prefix) && !strings.Contains(name, ".") {
			syms = append(syms, name)
		}
	}
	if len(syms) == 0 {
		return nil, fmt.Errorf("symbols %q: none match", p.Target)
	}
	return syms, nil
}

// fds closes file descriptors that hold a program at its hook.
type fds []int

func (f fds) Close() error {
	for _, fd := range f {
		unix.Close(fd)
	}
	return nil
}

// perfEvent samples the CPU clock and runs the program at each sample.
func perfEvent(p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
	period := uint64(p.Attach)
	if period == 0 {
		period = 1_000_000 // 1 ms
	}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: period}
	attr.Size = uint32(unsafe.Sizeof(attr))
	how := "cpu-clock"
	if p.Target == "cycles" {
		attr.Type, attr.Config, how = unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES, "cycles"
	}
	var open fds
	for cpu := range runtime.NumCPU() {
		fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == nil {
			open = append(open, fd)
			err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD())
		}
		if err == nil {
			err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
		}
		if err != nil {
			open.Close()
			return nil, "", err
		}
	}
	return open, how, nil
}

// socketFilter opens a packet socket on the interface and filters it. Nobody reads the socket: the program's maps show
// what it saw.
func socketFilter(p *proto.AttachParams, prog *ebpf.Program) (closer, string, error) {
	ifc, err := iface(p)
	if err != nil {
		return nil, "", err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ALL)))
	if err != nil {
		return nil, "", err
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog.FD()); err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: ifc.Index})
	}
	if err != nil {
		unix.Close(fd)
		return nil, "", err
	}
	return fds{fd}, "AF_PACKET", nil
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }

// readIter runs an iterator to its end.
func (a *agent) readIter(p proto.NameParams) (any, error) {
	l := a.links[p.Name]
	if l == nil || l.iter == nil {
		return nil, fmt.Errorf("link %q: not an iterator", p.Name)
	}
	r, err := l.iter.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 256<<10))
	return proto.TextResult{Text: string(b)}, err
}
