package helper_test

import (
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// FuzzRun calls any helper or kfunc from any program type with any arguments:
// programs need no verification to run here. Nothing may panic, whatever the
// registers hold. sel chooses what each register is: the number itself, or an
// address of something that is there.
func FuzzRun(f *testing.F) {
	for id := 1; id <= helper.Max; id++ {
		f.Add(uint16(id), uint8(3), uint8(0), uint32(0x12345), uint64(8), uint64(4), uint64(20), uint64(0), uint64(1))
		f.Add(uint16(id), uint8(6), uint8(0), uint32(0x53215), uint64(1), uint64(16), uint64(14), uint64(1<<31), uint64(1<<63))
	}
	for i := range helper.Kfuncs() {
		f.Add(uint16(1000+i), uint8(3), uint8(0), uint32(0x22221), uint64(8), uint64(4), uint64(20), uint64(0), uint64(1))
	}
	kfuncs := helper.Kfuncs()
	f.Fuzz(func(t *testing.T, n uint16, typ, attach uint8, sel uint32, a1, a2, a3, a4, a5 uint64) {
		id := int(n)
		if n >= 1000 {
			id = helper.KfuncID(kfuncs[int(n-1000)%len(kfuncs)].Name)
		}
		e := newFake(t)
		e.world.Sockets = sockets()
		e.world.Cgroups = []uint64{1, 2}
		e.world.Routes = []helper.Route{{Bits: 0, Link: 1}}
		e.world.Stacks = [][]uint64{{1, 2, 3}}
		ctx := e.packet(hook.ProgType(typ%33), frame(), 0x800)
		e.attach = hook.AttachType(attach)
		hash, m := e.newMap(1, 4, 16, 4)
		m.Update([]byte{1, 0, 0, 0}, make([]byte, 16), 0, 0)
		ring, r := e.newMap(27, 0, 0, 4096)
		refs, q := e.newMap(14, 4, 4, 4)
		q.refs = map[uint32]uint32{0: 1, 1: 2}
		there := []uint64{0, ctx, hash, ring, refs, e.buf(64), m.vals[0], r.Reserve(8), e.pkt.Data, e.Object(helper.ObjectSock, 1, 80)}
		c := helper.Call{ID: id, Args: [5]uint64{a1, a2, a3, a4, a5}}
		for i := range c.Args {
			if s := int(sel >> (4 * i) & 15); s > 0 && s < len(there) {
				c.Args[i] = there[s]
			}
		}
		for range 8 {
			if helper.Run(e, &c) != nil || c.Callback == 0 {
				break
			}
			c.Round++
		}
		if e.pkt.Limit != 0 && (e.pkt.Data > e.pkt.End || e.pkt.Data < e.pkt.Room || e.pkt.End > e.pkt.Limit || e.pkt.Meta > e.pkt.Data) {
			t.Errorf("packet %+v after %s", e.pkt, helper.Name(id))
		}
	})
}
