package helper_test

import (
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

func TestRingHelpers(t *testing.T) {
	ring := func(run func(f *fake, m uint64, r *fakeMap) any) func(*fake) any {
		return func(f *fake) any {
			m, r := f.newMap(27, 0, 0, 4096)
			return run(f, m, r)
		}
	}
	check(t, []behaviour{
		{"output", ring(func(f *fake, m uint64, r *fakeMap) any {
			return list(f.call("ringbuf_output", m, f.str("abc"), 3, 0), r.done, f.call("ringbuf_output", m, f.str("abc"), 3, 4))
		}), "0 [abc] -22"},
		{"output when full", ring(func(f *fake, m uint64, r *fakeMap) any {
			r.full = true
			return f.call("ringbuf_output", m, f.str("abc"), 3, 0)
		}), -11},
		{"reserve and submit", ring(func(f *fake, m uint64, r *fakeMap) any {
			a := uint64(f.call("ringbuf_reserve", m, 3, 0))
			copy(f.at(a, 3), "xyz")
			f.call("ringbuf_submit", a, 0)
			b := uint64(f.call("ringbuf_reserve", m, 3, 0))
			f.call("ringbuf_discard", b, 0)
			return list(r.done, r.dropped, f.call("ringbuf_reserve", m, 3, 1))
		}), "[xyz] 1 0"},
		{"submit twice", ring(func(f *fake, m uint64, r *fakeMap) any {
			a := uint64(f.call("ringbuf_reserve", m, 3, 0))
			f.call("ringbuf_submit", a, 0)
			_, err := f.try("ringbuf_submit", nil, a, 0)
			return err
		}), "R1 is no reserved record: it was submitted, discarded or never reserved"},
		{"query", ring(func(f *fake, m uint64, r *fakeMap) any {
			return list(f.call("ringbuf_query", m, 1), f.call("ringbuf_query", m, 4))
		}), "101 0"},
		{"dynptr over memory", func(f *fake) any {
			mem, d, out := f.str("0123456789"), f.buf(16), f.buf(16)
			r := list(f.call("dynptr_from_mem", mem, 10, 0, d), f.call("dynptr_read", out, 3, d, 4, 0), string(f.at(out, 3)))
			r += list(" ", f.call("dynptr_write", d, 8, f.str("ab"), 2, 0), string(f.at(mem, 10)), f.call("dynptr_write", d, 9, f.str("ab"), 2, 0), f.call("dynptr_read", out, 11, d, 0, 0), f.call("dynptr_read", out, 1, d, 0, 1))
			return r + list(" ", f.call("dynptr_data", d, 2, 8)-int64(mem), f.call("dynptr_data", d, 3, 8))
		}, "0 0 456 0 01234567ab -7 -7 -22 2 0"},
		{"dynptr too large", func(f *fake) any {
			d, out := f.buf(16), f.buf(16)
			return list(f.call("dynptr_from_mem", f.buf(8), 1<<24, 0, d), f.call("dynptr_read", out, 1, d, 0, 0), f.call("dynptr_write", d, 0, out, 1, 0), f.call("dynptr_data", d, 0, 1), f.call("dynptr_from_mem", f.buf(8), 1, 1, d))
		}, "-7 -22 -22 0 -22"},
		{"dynptr of a record", ring(func(f *fake, m uint64, r *fakeMap) any {
			d := f.buf(16)
			s := list(f.call("ringbuf_reserve_dynptr", m, 2, 0, d), f.call("dynptr_write", d, 0, f.str("hi"), 2, 0), f.call("ringbuf_submit_dynptr", d, 0), f.call("ringbuf_submit_dynptr", d, 0), r.done)
			s += list(" ", f.call("ringbuf_reserve_dynptr", m, 2, 0, d), f.call("ringbuf_discard_dynptr", d, 0), r.dropped)
			s += list(" ", f.call("ringbuf_reserve_dynptr", m, 2, 1, d), f.call("ringbuf_reserve_dynptr", m, 1<<24, 0, d))
			r.full = true
			return s + list(" ", f.call("ringbuf_reserve_dynptr", m, 2, 0, d))
		}), "0 0 0 0 [hi] 0 0 1 -22 -7 -22"},
		{"perf output", func(f *fake) any {
			m, a := f.newMap(4, 4, 4, 2)
			a.refs = map[uint32]uint32{0: 1, 1: 1}
			s := f.str("abc")
			r := list(f.call("perf_event_output", 0, m, 0xffffffff, s, 3), f.call("perf_event_output", 0, m, 1, s, 3), f.call("perf_event_output", 0, m, 2, s, 3), f.call("perf_event_output", 0, m, 1<<52, s, 3))
			a.refs = nil
			return r + list(" ", f.call("perf_event_output", 0, m, 0, s, 3), string(f.events[0].Data), f.events[0].Index)
		}, "0 -95 -7 -22 -2 abc 0"},
		{"perf output with packet", func(f *fake) any {
			ctx := f.packet(hook.XDP, []byte("0123456789abcdef"), 0)
			m, a := f.newMap(4, 4, 4, 1)
			a.refs = map[uint32]uint32{0: 1}
			r := list(f.call("perf_event_output", ctx, m, 0xffffffff|4<<32, f.str("ab"), 2), f.call("perf_event_output", ctx, m, 0xffffffff|17<<32, f.str("ab"), 2))
			return r + " " + string(f.events[0].Data)
		}, "0 -14 ab0123"},
		{"perf counters", func(f *fake) any {
			f.world.PerfCount = helper.PerfValue{Counter: 1, Enabled: 2, Running: 3}
			m, a := f.newMap(4, 4, 4, 1)
			a.refs = map[uint32]uint32{0: 1}
			b := f.buf(24)
			return list(f.call("perf_event_read", m, 0), f.call("perf_event_read", m, 1), f.call("perf_event_read", m, 1<<32), f.call("perf_event_read_value", m, 0, b, 24), f.at(b, 24)[16], f.call("perf_event_read_value", m, 0, b, 16), f.call("perf_prog_read_value", 0, b, 24))
		}, "1 -7 -22 0 3 -22 0"},
		{"branches", func(f *fake) any {
			b := f.buf(64)
			r := list(f.call("read_branch_records", 0, b, 24, 0), f.call("get_branch_snapshot", b, 24, 0))
			f.world.Branches = []helper.Branch{{From: 1, To: 2}, {From: 3, To: 4}}
			return r + list(" ", f.call("read_branch_records", 0, 0, 0, 1), f.call("read_branch_records", 0, b, 24, 0), f.call("read_branch_records", 0, b, 23, 0), f.call("read_branch_records", 0, b, 24, 2), f.call("get_branch_snapshot", b, 64, 0), f.call("get_branch_snapshot", b, 64, 1))
		}, "-2 -2 48 24 -22 -22 48 -22"},
		{"stack id", func(f *fake) any {
			m, a := f.newMap(7, 4, 24, 4)
			f.world.Stacks = [][]uint64{{1, 2, 3, 4}}
			f.world.UserIPs = []uint64{9}
			id := f.call("get_stackid", 0, m, 0)
			r := list(a.stacks[uint32(id)], f.call("get_stackid", 0, m, 0) == id, f.call("get_stackid", 0, m, 4), f.call("get_stackid", 0, m, 1<<12))
			a.stacks[uint32(id)] = []uint64{5}
			return r + list(" ", f.call("get_stackid", 0, m, 0), f.call("get_stackid", 0, m, 1<<10) == id, f.call("get_stackid", 0, m, 1<<8) != id)
		}, "[1 2 3] true -14 -22 -17 true true"},
		{"stack copy", func(f *fake) any {
			f.world.Stacks = [][]uint64{{1, 2, 3}}
			b := f.alloc(u64(7, 7, 7, 7))
			r := list(f.call("get_stack", 0, b, 32, 1), f.at(b, 32)[0], f.at(b, 32)[8], f.at(b, 32)[16])
			return r + list(" ", f.call("get_task_stack", 0, b, 32, 0), f.call("get_stack", 0, b, 31, 0), f.call("get_stack", 0, b, 32, 4), f.call("get_stack", 0, b, 32, 1<<9))
		}, "16 2 3 0 24 -22 -14 -22"},
		{"timer", func(f *fake) any {
			v := f.buf(16)
			r := list(f.call("timer_start", v, 5, 0), f.call("timer_cancel", v), f.call("timer_set_callback", v, 5), f.call("timer_init", v, 0, 2), f.call("timer_init", v, 0, 16), f.call("timer_init", v, 0, 1), f.call("timer_init", v, 0, 1))
			r += list(" ", f.call("timer_start", v, 5, 0), f.call("timer_set_callback", v, 5), f.call("timer_start", v, 5, 4), f.call("timer_start", v, 5, 0), helper.ParseTimer(f.at(v, 16)).Expires-f.now)
			return r + list(" ", f.call("timer_cancel", v), f.call("timer_cancel", v), f.events[0].Kind == helper.EventTimer)
		}, "-22 -22 -22 -22 -22 0 -16 -22 0 -22 0 5 1 0 true"},
		{"timer in its callback", func(f *fake) any {
			v := f.buf(16)
			f.vars[helper.VarTimer] = v
			return list(f.call("timer_init", v, 0, 7), f.call("timer_cancel", v))
		}, "0 -35"},
		{"work queue", func(f *fake) any {
			v := f.buf(16)
			r := list(f.call("wq_start", v, 0), f.call("wq_set_callback_impl", v, 5, 0, 0), f.call("wq_init", v, 0, 1), f.call("wq_init", v, 0, 0), f.call("wq_init", v, 0, 0))
			r += list(" ", f.call("wq_start", v, 0), f.call("wq_set_callback_impl", v, 5, 1, 0), f.call("wq_set_callback_impl", v, 5, 0, 0), f.call("wq_start", v, 1), f.call("wq_start", v, 0))
			w := helper.ParseTimer(f.at(v, 16))
			return r + list(" ", w.Work, w.Callback, w.Expires == f.now)
		}, "-22 -22 -22 0 -16 -22 -22 0 -22 0 true 5 true"},
	})
}
