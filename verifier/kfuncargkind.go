package verifier

import (
	"strings"

	"skep/vm/btf"
)

// kfArg is what a pointer parameter of a kernel function takes
// (enum kfunc_ptr_arg_type).
type kfArg uint8

const (
	kfArgCtx kfArg = iota
	kfArgAllocObj
	kfArgRefcounted
	kfArgDynptr
	kfArgIter
	kfArgListHead
	kfArgListNode
	kfArgBTFID
	kfArgMem
	kfArgMemSize
	kfArgCallback
	kfArgRBRoot
	kfArgRBNode
	kfArgNull
	kfArgConstStr
	kfArgMap
	kfArgWorkqueue
)

// memSizeArg reports whether the parameter is the size of the one before:
// "__sz", or with constant "__szk".
func (e *env) memSizeArg(p btf.Param, r *RegState, suffix string) bool {
	k := e.kbtf().Kind(e.kbtf().Resolve(p.Type))
	return (k == btf.KindInt || k.IsEnum()) && r.Type == ScalarValue && strings.HasSuffix(p.Name, suffix)
}

// kfArgOf is get_kfunc_ptr_arg_type.
func (e *env) kfArgOf(m *kfuncMeta, t, to btf.Type, i int) (kfArg, errno) {
	spec := e.kbtf()
	regs := e.regs()
	r := &regs[i+1]
	p := m.proto.Param(i)
	has := func(suffix string) bool { return strings.HasSuffix(p.Name, suffix) }
	switch {
	case m.is("bpf_cast_to_kern_ctx"), e.isCtxType(spec, t):
		return kfArgCtx, 0
	case has("__nullable") && r.isNull():
		return kfArgNull, 0
	case has("__alloc"):
		return kfArgAllocObj, 0
	case has("__refcounted_kptr"):
		return kfArgRefcounted, 0
	}
	isStruct := to.Kind() == btf.KindStruct
	switch {
	case isStruct && to.Name() == "bpf_dynptr":
		return kfArgDynptr, 0
	case m.isIter() && i == 0 || !m.isIter() && has("__iter"):
		return kfArgIter, 0
	case isStruct && to.Name() == "bpf_list_head":
		return kfArgListHead, 0
	case isStruct && to.Name() == "bpf_list_node":
		return kfArgListNode, 0
	case isStruct && to.Name() == "bpf_rb_root":
		return kfArgRBRoot, 0
	case isStruct && to.Name() == "bpf_rb_node":
		return kfArgRBNode, 0
	case has("__str"):
		return kfArgConstStr, 0
	case has("__map"):
		return kfArgMap, 0
	case isStruct && to.Name() == "bpf_wq":
		return kfArgWorkqueue, 0
	}
	if r.Type.Base() == PtrToBTFID || sockStruct(r.Type.Base()) != "" {
		if k := to.Kind(); k != btf.KindStruct && k != btf.KindUnion {
			e.logf("kernel function %s args#%d pointer type %s %s is not supported\n", m.name, i, kindWord(to.Kind()), to.Name())
			return 0, einval
		}
		return kfArgBTFID, 0
	}
	if to.Kind() == btf.KindFuncProto {
		return kfArgCallback, 0
	}
	sized := false
	if i+1 < m.proto.Vlen() {
		n := m.proto.Param(i + 1)
		sized = e.memSizeArg(n, &regs[i+2], "__sz") || e.memSizeArg(n, &regs[i+2], "__szk")
	}
	k := to.Kind()
	if k != btf.KindInt && !k.IsEnum() && !e.scalarStruct(spec, to, 0) && (!sized || to.ID() != 0) {
		void := ""
		if sized {
			void = "void, "
		}
		e.logf("arg#%d pointer type %s %s must point to %sscalar, or struct with scalar\n", i, kindWord(k), to.Name(), void)
		return 0, einval
	}
	if sized {
		return kfArgMemSize, 0
	}
	return kfArgMem, 0
}

func (m *kfuncMeta) isIter() bool { return m.flags&(kfIterNew|kfIterNext|kfIterDestroy) != 0 }

// trustedArgs reports whether pointers must be trusted.
func (m *kfuncMeta) trustedArgs() bool { return m.flags&(kfTrustedArgs|kfRelease) != 0 }

// sockStruct is the kernel's struct behind a pointer that is not typed by BTF
// (reg2btf_ids).
func sockStruct(base RegType) string {
	switch base {
	case PtrToSocket:
		return "sock"
	case PtrToSockCommon:
		return "sock_common"
	case PtrToTCPSock:
		return "tcp_sock"
	case ConstPtrToMap:
		return "bpf_map"
	}
	return ""
}
