package helper_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

func TestKfuncTable(t *testing.T) {
	all := helper.Kfuncs()
	if !slices.IsSortedFunc(all, func(a, b helper.Kfunc) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("kfuncs are not sorted by name")
	}
	sim := 0
	for i := range all {
		k := &all[i]
		if helper.KfuncByName(k.Name) != k {
			t.Errorf("%s is not found by name", k.Name)
		}
		id := helper.KfuncID(k.Name)
		if helper.Name(id) != k.Name || helper.Lookup(id) != nil {
			t.Errorf("%s: number %d is %q", k.Name, id, helper.Name(id))
		}
		if k.Hooks == 0 || (k.Since() == "") != (k.Doc() == "") {
			t.Errorf("%+v is incomplete", k)
		}
		if helper.Simulated(id) {
			sim++
			if k.Doc() == "" && !strings.HasPrefix(k.Name, "bpf_cpumask_") {
				t.Errorf("%s is simulated and has no sentence", k.Name)
			}
		}
	}
	t.Logf("%d kfuncs, %d simulated", len(all), sim)
	if helper.KfuncByName("bpf_zzz") != nil || helper.KfuncByName("") != nil || helper.KfuncID("bpf_zzz") != 0 {
		t.Error("there is a bpf_zzz")
	}
}

func TestKfuncAllowed(t *testing.T) {
	for _, tt := range []struct {
		name string
		typ  hook.ProgType
		ok   bool
	}{
		{"bpf_iter_num_new", hook.SocketFilter, true},
		{"bpf_dynptr_from_skb", hook.SchedCls, true},
		{"bpf_dynptr_from_skb", hook.XDP, false},
		{"bpf_dynptr_from_xdp", hook.XDP, true},
		{"bpf_task_acquire", hook.LSM, true},
		{"bpf_task_acquire", hook.SocketFilter, false},
		{"bpf_session_cookie", hook.Kprobe, true},
		{"bpf_iter_num_new", hook.SockOps, true},
		{"bpf_obj_new_impl", hook.SockOps, false},
	} {
		if got := helper.KfuncByName(tt.name).Allowed(tt.typ); got != tt.ok {
			t.Errorf("%s from %v: %v", tt.name, tt.typ, got)
		}
	}
}

