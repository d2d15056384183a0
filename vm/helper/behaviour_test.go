package helper_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/helper"
	"skep/vm/hook"
)

// behaviour is one row: what a call, or a few, give. run's value is compared
// with want.
type behaviour struct {
	name string
	run  func(f *fake) any
	want any
}

func check(t *testing.T, rows []behaviour) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.run(newFake(t))
			if w, ok := tt.want.(int); ok {
				if g, ok := got.(int64); ok && g == int64(w) {
					return
				}
			}
			if d := cmp.Diff(fmt.Sprint(tt.want), fmt.Sprint(got)); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

func u32(v uint32) []byte { return le.AppendUint32(nil, v) }
func u64(v ...uint64) []byte {
	var b []byte
	for _, x := range v {
		b = le.AppendUint64(b, x)
	}
	return b
}

// list is several results side by side. A blank at an end is only a blank.
func list(v ...any) string {
	s := strings.TrimSuffix(fmt.Sprintln(v...), "\n")
	if v[0] == " " {
		s = s[1:]
	}
	if v[len(v)-1] == " " {
		s = s[:len(s)-1]
	}
	return s
}

func neg(v int64) uint64 { return uint64(v) }

func TestMapHelpers(t *testing.T) {
	with := func(run func(f *fake, m uint64, key, val uint64) any) func(*fake) any {
		return func(f *fake) any {
			m, _ := f.newMap(1, 4, 8, 2)
			return run(f, m, f.alloc(u32(7)), f.alloc(u64(42)))
		}
	}
	check(t, []behaviour{
		{"lookup misses", with(func(f *fake, m, k, v uint64) any { return f.call("map_lookup_elem", m, k) }), 0},
		{"lookup finds the value", with(func(f *fake, m, k, v uint64) any {
			f.call("map_update_elem", m, k, v, 0)
			return le.Uint64(f.at(uint64(f.call("map_lookup_elem", m, k)), 8))
		}), 42},
		{"update of BPF_NOEXIST", with(func(f *fake, m, k, v uint64) any {
			return list(f.call("map_update_elem", m, k, v, 1), f.call("map_update_elem", m, k, v, 1))
		}), "0 -17"},
		{"update of a full map", with(func(f *fake, m, k, v uint64) any {
			for i := range uint32(2) {
				f.call("map_update_elem", m, f.alloc(u32(i)), v, 0)
			}
			return f.call("map_update_elem", m, k, v, 0)
		}), -7},
		{"delete", with(func(f *fake, m, k, v uint64) any {
			f.call("map_update_elem", m, k, v, 0)
			return list(f.call("map_delete_elem", m, k), f.call("map_delete_elem", m, k))
		}), "0 -2"},
		{"lookup on a CPU", with(func(f *fake, m, k, v uint64) any {
			f.world.CPUs = 2
			f.call("map_update_elem", m, k, v, 0)
			a := f.call("map_lookup_elem", m, k)
			return list(f.call("map_lookup_percpu_elem", m, k, 1)-a, f.call("map_lookup_percpu_elem", m, k, 2))
		}), "8 0"},
		{"queue", func(f *fake) any {
			m, _ := f.newMap(22, 0, 8, 2)
			out := f.buf(8)
			r := list(f.call("map_push_elem", m, f.alloc(u64(1)), 0), f.call("map_push_elem", m, f.alloc(u64(2)), 0), f.call("map_push_elem", m, f.alloc(u64(3)), 0))
			r += list(" ", f.call("map_peek_elem", m, out), le.Uint64(f.at(out, 8)))
			r += list(" ", f.call("map_pop_elem", m, out), le.Uint64(f.at(out, 8)))
			r += list(" ", f.call("map_pop_elem", m, out), le.Uint64(f.at(out, 8)))
			return r + list(" ", f.call("map_pop_elem", m, out), le.Uint64(f.at(out, 8)))
		}, "0 0 -7 0 1 0 1 0 2 -2 0"},
		{"not a map", func(f *fake) any {
			_, err := f.try("map_lookup_elem", nil, f.buf(8), f.buf(8))
			return err
		}, "R1 is not a map: load one with a map reference"},
		{"NULL for a map", func(f *fake) any {
			_, err := f.try("map_lookup_elem", nil, 0, f.buf(8))
			return err
		}, errFault},
		{"for each", with(func(f *fake, m, k, v uint64) any {
			for i := range uint32(2) {
				f.call("map_update_elem", m, f.alloc(u32(i+1)), f.alloc(u64(uint64(10*i))), 0)
			}
			var seen []string
			r, _ := f.try("for_each_map_elem", func(a [5]uint64) uint64 {
				seen = append(seen, list(le.Uint32(f.at(a[1], 4)), le.Uint64(f.at(a[2], 8)), a[3]))
				return 0
			}, m, 0x99, 5, 0)
			return list(seen, r)
		}), "[1 0 5 2 10 5] 2"},
		{"for each stops", with(func(f *fake, m, k, v uint64) any {
			for i := range uint32(2) {
				f.call("map_update_elem", m, f.alloc(u32(i+1)), v, 0)
			}
			r, _ := f.try("for_each_map_elem", func([5]uint64) uint64 { return 1 }, m, 0x99, 5, 0)
			return r
		}), 1},
		{"for each with flags", with(func(f *fake, m, k, v uint64) any { return f.call("for_each_map_elem", m, 0x99, 5, 1) }), -22},
		{"loop", func(f *fake) any {
			var seen []uint64
			r, _ := f.try("loop", func(a [5]uint64) uint64 { seen = append(seen, a[0]+a[1]); return 0 }, 3, 0x99, 100, 0)
			return list(seen, r)
		}, "[100 101 102] 3"},
		{"loop stops", func(f *fake) any {
			r, _ := f.try("loop", func(a [5]uint64) uint64 { return a[0] }, 9, 0x99, 0, 0)
			return r
		}, 2},
		{"loop of nothing", func(f *fake) any { return f.call("loop", 0, 0x99, 0, 0) }, 0},
		{"loop too long", func(f *fake) any { return f.call("loop", 8<<20+1, 0x99, 0, 0) }, -7},
		{"loop with flags", func(f *fake) any { return f.call("loop", 1, 0x99, 0, 1) }, -22},
		{"tail call", func(f *fake) any {
			m, _ := f.newMap(3, 4, 4, 2)
			r := f.call("tail_call", 0, m, 1)
			f.tailOK = true
			f.call("tail_call", 0, m, 1<<32)
			return list(r, f.tails)
		}, "-2 [1 0]"},
		{"spin lock", func(f *fake) any {
			v := f.buf(4)
			f.call("spin_lock", v)
			held := le.Uint32(f.at(v, 4))
			_, err := f.try("spin_lock", nil, v)
			f.call("spin_unlock", v)
			return list(held, err, le.Uint32(f.at(v, 4)))
		}, "1 the lock is held already: taking it again would spin forever 0"},
		{"kptr", func(f *fake) any {
			v := f.alloc(u64(11))
			return list(f.call("kptr_xchg", v, 22), f.call("kptr_xchg", v, 0))
		}, "11 22"},
	})
}

