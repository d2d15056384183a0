package helper_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// expected is what the kernel lists for an argument of each base kind.
func expected(a helper.ArgKind) string {
	switch a.Base() {
	case helper.ArgConstMapPtr:
		return "map_ptr"
	case helper.ArgPtrToMapKey, helper.ArgPtrToMapValue, helper.ArgPtrToMem:
		return "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"
	case helper.ArgPtrToSpinLock, helper.ArgKptrXchgDest:
		return "map_value, ptr_"
	case helper.ArgPtrToTimer, helper.ArgPtrToConstStr:
		return "map_value"
	case helper.ArgConstSize, helper.ArgConstSizeOrZero, helper.ArgConstAllocSizeOrZero, helper.ArgScalar:
		return "scalar"
	case helper.ArgPtrToSockCommon, helper.ArgPtrToSocket:
		return "sock_common, sock, tcp_sock, xdp_sock"
	case helper.ArgPtrToBTFIDSockCommon:
		return "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_"
	case helper.ArgPtrToBTFID:
		return "ptr_, trusted_ptr_, rcu_ptr_"
	case helper.ArgPtrToRingbufMem:
		return "ringbuf_mem"
	case helper.ArgPtrToPercpuBTFID:
		return "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_"
	case helper.ArgPtrToDynptr:
		return "fp, dynptr_ptr"
	case helper.ArgPtrToFunc:
		return "func"
	case helper.ArgPtrToStack:
		return "fp"
	}
	return ""
}

// TestArgsProbe compares argument kinds with what the reference kernel said
// when each helper was called with the context in R1 and nothing else: it
// names the first argument that does not take a context and what that would
// take.
func TestArgsProbe(t *testing.T) {
	n := 0
	for sc := data(t, "probe-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			Helper []int
			Err    int
			Msg    string
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Helper) != 3 {
			continue
		}
		n++
		p := helper.ProtoFor(hook.ProgType(r.Helper[0]), hook.AttachType(r.Helper[1]), r.Helper[2])
		want := ""
		for i, a := range p.Args {
			ok := a == helper.ArgDontcare
			if i == 0 {
				ok = ok || a.Base() == helper.ArgAnything || a.Base() == helper.ArgPtrToCtx
			}
			if ok {
				continue
			}
			if i == 0 {
				want = fmt.Sprintf("R1 type=ctx expected=%s", expected(a))
			} else {
				want = fmt.Sprintf("R%d !read_ok", i+1)
			}
			break
		}
		switch {
		case r.Err == 22 || r.Err == 524: // refused for another reason
		case want == "" && r.Err != 0, want != "" && r.Msg != want:
			t.Errorf("%v %s: kernel %d %q, table says %q", r.Helper, p.Name, r.Err, r.Msg, want)
		}
	}
	t.Logf("%d calls", n)
}
