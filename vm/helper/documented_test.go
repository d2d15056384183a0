package helper_test

import (
	"strings"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// documentedErrors are the errors that the helpers' documentation
// (include/uapi/linux/bpf.h of Linux 6.12, what bpf-helpers(7) is made of)
// names: a helper a line.
const documentedErrors = `
sock_ops_cb_flags_set EINVAL
sysctl_get_name E2BIG
sysctl_get_current_value E2BIG EINVAL
sysctl_get_new_value E2BIG EINVAL
sysctl_set_new_value E2BIG EINVAL
strtol EINVAL ERANGE
strtoul EINVAL ERANGE
sk_storage_delete EINVAL ENOENT
send_signal EAGAIN EBUSY EINVAL EPERM
send_signal_thread EAGAIN EBUSY EINVAL EPERM
tcp_gen_syncookie EINVAL ENOENT EOPNOTSUPP EPROTONOSUPPORT
read_branch_records EINVAL ENOENT
get_ns_current_pid_tgid EINVAL ENOENT
sk_assign EAFNOSUPPORT EEXIST EINVAL EPROTOTYPE ESOCKTNOSUPPORT
seq_printf E2BIG EBUSY EINVAL EOVERFLOW
seq_write EOVERFLOW
csum_level EACCES
load_hdr_opt EFAULT EINVAL ENOENT ENOMSG ENOSPC EPERM
store_hdr_opt EEXIST EFAULT EINVAL ENOSPC EPERM
reserve_hdr_opt EINVAL ENOSPC EPERM
inode_storage_delete ENOENT
task_storage_delete ENOENT
cgrp_storage_delete ENOENT
bprm_opts_set EINVAL
ima_inode_hash EINVAL EOPNOTSUPP
ima_file_hash EINVAL EOPNOTSUPP
for_each_map_elem EINVAL
snprintf EBUSY
timer_init EBUSY EINVAL EPERM
timer_set_callback EINVAL EPERM
timer_start EINVAL
timer_cancel EDEADLK EINVAL
get_branch_snapshot EINVAL ENOENT
kallsyms_lookup_name EINVAL ENOENT EPERM
find_vma EBUSY EINVAL ENOENT
loop E2BIG EINVAL
get_func_arg EINVAL
get_func_ret EOPNOTSUPP
skb_set_tstamp EINVAL EOPNOTSUPP
dynptr_from_mem E2BIG EINVAL
dynptr_read E2BIG EINVAL
dynptr_write E2BIG EINVAL
tcp_raw_gen_syncookie_ipv4 EINVAL
tcp_raw_gen_syncookie_ipv6 EINVAL EPROTONOSUPPORT
tcp_raw_check_syncookie_ipv4 EACCES
tcp_raw_check_syncookie_ipv6 EACCES EPROTONOSUPPORT
user_ringbuf_drain E2BIG EBUSY EINVAL
`

// impossible are documented errors that nothing in a simulated machine causes.
const impossible = `
send_signal EAGAIN EBUSY              a signal is never sent from an NMI
send_signal_thread EAGAIN EBUSY       a signal is never sent from an NMI
tcp_gen_syncookie EOPNOTSUPP EPROTONOSUPPORT   the kernel is built with syncookies and IPv6
tcp_raw_gen_syncookie_ipv6 EPROTONOSUPPORT     the kernel is built with IPv6
tcp_raw_check_syncookie_ipv6 EPROTONOSUPPORT   the kernel is built with IPv6
get_ns_current_pid_tgid ENOENT        every task has a pid namespace
seq_printf E2BIG                      since 5.13 too many conversions are EINVAL
seq_printf EBUSY EOVERFLOW            one print at a time, into a buffer without end
seq_write EOVERFLOW                   a buffer without end
snprintf EBUSY                        one print at a time
ima_inode_hash EINVAL                 IMA is off, which is said first
ima_file_hash EINVAL                  IMA is off, which is said first
timer_init EPERM                      the maps of a run are always held by user space
timer_set_callback EPERM              the maps of a run are always held by user space
kallsyms_lookup_name EPERM            programs of the simulator may know addresses
find_vma EBUSY                        nobody else holds mmap_lock
user_ringbuf_drain E2BIG EBUSY EINVAL the ring's producer is the machine: it makes no such samples
`

var errnos = map[string]int64{
	"EPERM": 1, "ENOENT": 2, "E2BIG": 7, "EAGAIN": 11, "EACCES": 13, "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EINVAL": 22, "ENOSPC": 28,
	"ERANGE": 34, "EDEADLK": 35, "ENOMSG": 42, "EPROTOTYPE": 91, "EPROTONOSUPPORT": 93, "ESOCKTNOSUPPORT": 94, "EOPNOTSUPP": 95, "EAFNOSUPPORT": 97, "EOVERFLOW": 75,
}

// provoke has a call for each error that a program can cause, by "helper ERRNO".
func provoke() map[string]func(f *fake) int64 {
	sysctl := func(write bool) func(f *fake) {
		return func(f *fake) {
			f.world.Sysctl = helper.Sysctl{Name: "net/ipv4/tcp_mem", Current: "100", New: "200", Write: write}
		}
	}
	writing, reading := sysctl(true), sysctl(false)
	num := func(name, text string, flags uint64) func(f *fake) int64 {
		return func(f *fake) int64 { return f.call(name, f.str(text), uint64(len(text)), flags, f.buf(8)) }
	}
	signal := func(name string, tgid uint32, sig uint64) func(f *fake) int64 {
		return func(f *fake) int64 {
			f.world.Task.TGID = tgid
			return f.call(name, sig)
		}
	}
	sock := func(f *fake, i uint32) uint64 {
		f.world.Sockets = sockets()
		return f.Object(helper.ObjectSock, i, 80)
	}
	lookup := func(socket uint32, flags uint64, family, protocol uint64, chosen bool) func(f *fake) int64 {
		return func(f *fake) int64 {
			f.typ = hook.SkLookup
			l := hook.Struct("bpf_sk_lookup")
			f.ctx = f.buf(l.Size)
			l.Put(f.at(f.ctx, l.Size), "family", 0, family)
			l.Put(f.at(f.ctx, l.Size), "protocol", 0, protocol)
			sk := sock(f, socket)
			if chosen {
				f.call("sk_assign", f.ctx, sk, 0)
			}
			return f.call("sk_assign", f.ctx, sk, flags)
		}
	}
	// A header with the options, seen by a program that runs for that event.
	const lenCB, writeCB = 14, 15
	tcpOpts := func(op uint32, opts []byte, run func(f *fake, ctx uint64) int64) func(f *fake) int64 {
		return func(f *fake) int64 {
			ctx := f.packet(hook.SockOps, tcp(1, 0, 2, opts...), 0)
			copy(f.at(ctx, 4), u32(op))
			return run(f, ctx)
		}
	}
	load := func(op uint32, opts []byte, n, flags uint64, want ...byte) func(f *fake) int64 {
		return tcpOpts(op, opts, func(f *fake, ctx uint64) int64 {
			return f.call("load_hdr_opt", ctx, f.alloc(append(want, 0, 0, 0, 0)), n, flags)
		})
	}
	store := func(op uint32, opts []byte, opt ...byte) func(f *fake) int64 {
		return tcpOpts(op, opts, func(f *fake, ctx uint64) int64 {
			return f.call("store_hdr_opt", ctx, f.alloc(opt), uint64(len(opt)), 0)
		})
	}
	reserve := func(op uint32, n uint64) func(f *fake) int64 {
		return tcpOpts(op, nil, func(f *fake, ctx uint64) int64 { return f.call("reserve_hdr_opt", ctx, n, 0) })
	}
	mss, ended, broken := []byte{2, 4, 5, 0xb4}, []byte{1, 1, 1, 0}, []byte{8, 9, 0, 0}
	storage := func(name string, typ uint32, owner func(f *fake) uint64) func(f *fake) int64 {
		return func(f *fake) int64 {
			m, _ := f.newMap(typ, 4, 8, 0)
			return f.call(name, m, owner(f))
		}
	}
	task := func(f *fake) uint64 { return uint64(f.call("get_current_task_btf")) }
	timer := func(inited bool, name string, args ...uint64) func(f *fake) int64 {
		return func(f *fake) int64 {
			v := f.buf(16)
			if inited {
				f.call("timer_init", v, 0, 1)
			}
			return f.call(name, append([]uint64{v}, args...)...)
		}
	}
	dynptr := func(run func(f *fake, d uint64) int64) func(f *fake) int64 {
		return func(f *fake) int64 {
			d := f.buf(16)
			f.call("dynptr_from_mem", f.str("0123456789"), 10, 0, d)
			return run(f, d)
		}
	}
	cookie := func(name string, n uint64) func(f *fake) int64 {
		return func(f *fake) int64 { return f.call(name, f.buf(40), f.alloc(tcp(1, 0, 2)), n) }
	}
	stale := func(name string) func(f *fake) int64 {
		return func(f *fake) int64 { return f.call(name, f.buf(40), f.alloc(tcp(1, 1, 16))) }
	}
	syn := func(listener uint32, flags byte) func(f *fake) int64 {
		return func(f *fake) int64 {
			return f.call("tcp_gen_syncookie", sock(f, listener), f.alloc(frame()[14:34]), 20, f.alloc(tcp(1, 0, flags)), 20)
		}
	}
	skb := func(proto uint16, run func(f *fake, ctx uint64) int64) func(f *fake) int64 {
		return func(f *fake) int64 { return run(f, f.packet(hook.SchedCls, frame(), proto)) }
	}
	return map[string]func(f *fake) int64{
		"sock_ops_cb_flags_set EINVAL": func(f *fake) int64 {
			f.typ, f.ctx = hook.SockOps, f.buf(224)
			return f.call("sock_ops_cb_flags_set", f.ctx, 1)
		},
		"sysctl_get_name E2BIG":           func(f *fake) int64 { writing(f); return f.call("sysctl_get_name", 0, f.buf(4), 4, 0) },
		"sysctl_get_current_value E2BIG":  func(f *fake) int64 { writing(f); return f.call("sysctl_get_current_value", 0, f.buf(3), 3) },
		"sysctl_get_current_value EINVAL": func(f *fake) int64 { return f.call("sysctl_get_current_value", 0, f.buf(8), 8) },
		"sysctl_get_new_value E2BIG":      func(f *fake) int64 { writing(f); return f.call("sysctl_get_new_value", 0, f.buf(3), 3) },
		"sysctl_get_new_value EINVAL":     func(f *fake) int64 { reading(f); return f.call("sysctl_get_new_value", 0, f.buf(8), 8) },
		"sysctl_set_new_value E2BIG":      func(f *fake) int64 { writing(f); return f.call("sysctl_set_new_value", 0, f.buf(4096), 4096) },
		"sysctl_set_new_value EINVAL":     func(f *fake) int64 { reading(f); return f.call("sysctl_set_new_value", 0, f.buf(8), 2) },
		"strtol EINVAL":                   num("strtol", "x", 10),
		"strtol ERANGE":                   num("strtol", "9223372036854775808", 0),
		"strtoul EINVAL":                  num("strtoul", "1", 7),
		"strtoul ERANGE":                  num("strtoul", "18446744073709551616", 0),
		"sk_storage_delete EINVAL":        storage("sk_storage_delete", 24, func(*fake) uint64 { return 0 }),
		"sk_storage_delete ENOENT":        storage("sk_storage_delete", 24, func(f *fake) uint64 { return sock(f, 0) }),
		"inode_storage_delete ENOENT":     storage("inode_storage_delete", 28, task),
		"task_storage_delete ENOENT":      storage("task_storage_delete", 29, task),
		"cgrp_storage_delete ENOENT":      storage("cgrp_storage_delete", 32, task),
		"send_signal EINVAL":              signal("send_signal", 10, 65),
		"send_signal EPERM":               signal("send_signal", 1, 9),
		"send_signal_thread EINVAL":       signal("send_signal_thread", 10, 65),
		"send_signal_thread EPERM":        signal("send_signal_thread", 1, 9),
		"tcp_gen_syncookie EINVAL":        syn(0, 2),
		"tcp_gen_syncookie ENOENT":        syn(1, 16),
		"read_branch_records EINVAL":      func(f *fake) int64 { return f.call("read_branch_records", 0, f.buf(24), 24, 2) },
		"read_branch_records ENOENT":      func(f *fake) int64 { return f.call("read_branch_records", 0, f.buf(24), 24, 0) },
		"get_branch_snapshot EINVAL":      func(f *fake) int64 { return f.call("get_branch_snapshot", f.buf(24), 24, 1) },
		"get_branch_snapshot ENOENT":      func(f *fake) int64 { return f.call("get_branch_snapshot", f.buf(24), 24, 0) },
		"get_ns_current_pid_tgid EINVAL":  func(f *fake) int64 { return f.call("get_ns_current_pid_tgid", 4, 6, f.buf(8), 8) },
		"sk_assign ESOCKTNOSUPPORT":       lookup(0, 0, 2, 6, false),
		"sk_assign EPROTOTYPE":            lookup(1, 0, 2, 17, false),
		"sk_assign EAFNOSUPPORT":          lookup(1, 0, 10, 6, false),
		"sk_assign EEXIST":                lookup(1, 0, 2, 6, true),
		"sk_assign EINVAL":                lookup(1, 4, 2, 6, false),
		"seq_printf EINVAL":               func(f *fake) int64 { return f.call("seq_printf", 0, f.str("%d"), 3, f.buf(8), 7) },
		"csum_level EACCES":               skb(0x800, func(f *fake, ctx uint64) int64 { f.call("csum_level", ctx, 3); return f.call("csum_level", ctx, 0) }),
		"load_hdr_opt EFAULT":             load(0, broken, 6, 0, 2),
		"load_hdr_opt EINVAL":             load(0, mss, 6, 0, 1),
		"load_hdr_opt ENOENT":             load(0, mss, 6, 1, 2),
		"load_hdr_opt ENOMSG":             load(0, mss, 6, 0, 3),
		"load_hdr_opt ENOSPC":             load(0, mss, 3, 0, 2),
		"load_hdr_opt EPERM":              load(lenCB, mss, 6, 0, 2),
		"store_hdr_opt EEXIST":            store(writeCB, mss, 2, 4, 0, 0),
		"store_hdr_opt EFAULT":            store(writeCB, broken, 9, 2),
		"store_hdr_opt EINVAL":            store(writeCB, mss, 9, 3),
		"store_hdr_opt ENOSPC":            store(writeCB, ended, 9, 2),
		"store_hdr_opt EPERM":             store(lenCB, mss, 9, 2),
		"reserve_hdr_opt EINVAL":          reserve(lenCB, 1),
		"reserve_hdr_opt ENOSPC":          reserve(lenCB, 41),
		"reserve_hdr_opt EPERM":           reserve(writeCB, 4),
		"bprm_opts_set EINVAL":            func(f *fake) int64 { return f.call("bprm_opts_set", 0, 2) },
		"ima_inode_hash EOPNOTSUPP":       func(f *fake) int64 { return f.call("ima_inode_hash", 0, f.buf(8), 8) },
		"ima_file_hash EOPNOTSUPP":        func(f *fake) int64 { return f.call("ima_file_hash", 0, f.buf(8), 8) },
		"for_each_map_elem EINVAL":        func(f *fake) int64 { m, _ := f.newMap(1, 4, 8, 1); return f.call("for_each_map_elem", m, 9, 0, 1) },
		"timer_init EBUSY":                timer(true, "timer_init", 0, 1),
		"timer_init EINVAL":               timer(false, "timer_init", 0, 2),
		"timer_set_callback EINVAL":       timer(false, "timer_set_callback", 5),
		"timer_start EINVAL":              timer(true, "timer_start", 5, 4),
		"timer_cancel EINVAL":             timer(false, "timer_cancel"),
		"timer_cancel EDEADLK": func(f *fake) int64 {
			v := f.buf(16)
			f.call("timer_init", v, 0, 1)
			f.vars[helper.VarTimer] = v
			return f.call("timer_cancel", v)
		},
		"kallsyms_lookup_name EINVAL":         func(f *fake) int64 { return f.call("kallsyms_lookup_name", f.str("a"), 1, 0, f.buf(8)) },
		"kallsyms_lookup_name ENOENT":         func(f *fake) int64 { return f.call("kallsyms_lookup_name", f.str("a"), 2, 0, f.buf(8)) },
		"find_vma EINVAL":                     func(f *fake) int64 { return f.call("find_vma", 1, 0, 9, 0, 1) },
		"find_vma ENOENT":                     func(f *fake) int64 { return f.call("find_vma", 1, 0, 9, 0, 0) },
		"loop E2BIG":                          func(f *fake) int64 { return f.call("loop", 8<<20+1, 9, 0, 0) },
		"loop EINVAL":                         func(f *fake) int64 { return f.call("loop", 1, 9, 0, 1) },
		"get_func_arg EINVAL":                 func(f *fake) int64 { f.world.FuncArgs = []uint64{1}; return f.call("get_func_arg", 0, 1, f.buf(8)) },
		"get_func_ret EOPNOTSUPP":             func(f *fake) int64 { return f.call("get_func_ret", 0, f.buf(8)) },
		"skb_set_tstamp EINVAL":               skb(0x800, func(f *fake, ctx uint64) int64 { return f.call("skb_set_tstamp", ctx, 1, 3) }),
		"skb_set_tstamp EOPNOTSUPP":           skb(0x806, func(f *fake, ctx uint64) int64 { return f.call("skb_set_tstamp", ctx, 1, 1) }),
		"dynptr_from_mem E2BIG":               func(f *fake) int64 { return f.call("dynptr_from_mem", f.buf(8), 1<<24, 0, f.buf(16)) },
		"dynptr_from_mem EINVAL":              func(f *fake) int64 { return f.call("dynptr_from_mem", f.buf(8), 8, 1, f.buf(16)) },
		"dynptr_read E2BIG":                   dynptr(func(f *fake, d uint64) int64 { return f.call("dynptr_read", f.buf(16), 3, d, 8, 0) }),
		"dynptr_read EINVAL":                  dynptr(func(f *fake, d uint64) int64 { return f.call("dynptr_read", f.buf(16), 1, d, 0, 1) }),
		"dynptr_write E2BIG":                  dynptr(func(f *fake, d uint64) int64 { return f.call("dynptr_write", d, 8, f.buf(16), 3, 0) }),
		"dynptr_write EINVAL":                 dynptr(func(f *fake, d uint64) int64 { return f.call("dynptr_write", d, 0, f.buf(16), 1, 1) }),
		"tcp_raw_gen_syncookie_ipv4 EINVAL":   cookie("tcp_raw_gen_syncookie_ipv4", 19),
		"tcp_raw_gen_syncookie_ipv6 EINVAL":   cookie("tcp_raw_gen_syncookie_ipv6", 19),
		"tcp_raw_check_syncookie_ipv4 EACCES": stale("tcp_raw_check_syncookie_ipv4"),
		"tcp_raw_check_syncookie_ipv6 EACCES": stale("tcp_raw_check_syncookie_ipv6"),
	}
}

// pairs are the "helper ERRNO" of a list; a line may end in a reason.
func pairs(list string) (all []string) {
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		for i := 1; i < len(words) && errnos[words[i]] != 0; i++ {
			all = append(all, words[0]+" "+words[i])
		}
	}
	return all
}

// Each documented error of each simulated helper is caused by a call, or
// cannot happen here for a reason.
func TestDocumentedErrors(t *testing.T) {
	calls := provoke()
	excused := map[string]bool{}
	for _, p := range pairs(impossible) {
		excused[p] = true
	}
	listed := map[string]bool{}
	for _, p := range pairs(documentedErrors) {
		listed[p] = true
		run := calls[p]
		switch name, errno, _ := strings.Cut(p, " "); {
		case helper.ByName(name) == nil:
			t.Errorf("%s: there is no such helper", p)
		case run == nil && !excused[p]:
			t.Errorf("%s: nothing causes it", p)
		case run != nil && excused[p]:
			t.Errorf("%s: both caused and impossible", p)
		case run != nil:
			if got := run(newFake(t)); got != -errnos[errno] {
				t.Errorf("%s: %d, want %d", p, got, -errnos[errno])
			}
		}
	}
	for p := range calls {
		if !listed[p] {
			t.Errorf("%s: not in the list of documented errors", p)
		}
	}
	for p := range excused {
		if !listed[p] {
			t.Errorf("%s: excused, but not in the list of documented errors", p)
		}
	}
}
