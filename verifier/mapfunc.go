package verifier

import (
	"skep/vm/hook"
	"skep/vm/maps"
)

// mapFuncs are the helpers that take a map of a type, for types that only some
// take (the first switch of check_map_func_compatibility).
var mapFuncs = [...]struct {
	typ maps.Type
	fns []int32
}{
	{maps.ProgArray, []int32{fnTailCall}},
	{maps.PerfEventArray, []int32{fnPerfEventRead, fnPerfEventOutput, fnSkbOutput, fnPerfEventReadValue, fnXDPOutput}},
	{maps.Ringbuf, []int32{fnRingbufOutput, fnRingbufReserve, fnRingbufQuery, fnRingbufReserveDynptr, fnRingbufSubmitDynptr, fnRingbufDiscardDynptr}},
	{maps.UserRingbuf, []int32{fnUserRingbufDrain}},
	{maps.StackTrace, []int32{fnGetStackid}},
	{maps.CgroupArray, []int32{fnSkbUnderCgroup, fnCurrentTaskUnderCgrp}},
	{maps.CgroupStorage, []int32{fnGetLocalStorage}},
	{maps.PerCPUCgroupStorage, []int32{fnGetLocalStorage}},
	{maps.Devmap, []int32{fnRedirectMap, fnMapLookupElem}},
	{maps.DevmapHash, []int32{fnRedirectMap, fnMapLookupElem}},
	{maps.CPUMap, []int32{fnRedirectMap}},
	{maps.XSKMap, []int32{fnRedirectMap, fnMapLookupElem}},
	{maps.ArrayOfMaps, []int32{fnMapLookupElem}},
	{maps.HashOfMaps, []int32{fnMapLookupElem}},
	{maps.Sockmap, []int32{fnSkRedirectMap, fnSockMapUpdate, fnMsgRedirectMap, fnSkSelectReuseport, fnMapLookupElem}},
	{maps.SockHash, []int32{fnSkRedirectHash, fnSockHashUpdate, fnMsgRedirectHash, fnSkSelectReuseport, fnMapLookupElem}},
	{maps.ReuseportSockArray, []int32{fnSkSelectReuseport}},
	{maps.Queue, []int32{fnMapPeekElem, fnMapPopElem, fnMapPushElem}},
	{maps.Stack, []int32{fnMapPeekElem, fnMapPopElem, fnMapPushElem}},
	{maps.SkStorage, []int32{fnSkStorageGet, fnSkStorageDelete, fnKptrXchg}},
	{maps.InodeStorage, []int32{fnInodeStorageGet, fnInodeStorageDelete, fnKptrXchg}},
	{maps.TaskStorage, []int32{fnTaskStorageGet, fnTaskStorageDelete, fnKptrXchg}},
	{maps.CgrpStorage, []int32{fnCgrpStorageGet, fnCgrpStorageDelete, fnKptrXchg}},
	{maps.BloomFilter, []int32{fnMapPeekElem, fnMapPushElem}},
}