func TestWorldHelpers(t *testing.T) {
	task := func(f *fake) {
		f.world.Task = helper.Task{PID: 12, TGID: 10, UID: 1000, GID: 100, Comm: "a-long-command-name", NSDev: 4, NSIno: 5, NSPID: 2, NSTGID: 1}
		f.world.Cgroups = []uint64{1, 20, 300}
	}
	check(t, []behaviour{
		{"clocks", func(f *fake) any {
			f.world.BootNs, f.world.TAINs = 7, 9
			return list(f.call("ktime_get_ns"), f.call("ktime_get_boot_ns"), f.call("ktime_get_tai_ns"), f.call("ktime_get_coarse_ns"))
		}, "5000000123 5000000130 5000000132 5000000000"},
		{"jiffies", func(f *fake) any { return f.call("jiffies64") - int64(uint32(1<<32-300*250)) }, 1250},
		{"CPU", func(f *fake) any {
			f.cpu, f.world.NUMANode = 3, 1
			return list(f.call("get_smp_processor_id"), f.call("get_numa_node_id"), f.call("get_prandom_u32"))
		}, "3 1 4"},
		{"ids", func(f *fake) any {
			task(f)
			return list(f.call("get_current_pid_tgid") == 10<<32|12, f.call("get_current_uid_gid") == 100<<32|1000)
		}, "true true"},
		{"comm is cut and filled", func(f *fake) any {
			task(f)
			b := f.alloc([]byte("xxxxxxxxxxxxxxxxxxxx"))
			r := f.call("get_current_comm", b, 18)
			return list(r, fmt.Sprintf("%q", f.at(b, 20)))
		}, `0 "a-long-command-\x00\x00\x00xx"`},
		{"comm in a small buffer", func(f *fake) any {
			task(f)
			b := f.buf(8)
			f.call("get_current_comm", b, 4)
			return string(f.at(b, 4))
		}, "a-l\x00"},
		{"ids of a namespace", func(f *fake) any {
			task(f)
			b := f.buf(8)
			r := list(f.call("get_ns_current_pid_tgid", 4, 5, b, 8), f.at(b, 8))
			return r + list(" ", f.call("get_ns_current_pid_tgid", 4, 6, b, 8), f.at(b, 8))
		}, "0 [2 0 0 0 1 0 0 0] -22 [0 0 0 0 0 0 0 0]"},
		{"task pointers", func(f *fake) any {
			return list(f.call("get_current_task") == f.call("get_current_task_btf"), f.call("task_pt_regs", 0) != 0)
		}, "true true"},
		{"cgroups", func(f *fake) any {
			task(f)
			return list(f.call("get_current_cgroup_id"), f.call("get_current_ancestor_cgroup_id", 1), f.call("get_current_ancestor_cgroup_id", 3), f.call("get_current_ancestor_cgroup_id", neg(-1)))
		}, "300 20 0 0"},
		{"under a cgroup", func(f *fake) any {
			task(f)
			m, a := f.newMap(8, 4, 4, 3)
			a.refs = map[uint32]uint32{0: 20, 1: 21}
			return list(f.call("current_task_under_cgroup", m, 0), f.call("current_task_under_cgroup", m, 1), f.call("current_task_under_cgroup", m, 2), f.call("current_task_under_cgroup", m, 3))
		}, "1 0 -11 -7"},
		{"signals", func(f *fake) any {
			idle := f.call("send_signal", 9)
			task(f)
			r := list(idle, f.call("send_signal", 0), f.call("send_signal", 65), f.call("send_signal", 9), f.call("send_signal_thread", 10))
			return r + list(" ", f.events[0].Index, f.events[1].Index, len(f.events))
		}, "-1 0 -22 0 0 9 10 2"},
		{"class id", func(f *fake) any {
			f.world.ClassID, f.world.Realm, f.world.NetNS = 3, 4, 5
			return list(f.call("get_cgroup_classid"), f.call("skb_cgroup_classid"), f.call("get_route_realm"), f.call("get_netns_cookie"))
		}, "3 3 4 5"},
		{"traced function", func(f *fake) any {
			f.world.FuncIP, f.world.Cookie, f.world.FuncArgs, f.world.FuncRet = 1, 2, []uint64{8, 9}, 7
			b := f.buf(8)
			r := list(f.call("get_func_ip"), f.call("get_attach_cookie"), f.call("get_func_arg_cnt"), f.call("get_func_arg", 0, 1, b), le.Uint64(f.at(b, 8)), f.call("get_func_arg", 0, 2, b), f.call("get_func_ret", 0, b))
			f.attach = hook.TraceFexit
			return r + list(" ", f.call("get_func_ret", 0, b), le.Uint64(f.at(b, 8)))
		}, "1 2 2 0 9 -22 -95 0 7"},
		{"return values", func(f *fake) any {
			regs := f.buf(168)
			r := list(f.call("set_retval", neg(-13)), f.call("get_retval"), f.call("override_return", regs, neg(-12)))
			return r + list(" ", int64(le.Uint64(f.at(regs+80, 8))))
		}, "0 -13 0 -12"},
		{"path", func(f *fake) any {
			f.world.PathName = "/etc/passwd"
			b := f.buf(16)
			return list(f.call("d_path", 0, b, 16), string(f.at(b, 11)), f.call("d_path", 0, b, 11), f.call("d_path", 0, b, 0))
		}, "12 /etc/passwd -36 0"},
		{"symbols", func(f *fake) any {
			f.world.Symbols = []helper.Symbol{{Name: "bpf_map", Addr: 77}}
			b := f.buf(8)
			n := f.str("bpf_map")
			return list(f.call("kallsyms_lookup_name", n, 8, 0, b), le.Uint64(f.at(b, 8)), f.call("kallsyms_lookup_name", f.str("none"), 5, 0, b), le.Uint64(f.at(b, 8)), f.call("kallsyms_lookup_name", n, 7, 0, b), f.call("kallsyms_lookup_name", n, 8, 1, b))
		}, "0 77 -2 0 -22 -22"},
		{"infrared keys", func(f *fake) any {
			r := list(f.call("rc_repeat", 0), f.call("rc_keydown", 0, 1, 2, 3), f.call("rc_pointer_rel", 0, 1, 2))
			return r + list(" ", len(f.events), f.events[1].Index)
		}, "0 0 0 3 2"},
	})
}

