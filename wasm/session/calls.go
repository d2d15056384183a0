package session

import (
	"strconv"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

// traceLines is what the current event has printed so far, and what it wrote
// for the reader of its iterator.
func (s *Session) traceLines() []protocol.TraceLine {
	var out []protocol.TraceLine
	for _, e := range s.machine.Events() {
		if e.Kind == helper.EventPrint || e.Kind == helper.EventSeq {
			text := string(e.Data)
			for len(text) > 0 && text[len(text)-1] == '\n' {
				text = text[:len(text)-1]
			}
			out = append(out, protocol.TraceLine{Step: s.events[s.at].start + uint32(e.Step) + 1, Event: uint32(s.at), Text: text})
		}
	}
	return out[max(0, len(out)-maxLines):]
}

// helperCalls is the calls of the current event so far.
func (s *Session) helperCalls() []protocol.HelperCall {
	calls := s.machine.Calls()
	calls = calls[max(0, len(calls)-maxCalls):]
	out := make([]protocol.HelperCall, len(calls))
	for i := range calls {
		out[i] = s.helperCall(&calls[i])
	}
	return out
}

func (s *Session) helperCall(c *vm.Call) protocol.HelperCall {
	out := protocol.HelperCall{
		Step: s.events[s.at].start + uint32(c.Step) + 1, PC: uint32(c.PC), ID: uint32(c.Helper),
		Name: "helper " + strconv.Itoa(c.Helper), Args: s.args(c.Helper, c.Args), Result: c.Ret, ResultText: s.resultText(c.Helper, c.Ret),
	}
	if p := helper.Lookup(c.Helper); p != nil {
		out.Name = p.Name
	}
	if c.TailCall {
		out.ResultText = "does not return: the other program runs"
	}
	return out
}

// args puts the arguments of a helper into words, by its prototype.
func (s *Session) args(id int, v [5]uint64) []protocol.HelperArg {
	p := helper.ProtoFor(s.typ, s.attach, id)
	if p == nil {
		return nil
	}
	var out []protocol.HelperArg
	for i, kind := range p.Args {
		if kind == helper.ArgDontcare {
			break
		}
		a := protocol.HelperArg{Name: argName(kind, i), Value: v[i]}
		switch kind.Base() {
		case helper.ArgAnything, helper.ArgScalar, helper.ArgConstSize, helper.ArgConstSizeOrZero, helper.ArgConstAllocSizeOrZero:
			a.Text = number(v[i])
		case helper.ArgPtrToMapKey, helper.ArgPtrToMapValue:
			a.Text = s.regText(protocol.RegKindPointer, v[i])
			if b, ok := s.argBytes(v[0], v[i], kind.Base() == helper.ArgPtrToMapKey); ok {
				a.Text += ": " + b
			}
		default:
			a.Text = s.regText(protocol.RegKindPointer, v[i])
			if v[i] == 0 {
				a.Text = "NULL"
			}
		}
		out = append(out, a)
	}
	return out
}

// argBytes reads a key or value that a map helper is given, as it is now.
func (s *Session) argBytes(mapPtr, addr uint64, key bool) (string, bool) {
	mp := s.machine.Maps().ByPtr(mapPtr)
	if mp == nil || addr>>32 != 0 {
		return "", false
	}
	n := mp.ValueSize()
	if key {
		n = mp.KeySize()
	}
	if n > 64 || !s.machine.Arena().Valid(uint32(addr), n) {
		return "", false
	}
	b := s.machine.Arena().Bytes(uint32(addr), n)
	if key {
		return s.keyText(mp.Index(), b), true
	}
	return s.valueText(mp.Index(), b), true
}

func argName(k helper.ArgKind, i int) string {
	switch k.Base() {
	case helper.ArgConstMapPtr:
		return "map"
	case helper.ArgPtrToMapKey:
		return "key"
	case helper.ArgPtrToMapValue:
		return "value"
	case helper.ArgPtrToMem, helper.ArgPtrToConstStr, helper.ArgPtrToRingbufMem:
		return "mem"
	case helper.ArgConstSize, helper.ArgConstSizeOrZero, helper.ArgConstAllocSizeOrZero:
		return "size"
	case helper.ArgPtrToCtx:
		return "ctx"
	case helper.ArgPtrToFunc:
		return "callback"
	case helper.ArgPtrToStack:
		return "callback_ctx"
	case helper.ArgPtrToSpinLock:
		return "lock"
	case helper.ArgPtrToDynptr:
		return "dynptr"
	case helper.ArgPtrToSocket, helper.ArgPtrToSockCommon, helper.ArgPtrToBTFIDSockCommon:
		return "sk"
	}
	return "arg" + strconv.Itoa(i+1)
}

// Helpers that make ring buffer records.
const (
	ringbufOutput        = 130
	ringbufReserve       = 131
	ringbufReserveDynptr = 198
)

// ringRecords is the records of the current event, by map; nil when there is
// no map that has some.
func (s *Session) ringRecords() [][]protocol.RingRecord {
	var out [][]protocol.RingRecord
	for i, mp := range s.machine.Maps().Maps() {
		if !sends(mp) {
			continue
		}
		if out == nil {
			out = make([][]protocol.RingRecord, len(s.machine.Maps().Maps()))
		}
		ring, ok := mp.(maps.Ring)
		if !ok {
			out[i] = s.samples(mp)
			continue
		}
		// The n-th record is that of the n-th call that made one.
		var steps []uint32
		for _, c := range s.machine.Calls() {
			made := c.Helper == ringbufOutput && c.Ret == 0 || c.Helper == ringbufReserve && c.Ret != 0 || c.Helper == ringbufReserveDynptr && c.Ret == 0
			if made && c.Args[0] == uint64(mp.Ptr()) {
				steps = append(steps, s.events[s.at].start+uint32(c.Step)+1)
			}
		}
		for n, rec := range ring.Records() {
			r := protocol.RingRecord{Bytes: rec.Data, State: protocol.RecordStateSubmitted, CPU: -1}
			r.Text, r.Type = s.recordText(rec.Data)
			if rec.Busy {
				r.State = protocol.RecordStateReserved
			} else if rec.Discarded {
				r.State = protocol.RecordStateDiscarded
			}
			if n < len(steps) {
				r.Step = steps[n]
			}
			out[i] = append(out[i], r)
		}
	}
	return out
}

// sends says whether user space reads records from a map.
func sends(mp maps.Map) bool {
	t := mp.Spec().Type
	return t == maps.Ringbuf || t == maps.PerfEventArray
}

// samples is what the current event has put out to a perf event array.
func (s *Session) samples(mp maps.Map) (out []protocol.RingRecord) {
	for _, e := range s.machine.Events() {
		if e.Kind == helper.EventOutput && e.Map == mp.Name() {
			r := protocol.RingRecord{Bytes: e.Data, State: protocol.RecordStateSubmitted, Step: s.events[s.at].start + uint32(e.Step) + 1, CPU: int32(e.Index)}
			r.Text, r.Type = s.recordText(e.Data)
			out = append(out, r)
		}
	}
	return out[max(0, len(out)-maxRecords):]
}

// verdict is how the current event, which has exited, ended.
func (s *Session) verdict() protocol.Verdict {
	ret := s.machine.Reg(0)
	n := len(s.input(s.at).Packet)
	v := protocol.Verdict{
		Event: uint32(s.at), Step: s.step(), Value: ret, Name: hook.Action(s.typ, s.attach, int32(ret)),
		Meaning: hook.Meaning(s.typ, s.attach, int32(ret), n), Tone: protocol.ToneOther,
	}
	if v.Name == "" {
		v.Name = s.verdictText(ret)
	}
	v.Tone = tone(s.typ, int32(ret))
	if s.script != nil {
		if effect := s.script.fires[s.at].fired.Effect; effect != "" {
			if v.Meaning != "" {
				v.Meaning += ": "
			}
			v.Meaning += effect
		}
	}
	return v
}

// tone colours a verdict: packets that go on are good, dropped ones bad.
func tone(t hook.ProgType, ret int32) protocol.Tone {
	pick := func(good, bad string) protocol.Tone {
		c := byte('?')
		if ret >= 0 && ret < 10 {
			c = byte('0' + ret)
		}
		for i := 0; i < len(good); i++ {
			if good[i] == c {
				return protocol.ToneGood
			}
		}
		for i := 0; i < len(bad); i++ {
			if bad[i] == c {
				return protocol.ToneBad
			}
		}
		return protocol.ToneOther
	}
	switch t {
	case hook.XDP:
		return pick("234", "01")
	case hook.SchedCls, hook.SchedAct:
		return pick("0137", "2")
	case hook.SocketFilter:
		if ret == 0 {
			return protocol.ToneBad
		}
		return protocol.ToneGood
	case hook.CgroupSkb, hook.SkSkb, hook.SkMsg, hook.Netfilter, hook.SkLookup, hook.CgroupSock, hook.CgroupSockAddr:
		return pick("1", "0")
	case hook.LwtIn, hook.LwtOut, hook.LwtXmit, hook.FlowDissector:
		return pick("07", "2")
	}
	return protocol.ToneOther
}
