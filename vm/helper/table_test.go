package helper_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// TestTable checks that each of the 211 helpers of 6.12 has a complete row.
func TestTable(t *testing.T) {
	if helper.Max != 211 {
		t.Fatalf("%d rows, want 211", helper.Max)
	}
	f, err := os.Open("internal/gen/helpers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, gpl, moves, sim := 0, 0, 0, 0
	seen := map[string]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		id++
		p := helper.Lookup(id)
		name, rest, _ := strings.Cut(sc.Text(), " ")
		since, doc, _ := strings.Cut(rest, " ")
		if p.ID != id || p.Name != "bpf_"+name || p.Since() != since || p.Doc() != doc {
			t.Errorf("row %d is %+v, want %s %s %q", id, p, name, since, doc)
		}
		if !strings.HasSuffix(p.Doc(), ".") || seen[p.Doc()] && !strings.HasPrefix(p.Doc(), "Writes a sample") && name != "xdp_output" {
			t.Errorf("%s: sentence %q is unfinished or used twice", name, p.Doc())
		}
		seen[p.Doc()] = true
		if helper.ByName(p.Name) != p || helper.ByName(name) != p {
			t.Errorf("%s is not found by name", name)
		}
		if p.Flags.Has(helper.GPLOnly) {
			gpl++
		}
		if p.Flags.Has(helper.MayChangePacket) {
			moves++
			if p.Args[0] != helper.ArgPtrToCtx {
				t.Errorf("%s may move the packet but R1 is no context", name)
			}
		}
		if helper.Simulated(id) {
			sim++
		}
		for i, a := range p.Args {
			if a.Flags()&helper.MemFixedSize != 0 && p.Extra[i] == 0 {
				t.Errorf("%s: fixed-size argument %d has no size", name, i+1)
			}
			if i > 0 && a != 0 && p.Args[i-1] == 0 {
				t.Errorf("%s: argument %d after none", name, i+1)
			}
		}
	}
	if id != helper.Max {
		t.Errorf("helpers.txt has %d lines, want %d", id, helper.Max)
	}
	if moves != 23 {
		t.Errorf("%d helpers move the packet, bpf_helper_changes_pkt_data has 23", moves)
	}
	t.Logf("%d GPL only, %d simulated", gpl, sim)
	if sim < 110 {
		t.Errorf("%d simulated, want at least 110", sim)
	}
}

func TestLookup(t *testing.T) {
	for _, id := range []int{-1, 0, 212, 1 << 30} {
		if helper.Lookup(id) != nil {
			t.Errorf("there is a helper %d", id)
		}
		if helper.Simulated(id) {
			t.Errorf("helper %d is simulated", id)
		}
	}
	if helper.ByName("bpf_nothing") != nil {
		t.Error("there is a bpf_nothing")
	}
	if err := helper.Run(newFake(t), &helper.Call{ID: 76}); err == nil || err.Error() != "not simulated: bpf_lwt_seg6_action" {
		t.Errorf("error %v", err)
	}
}

func TestProtoFor(t *testing.T) {
	for _, tt := range []struct {
		typ  hook.ProgType
		name string
		arg  int
		want helper.ArgKind
	}{
		{hook.SchedCls, "get_socket_cookie", 0, helper.ArgPtrToCtx},
		{hook.LSM, "get_socket_cookie", 0, helper.ArgPtrToBTFIDSockCommon | helper.ArgKind(helper.PtrMaybeNull)},
		{hook.SockOps, "setsockopt", 0, helper.ArgPtrToCtx},
		{hook.CgroupSockopt, "setsockopt", 0, helper.ArgPtrToBTFIDSockCommon},
		{hook.CgroupSock, "sk_storage_get", 1, helper.ArgPtrToCtx},
		{hook.SkLookup, "sk_assign", 1, helper.ArgPtrToSocketOrNull},
		{hook.SchedCls, "sk_assign", 1, helper.ArgPtrToBTFIDSockCommon},
		{hook.XDP, "map_lookup_elem", 1, helper.ArgPtrToMapKey},
	} {
		if got := helper.ProtoFor(tt.typ, 0, helper.ByName(tt.name).ID).Args[tt.arg]; got != tt.want {
			t.Errorf("%v %s: argument %d is %#x, want %#x", tt.typ, tt.name, tt.arg+1, got, tt.want)
		}
	}
	fast := func(typ hook.ProgType) bool { return helper.ProtoFor(typ, 0, 8).Flags.Has(helper.AllowFastcall) }
	if !fast(hook.XDP) || fast(hook.SocketFilter) {
		t.Error("bpf_get_smp_processor_id follows bpf_fastcall in XDP and not in socket filters")
	}
}