func TestTextHelpers(t *testing.T) {
	num := func(name, text string, flags uint64) func(*fake) any {
		return func(f *fake) any {
			res := f.alloc(u64(99))
			r := f.call(name, f.alloc([]byte(text)), uint64(len(text)), flags, res)
			return list(r, int64(le.Uint64(f.at(res, 8))))
		}
	}
	cmp := func(a string, n uint64, b string) func(*fake) any {
		return func(f *fake) any { return f.call("strncmp", f.str(a), n, f.str(b)) }
	}
	printk := func(fmt string, args ...uint64) func(*fake) any {
		return func(f *fake) any {
			r := f.call("trace_printk", append([]uint64{f.str(fmt), uint64(len(fmt) + 1)}, args...)...)
			if len(f.events) == 0 {
				return r
			}
			return list(r, " ") + string(f.events[0].Data)
		}
	}
	check(t, []behaviour{
		{"strtol", num("strtol", " \t-123x", 10), "6 -123"},
		{"strtol hex", num("strtol", "0x1Fg", 0), "4 31"},
		{"strtol octal", num("strtol", "0178", 0), "3 15"},
		{"strtol base 16 prefix", num("strtol", "0xff", 16), "4 255"},
		{"strtol of the least", num("strtol", "-9223372036854775808", 0), "20 -9223372036854775808"},
		{"strtol below", num("strtol", "-9223372036854775809", 0), "-34 0"},
		{"strtol above", num("strtol", "9223372036854775808", 0), "-34 0"},
		{"strtol of no digits", num("strtol", "x", 10), "-22 0"},
		{"strtol of a minus", num("strtol", "-", 10), "-22 0"},
		{"strtol base 7", num("strtol", "1", 7), "-22 0"},
		{"strtol flags", num("strtol", "1", 64), "-22 0"},
		{"strtol of nothing", num("strtol", "", 10), "-22 0"},
		{"strtoul", num("strtoul", "18446744073709551615", 0), "20 -1"},
		{"strtoul overflow", num("strtoul", "18446744073709551616", 0), "-34 0"},
		{"strtoul negative", num("strtoul", "-1", 0), "-22 0"},
		{"strncmp equal", cmp("abc", 4, "abc"), 0},
		{"strncmp in part", cmp("abcd", 3, "abcx"), 0},
		{"strncmp less", cmp("abb", 4, "abc"), -1},
		{"strncmp longer", cmp("abcd", 5, "abc"), 1},
		{"strncmp shorter", cmp("ab", 3, "abc"), -1},
		{"printk", printk("n=%d u=%u x=%x", neg(-1), neg(-1), 255), "22 n=-1 u=4294967295 x=ff"},
		{"printk wide", printk("%lld %llx|%5d", neg(-1), neg(-1), 42), "25 -1 ffffffffffffffff|   42"},
		{"printk flags", printk("%-4d|%04d|%+d", 7, neg(-7), 7), "12 7   |-007|+7"},
		{"printk character and percent", printk("%c%%", 'A'), "2 A%"},
		{"printk pointer", printk("%p", 0xabc), "16 0000000000000abc"},
		{"printk UTF-8", printk("é"), "2 é"},
		{"printk too many conversions", printk("%d%d%d%d"), -22},
		{"printk of a float", printk("%f"), -22},
		{"printk of a control character", printk("\x01"), -22},
		{"printk ends in percent", printk("%"), -22},
		{"printk %s before a letter", printk("%sx", 0), -22},
		{"printk without NUL", func(f *fake) any { return f.call("trace_printk", f.alloc([]byte("abc")), 3) }, -22},
		{"printk %s", func(f *fake) any {
			r := f.call("trace_printk", f.str("<%s|%6s>"), 9, f.str("hi"), f.str("yo"))
			return list(r, string(f.events[0].Data))
		}, "11 <hi|    yo>"},
		{"printk %s of nothing", func(f *fake) any {
			f.call("trace_printk", f.str("<%s>"), 5, 3)
			return string(f.events[0].Data)
		}, "<>"},
		{"printk addresses", func(f *fake) any {
			a4, a6 := f.alloc([]byte{10, 0, 2, 15}), f.alloc([]byte{0x20, 1, 0xd, 0xb8, 15: 1})
			f.call("trace_printk", f.str("%pI4 %pi4 %pI6"), 15, a4, a4, a6)
			return string(f.events[0].Data)
		}, "10.0.2.15 010.000.002.015 2001:0db8:0000:0000:0000:0000:0000:0001"},
		{"vprintk", func(f *fake) any {
			args := f.alloc(u64(1, 2, 3, 4))
			r := list(f.call("trace_vprintk", f.str("%d%d%d%d"), 9, args, 32), f.call("trace_vprintk", f.str("%d"), 3, args, 7))
			return r + " " + string(f.events[0].Data)
		}, "4 -22 1234"},
		{"snprintf", func(f *fake) any {
			b := f.alloc([]byte("xxxxxxxx"))
			r := f.call("snprintf", b, 8, f.str("%d-%d"), f.alloc(u64(12, 34)), 16)
			return list(r, fmt.Sprintf("%q", f.at(b, 8)))
		}, `6 "12-34\x00xx"`},
		{"snprintf cut", func(f *fake) any {
			b := f.alloc([]byte("xxxxxxxx"))
			r := f.call("snprintf", b, 4, f.str("%d-%d"), f.alloc(u64(12, 34)), 16)
			return list(r, fmt.Sprintf("%q", f.at(b, 5)))
		}, `6 "12-\x00x"`},
		{"snprintf into nothing", func(f *fake) any { return f.call("snprintf", 0, 0, f.str("abc"), 0, 0) }, 4},
		{"snprintf with half an argument", func(f *fake) any { return f.call("snprintf", 0, 0, f.str("abc"), f.buf(8), 4) }, -22},
		{"seq", func(f *fake) any {
			r := list(f.call("seq_printf", 0, f.str("v=%d"), 5, f.alloc(u64(3)), 8), f.call("seq_write", 0, f.str("raw"), 3))
			return r + " " + string(f.events[0].Data) + string(f.events[1].Data)
		}, "0 0 v=3raw"},
	})
}