// TestKfuncCorpus: what programs that the kernel accepted call must be in the
// table and allowed.
func TestKfuncCorpus(t *testing.T) {
	n := 0
	sc := data(t, "verifier-corpus-6.12.jsonl.gz")
	for sc.Scan() {
		var r struct {
			ID     string
			Type   string `json:"prog_type"`
			Kfuncs [][3]any
			Kernel struct{ OK bool }
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		typ, _ := hook.ByName(r.Type)
		for _, k := range r.Kfuncs {
			name, _ := k[2].(string)
			if !r.Kernel.OK || name == "" {
				continue
			}
			n++
			switch k := helper.KfuncByName(name); {
			case k == nil:
				t.Errorf("%s calls %s, which is not in the table", r.ID, name)
			case typ != hook.Ext && !k.Allowed(typ):
				t.Errorf("%s of type %s calls %s, which the table refuses", r.ID, r.Type, name)
			}
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls", n)
}

func TestKfuncs(t *testing.T) {
	count := func(next string, f *fake, it uint64) string {
		var out []int32
		for range 100 {
			p := f.call(next, it)
			if p == 0 {
				break
			}
			out = append(out, int32(le.Uint32(f.at(uint64(p), 4))))
		}
		return list(out)
	}
	check(t, []behaviour{
		{"numbers", func(f *fake) any {
			it := f.buf(8)
			r := list(f.call("iter_num_new", it, 3, 6), count("iter_num_next", f, it), f.call("iter_num_destroy", it))
			r += list(" ", f.call("iter_num_new", it, neg(-1), 1), count("iter_num_next", f, it), f.call("iter_num_next", it))
			return r + list(" ", f.call("iter_num_new", it, 1, 0), f.call("iter_num_next", it), f.call("iter_num_new", it, 0, 8<<20+1), f.call("iter_num_new", it, 5, 5), f.call("iter_num_next", it))
		}, "0 [3 4 5] 0 0 [-1 0] 0 -22 0 -7 0 0"},
		{"bits", func(f *fake) any {
			it, w := f.buf(16), f.alloc(u64(0x8001, 4))
			r := list(f.call("iter_bits_new", it, w, 2), count("iter_bits_next", f, it), f.call("iter_bits_destroy", it))
			return r + list(" ", f.call("iter_bits_new", it, 0, 1), f.call("iter_bits_next", it), f.call("iter_bits_new", it, w, 512), f.call("iter_bits_new", it, 8, 1))
		}, "0 [0 15 66] 0 -22 0 -7 -14"},
		{"sections", func(f *fake) any {
			return list(f.call("rcu_read_lock"), f.call("rcu_read_unlock"), f.call("preempt_disable"), f.call("preempt_enable"))
		}, "0 0 0 0"},
		{"casts", func(f *fake) any {
			return list(f.call("cast_to_kern_ctx", 5), f.call("rdonly_cast", 6, 7), f.call("refcount_acquire_impl", 8), f.call("task_acquire", 9), f.call("cgroup_acquire", 10), f.call("cpumask_acquire", 11))
		}, "5 6 8 9 10 11"},
		{"dynptr of a packet", func(f *fake) any {
			ctx := f.packet(hook.SchedCls, frame(), 0x800)
			d, e := f.buf(16), f.buf(16)
			r := list(f.call("dynptr_from_skb", ctx, 0, d), f.call("dynptr_size", d), f.call("dynptr_is_null", d), f.call("dynptr_is_rdonly", d), uint64(f.call("dynptr_slice", d, 14, 0, 20))-f.pkt.Data, f.call("dynptr_slice", d, 31, 0, 20), uint64(f.call("dynptr_slice_rdwr", d, 0, 0, 50))-f.pkt.Data)
			r += list(" ", f.call("dynptr_adjust", d, 14, 34), f.call("dynptr_size", d), uint64(f.call("dynptr_slice", d, 1, 0, 19))-f.pkt.Data, f.call("dynptr_adjust", d, 0, 21), f.call("dynptr_adjust", d, 2, 1))
			return r + list(" ", f.call("dynptr_clone", d, e), f.call("dynptr_size", e), f.call("dynptr_from_skb", ctx, 1, d), f.call("dynptr_is_null", d), f.call("dynptr_clone", d, e), f.call("dynptr_size", e) == 1<<32-22)
		}, "0 50 0 0 14 0 0 0 20 15 -34 -22 0 20 -22 1 -22 true"},
		{"dynptr of an XDP packet", func(f *fake) any {
			ctx := f.packet(hook.XDP, frame(), 0)
			d, b := f.buf(16), f.buf(8)
			return list(f.call("dynptr_from_xdp", ctx, 0, d), f.call("dynptr_write", d, 42, f.str("PAY"), 3, 0), f.call("dynptr_read", b, 8, d, 42, 0), string(f.at(b, 8)), f.call("dynptr_read", b, 8, d, 43, 0))
		}, "0 0 0 PAYload! -7"},
		{"dynptr that may not write", func(f *fake) any {
			ctx := f.packet(hook.CgroupSkb, frame(), 0)
			d := f.buf(16)
			f.call("dynptr_from_skb", ctx, 0, d)
			return list(f.call("dynptr_is_rdonly", d), f.call("dynptr_slice_rdwr", d, 0, 0, 1), f.call("dynptr_slice", d, 0, 0, 1) != 0, f.call("dynptr_write", d, 0, f.str("x"), 1, 0))
		}, "1 0 true -22"},
		{"objects", func(f *fake) any {
			a, b := f.call("obj_new_impl", 1, 0), f.call("percpu_obj_new_impl", 1, 0)
			return list(a != 0, a != b, f.call("obj_drop_impl", uint64(a), 0), f.call("percpu_obj_drop_impl", uint64(b), 0))
		}, "true true 0 0"},
		{"list", func(f *fake) any {
			h, a, b, c := f.buf(16), f.buf(24), f.buf(24), f.buf(24)
			r := list(f.call("list_pop_front", h), f.call("list_push_front_impl", h, a), f.call("list_push_back_impl", h, b), f.call("list_push_front_impl", h, c), f.call("list_push_front_impl", h, a))
			r += list(" ", f.call("list_pop_front", h) == int64(c), f.call("list_pop_back", h) == int64(b), f.call("list_pop_back", h) == int64(a), f.call("list_pop_front", h))
			return r + list(" ", f.call("list_push_back_impl", h, a))
		}, "0 0 0 0 -22 true true true 0 0"},
		{"tree", func(f *fake) any {
			root := f.buf(16)
			node := map[uint64]uint64{}
			less := func(a [5]uint64) uint64 { return map[bool]uint64{true: 1}[node[a[0]] < node[a[1]]] }
			var at []uint64
			for _, v := range []uint64{5, 2, 9, 5} {
				n := f.buf(32)
				node[n] = v
				at = append(at, n)
				f.try("rbtree_add_impl", less, root, n, 0x99)
			}
			again, _ := f.try("rbtree_add_impl", less, root, at[0], 0x99)
			var out []uint64
			for {
				n := uint64(f.call("rbtree_first", root))
				if n == 0 {
					break
				}
				out = append(out, node[n])
				f.call("rbtree_remove", root, n)
			}
			return list(again, out, f.call("rbtree_remove", root, at[0]))
		}, "-22 [2 5 5 9] 0"},
		{"throw", func(f *fake) any { f.call("throw", 7); return *f.thrown }, 7},
		{"tasks and cgroups", func(f *fake) any {
			f.world.Task.PID = 3
			f.world.Cgroups = []uint64{1, 20}
			g := uint64(f.call("cgroup_from_id", 20))
			r := list(f.call("task_from_pid", 3) == f.call("get_current_task"), f.call("task_from_pid", 4), f.call("cgroup_from_id", 2), f.call("cgroup_ancestor", g, 0) == f.call("cgroup_from_id", 1), f.call("cgroup_ancestor", g, 2))
			return r + list(" ", f.call("task_release", 0), f.call("cgroup_release", g), f.call("put_file", 0), f.call("key_put", 0))
		}, "true 0 0 true 0 0 0 0 0"},
		{"elements", func(f *fake) any {
			m, a := f.newMap(1, 4, 4, 8)
			a.Update(u32(1), u32(1), 0, 0)
			a.Update(u32(2), u32(1), 0, 0)
			return f.call("map_sum_elem_count", m)
		}, 2},
		{"user string", func(f *fake) any {
			f.user[0x7000000] = []byte("abc\x00")
			b := f.alloc([]byte("zzzzzzzz"))
			return list(f.call("copy_from_user_str", b, 8, 0x7000000, 1), f.call("copy_from_user_str", b, 8, 0x7000000, 2), f.at(b, 8)[7], f.call("copy_from_user_str", b, 8, 1, 0))
		}, "4 -22 0 -14"},
		{"device hints", func(f *fake) any {
			return list(f.call("xdp_metadata_rx_timestamp"), f.call("xdp_metadata_rx_hash"), f.call("xdp_metadata_rx_vlan_tag"))
		}, "-95 -95 -95"},
		{"cpumask", func(f *fake) any {
			f.world.CPUs = 4
			a, b, d := uint64(f.call("cpumask_create")), uint64(f.call("cpumask_create")), uint64(f.call("cpumask_create"))
			r := list(f.call("cpumask_empty", a), f.call("cpumask_first", a), f.call("cpumask_set_cpu", 2, a), f.call("cpumask_set_cpu", 9, a), f.call("cpumask_test_cpu", 2, a), f.call("cpumask_first", a), f.call("cpumask_first_zero", a), f.call("cpumask_test_and_set_cpu", 2, a), f.call("cpumask_test_and_clear_cpu", 2, a), f.call("cpumask_weight", a))
			f.call("cpumask_setall", a)
			f.call("cpumask_set_cpu", 1, b)
			r += list(" ", f.call("cpumask_full", a), f.call("cpumask_subset", b, a), f.call("cpumask_intersects", a, b), f.call("cpumask_equal", a, b), f.call("cpumask_first_and", a, b), f.call("cpumask_any_and_distribute", a, b), f.call("cpumask_any_distribute", b))
			f.call("cpumask_and", d, a, b)
			r += list(" ", le.Uint64(f.at(d, 8)))
			f.call("cpumask_xor", d, a, b)
			r += list(" ", le.Uint64(f.at(d, 8)))
			f.call("cpumask_or", d, d, b)
			r += list(" ", le.Uint64(f.at(d, 8)))
			f.call("cpumask_clear_cpu", 0, d)
			f.call("cpumask_copy", b, d)
			r += list(" ", le.Uint64(f.at(b, 8)))
			f.call("cpumask_clear", b)
			return r + list(" ", f.call("cpumask_empty", b), f.call("cpumask_release", b))
		}, "1 4 0 0 1 2 0 1 1 0 1 1 1 0 1 1 1 2 13 15 14 1 0"},
	})
}