// funcMaps are the map types that a helper takes, for helpers that only take
// some (the second switch).
var funcMaps = [...]struct {
	fn   int32
	typs []maps.Type
}{
	{fnTailCall, []maps.Type{maps.ProgArray}},
	{fnPerfEventRead, []maps.Type{maps.PerfEventArray}},
	{fnPerfEventOutput, []maps.Type{maps.PerfEventArray}},
	{fnPerfEventReadValue, []maps.Type{maps.PerfEventArray}},
	{fnSkbOutput, []maps.Type{maps.PerfEventArray}},
	{fnXDPOutput, []maps.Type{maps.PerfEventArray}},
	{fnRingbufOutput, []maps.Type{maps.Ringbuf}},
	{fnRingbufReserve, []maps.Type{maps.Ringbuf}},
	{fnRingbufQuery, []maps.Type{maps.Ringbuf}},
	{fnRingbufReserveDynptr, []maps.Type{maps.Ringbuf}},
	{fnRingbufSubmitDynptr, []maps.Type{maps.Ringbuf}},
	{fnRingbufDiscardDynptr, []maps.Type{maps.Ringbuf}},
	{fnUserRingbufDrain, []maps.Type{maps.UserRingbuf}},
	{fnGetStackid, []maps.Type{maps.StackTrace}},
	{fnCurrentTaskUnderCgrp, []maps.Type{maps.CgroupArray}},
	{fnSkbUnderCgroup, []maps.Type{maps.CgroupArray}},
	{fnRedirectMap, []maps.Type{maps.Devmap, maps.DevmapHash, maps.CPUMap, maps.XSKMap}},
	{fnSkRedirectMap, []maps.Type{maps.Sockmap}},
	{fnMsgRedirectMap, []maps.Type{maps.Sockmap}},
	{fnSockMapUpdate, []maps.Type{maps.Sockmap}},
	{fnSkRedirectHash, []maps.Type{maps.SockHash}},
	{fnMsgRedirectHash, []maps.Type{maps.SockHash}},
	{fnSockHashUpdate, []maps.Type{maps.SockHash}},
	{fnGetLocalStorage, []maps.Type{maps.CgroupStorage, maps.PerCPUCgroupStorage}},
	{fnSkSelectReuseport, []maps.Type{maps.ReuseportSockArray, maps.Sockmap, maps.SockHash}},
	{fnMapPopElem, []maps.Type{maps.Queue, maps.Stack}},
	{fnMapPeekElem, []maps.Type{maps.Queue, maps.Stack, maps.BloomFilter}},
	{fnMapPushElem, []maps.Type{maps.Queue, maps.Stack, maps.BloomFilter}},
	{fnMapLookupPercpuElem, []maps.Type{maps.PerCPUArray, maps.PerCPUHash, maps.LRUPerCPUHash}},
	{fnSkStorageGet, []maps.Type{maps.SkStorage}},
	{fnSkStorageDelete, []maps.Type{maps.SkStorage}},
	{fnInodeStorageGet, []maps.Type{maps.InodeStorage}},
	{fnInodeStorageDelete, []maps.Type{maps.InodeStorage}},
	{fnTaskStorageGet, []maps.Type{maps.TaskStorage}},
	{fnTaskStorageDelete, []maps.Type{maps.TaskStorage}},
	{fnCgrpStorageGet, []maps.Type{maps.CgrpStorage}},
	{fnCgrpStorageDelete, []maps.Type{maps.CgrpStorage}},
}

func contains[T comparable](s []T, v T) bool {
	for _, x := range s {
		if x == v {
			return true
		}
	}
	return false
}

// checkMapFunc is check_map_func_compatibility.
func (e *env) checkMapFunc(m *callMeta) errno {
	mp := e.mapOf(m.mapHandle)
	if mp == nil {
		return 0
	}
	ok := true
	for i := range mapFuncs {
		if mapFuncs[i].typ != mp.Type {
			continue
		}
		ok = contains(mapFuncs[i].fns, m.fn)
		if !ok && (mp.Type == maps.Sockmap || mp.Type == maps.SockHash) {
			ok = e.mayUpdateSockmap(m.fn)
		}
	}
	for i := 0; ok && i < len(funcMaps); i++ {
		if funcMaps[i].fn == m.fn {
			ok = contains(funcMaps[i].typs, mp.Type)
		}
	}
	if !ok {
		e.logf("cannot pass map_type %d into func %s#%d\n", uint32(mp.Type), helperWord(m.fn), m.fn)
		return einval
	}
	return 0
}

// mayUpdateSockmap is may_update_sockmap.
func (e *env) mayUpdateSockmap(fn int32) bool {
	if fn != fnMapUpdateElem && fn != fnMapDeleteElem {
		return false
	}
	switch e.prog.Type {
	case hook.Tracing:
		if e.attachType() == hook.TraceIter {
			return true
		}
	case hook.SockOps:
		if fn == fnMapDeleteElem {
			return true
		}
	case hook.SocketFilter, hook.SchedCls, hook.SchedAct, hook.XDP, hook.SkReuseport, hook.FlowDissector, hook.SkLookup:
		return true
	}
	e.logs("cannot update sockmap in this context\n")
	return false
}

// rawContext reports whether the context is plain memory to helpers: the
// kernel does not convert accesses to it.
func (e *env) rawContext() bool {
	switch e.prog.Type {
	case hook.Kprobe, hook.Tracepoint, hook.RawTracepoint, hook.RawTracepointWritable, hook.Tracing,
		hook.LSM, hook.StructOps, hook.Syscall, hook.CgroupDevice, hook.LircMode2, hook.Netfilter:
		return true
	}
	return false
}