func TestProbeHelpers(t *testing.T) {
	const user = 0x7f0000000000
	f0 := func(run func(f *fake, dst uint64) any) func(*fake) any {
		return func(f *fake) any {
			f.user[user] = []byte("user\x00rest")
			return run(f, f.alloc([]byte("zzzzzzzz")))
		}
	}
	str := func(f *fake, a uint64, n int) string { return fmt.Sprintf("%q", f.at(a, n)) }
	check(t, []behaviour{
		{"kernel", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_kernel", d, 4, f.str("kern")), str(f, d, 4))
		}), `0 "kern"`},
		{"kernel from user", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_kernel", d, 4, user), str(f, d, 5))
		}), `-14 "\x00\x00\x00\x00z"`},
		{"user", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_user", d, 4, user), str(f, d, 4), f.call("copy_from_user", d, 4, user+5), str(f, d, 4), f.call("copy_from_user_task", d, 4, user, 0, 0), f.call("copy_from_user_task", d, 4, user, 0, 1))
		}), `0 "user" 0 "rest" 0 -22`},
		{"either", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read", d, 4, user), f.call("probe_read", d, 4, f.str("kern")), f.call("probe_read", d, 4, 8))
		}), "0 0 -14"},
		{"nothing", f0(func(f *fake, d uint64) any { return f.call("probe_read_kernel", d, 0, 0) }), 0},
		{"string", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_user_str", d, 8, user), str(f, d, 6))
		}), `5 "user\x00z"`},
		{"string cut", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_user_str", d, 3, user), str(f, d, 4))
		}), `3 "us\x00z"`},
		{"string of no memory", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_read_kernel_str", d, 3, 0), str(f, d, 4), f.call("probe_read_str", d, 0, 0), f.call("probe_read_kernel_str", d, 8, f.str("k")))
		}), `-14 "\x00\x00\x00z" 0 2`},
		{"write", f0(func(f *fake, d uint64) any {
			return list(f.call("probe_write_user", user, d, 4), string(f.user[user][:5]), f.call("probe_write_user", 5, d, 4))
		}), "0 zzzz\x00 -14"},
		{"destination that is not there", func(f *fake) any {
			_, err := f.try("probe_read_kernel", nil, 0, 4, base)
			return err
		}, errFault},
	})
}

func TestFormatNeverPanics(t *testing.T) {
	f := newFake(t)
	for _, s := range []string{"%", "%l", "%ll", "%p", "%pk", "%pI", "%pI5", "%-", "%5", "%0+- 9", strings.Repeat("%d", 13), "%999999999999d"} {
		f.call("trace_printk", f.str(s), uint64(len(s)+1), 1, 2, 3)
	}
}
