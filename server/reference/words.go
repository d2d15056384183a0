package reference

import (
	"strconv"

	"skep/vm/helper"
)

// argument is an argument kind in words. extra is its Proto.Extra.
func argument(k helper.ArgKind, extra uint8) string {
	text := argumentBase(k)
	flags := k.Flags()
	switch k.Base() {
	case helper.ArgPtrToMem:
		switch {
		case flags&helper.MemFixedSize != 0 && flags&helper.MemWrite != 0:
			text = strconv.Itoa(int(extra)) + " bytes to fill"
		case flags&helper.MemFixedSize != 0:
			text = strconv.Itoa(int(extra)) + " bytes"
		case flags&helper.MemWrite != 0:
			text = "memory to fill"
		case flags&helper.MemRdonly != 0:
			text = "memory to read"
		}
	case helper.ArgPtrToMapValue:
		if flags&helper.MemUninit != 0 {
			text = "room for a value"
		}
	case helper.ArgPtrToBTFID, helper.ArgPtrToBTFIDSockCommon:
		if name := helper.BTFID(extra).Name(); name != "" && name != "*" {
			text = "struct " + name
		}
	case helper.ArgPtrToDynptr:
		switch {
		case flags&helper.DynptrTypeRingbuf != 0:
			text = "dynptr of a ring buffer record"
		case flags&helper.DynptrTypeLocal != 0:
			text = "dynptr of memory"
		}
		if flags&helper.MemUninit != 0 {
			text = "room for a " + text
		}
	}
	if flags&helper.PtrMaybeNull != 0 {
		text += " or NULL"
	}
	return text
}

func argumentBase(k helper.ArgKind) string {
	switch k.Base() {
	case helper.ArgConstMapPtr:
		return "map"
	case helper.ArgPtrToMapKey:
		return "key"
	case helper.ArgPtrToMapValue:
		return "value"
	case helper.ArgPtrToMem:
		return "memory"
	case helper.ArgPtrToArena:
		return "arena pointer"
	case helper.ArgConstSize:
		return "its size, not 0"
	case helper.ArgConstSizeOrZero:
		return "its size"
	case helper.ArgPtrToCtx:
		return "context"
	case helper.ArgAnything:
		return "anything"
	case helper.ArgScalar:
		return "number"
	case helper.ArgPtrToSpinLock:
		return "spin lock in a map value"
	case helper.ArgPtrToSockCommon, helper.ArgPtrToBTFIDSockCommon:
		return "socket"
	case helper.ArgPtrToSocket:
		return "full socket"
	case helper.ArgPtrToBTFID:
		return "kernel object"
	case helper.ArgPtrToRingbufMem:
		return "ring buffer record"
	case helper.ArgConstAllocSizeOrZero:
		return "constant size"
	case helper.ArgPtrToPercpuBTFID:
		return "per-CPU variable"
	case helper.ArgPtrToFunc:
		return "callback"
	case helper.ArgPtrToStack:
		return "stack memory"
	case helper.ArgPtrToConstStr:
		return "constant string"
	case helper.ArgPtrToTimer:
		return "timer in a map value"
	case helper.ArgKptrXchgDest:
		return "kptr field"
	case helper.ArgPtrToDynptr:
		return "dynptr"
	}
	return "argument"
}

// result is what a helper returns, in words.
func result(p *helper.Proto) string {
	text := "number"
	switch p.Ret.Base() {
	case helper.RetVoid:
		return "nothing"
	case helper.RetPtrToMapValue:
		text = "pointer to a map value"
	case helper.RetPtrToSocket:
		text = "full socket"
	case helper.RetPtrToTCPSock:
		text = "TCP socket"
	case helper.RetPtrToSockCommon:
		text = "socket"
	case helper.RetPtrToMem:
		text = "memory"
		if p.Ret.Flags()&helper.MemRingbuf != 0 {
			text = "ring buffer record"
		}
	case helper.RetPtrToMemOrBTFID:
		text = "per-CPU variable of one CPU"
	case helper.RetPtrToBTFID:
		text = "kernel object"
		if name := p.RetBTF.Name(); name != "" && name != "*" {
			text = "struct " + name
		}
	}
	if p.Ret.Flags()&helper.PtrMaybeNull != 0 {
		text += " or NULL"
	}
	return text
}
