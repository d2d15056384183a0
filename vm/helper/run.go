package helper

// funcs is what is simulated of helpers, by number; kfuncOf has the kfuncs.
var funcs = [Max + 1]Func{
	1:   mapLookupElem,
	2:   mapUpdateElem,
	3:   mapDeleteElem,
	4:   probeRead,
	5:   ktimeGetNs,
	6:   tracePrintk,
	7:   getPrandomU32,
	8:   getSmpProcessorID,
	9:   skbStoreBytes,
	10:  l3CsumReplace,
	11:  l4CsumReplace,
	12:  tailCall,
	13:  cloneRedirect,
	14:  getCurrentPidTgid,
	15:  getCurrentUidGid,
	16:  getCurrentComm,
	17:  getCgroupClassid,
	18:  skbVlanPush,
	19:  skbVlanPop,
	20:  skbGetTunnelKey,
	21:  skbSetTunnelKey,
	22:  perfEventRead,
	23:  redirect,
	24:  getRouteRealm,
	25:  perfEventOutput,
	26:  skbLoadBytes,
	27:  getStackid,
	28:  csumDiff,
	29:  skbGetTunnelOpt,
	30:  skbSetTunnelOpt,
	31:  skbChangeProto,
	32:  skbChangeType,
	33:  skbUnderCgroup,
	34:  getHashRecalc,
	35:  getCurrentTask,
	36:  probeWriteUser,
	37:  currentTaskUnderCgroup,
	38:  skbChangeTail,
	39:  skbPullData,
	40:  csumUpdate,
	41:  setHashInvalid,
	42:  getNumaNodeID,
	43:  skbChangeHead,
	44:  xdpAdjustHead,
	45:  probeReadStr,
	46:  getSocketCookie,
	47:  getSocketUID,
	48:  setHash,
	49:  setsockopt,
	50:  skbAdjustRoom,
	51:  redirectMap,
	52:  skRedirectMap,
	53:  sockMapUpdate,
	54:  xdpAdjustMeta,
	55:  perfEventReadValue,
	56:  perfProgReadValue,
	57:  getsockopt,
	58:  overrideReturn,
	59:  sockOpsCbFlagsSet,
	60:  msgRedirectMap,
	61:  msgApplyBytes,
	62:  msgCorkBytes,
	63:  msgPullData,
	64:  bind,
	65:  xdpAdjustTail,
	66:  getXfrmState,
	67:  getStack,
	68:  skbLoadBytesRelative,
	69:  fibLookup,
	70:  sockMapUpdate,
	71:  msgRedirectMap,
	72:  skRedirectMap,
	73:  lwtPushEncap,
	77:  rcRepeat,
	78:  rcKeydown,
	79:  skbCgroupID,
	80:  getCurrentCgroupID,
	81:  getLocalStorage,
	82:  skSelectReuseport,
	83:  skbAncestorCgroupID,
	84:  skLookupTCP,
	85:  skLookupUDP,
	86:  skRelease,
	87:  mapPushElem,
	88:  mapPopElem,
	89:  mapPeekElem,
	90:  msgPushData,
	91:  msgPopData,
	92:  rcPointerRel,
	93:  spinLock,
	94:  spinUnlock,
	95:  skFullsock,
	96:  tcpSock,
	97:  skbEcnSetCe,
	98:  getListenerSock,
	99:  skLookupTCP,
	100: tcpCheckSyncookie,
	101: sysctlGetName,
	102: sysctlGetCurrentValue,
	103: sysctlGetNewValue,
	104: sysctlSetNewValue,
	105: strtol,
	106: strtoul,
	107: storageGet,
	108: storageDelete,
	109: sendSignal,
	110: tcpGenSyncookie,
	111: perfEventOutput,
	112: probeReadUser,
	113: probeReadKernel,
	114: probeReadUserStr,
	115: probeReadKernelStr,
	116: tcpSendAck,
	117: sendSignal,
	118: jiffies64,
	119: readBranchRecords,
	120: getNsCurrentPidTgid,
	121: perfEventOutput,
	122: getNetnsCookie,
	123: getCurrentAncestorCgroupID,
	124: skAssign,
	125: ktimeGetBootNs,
	126: seqPrintf,
	127: seqWrite,
	128: skCgroupID,
	129: skAncestorCgroupID,
	130: ringbufOutput,
	131: ringbufReserve,
	132: ringbufSubmit,
	133: ringbufDiscard,
	134: ringbufQuery,
	135: csumLevel,
	141: getTaskStack,
	142: loadHdrOpt,
	143: storeHdrOpt,
	144: reserveHdrOpt,
	145: storageGet,
	146: storageDelete,
	147: dPath,
	148: copyFromUser,
	151: skbCgroupClassid,
	152: redirectNeigh,
	153: perCPUPtr,
	154: thisCPUPtr,
	155: redirectPeer,
	156: storageGet,
	157: storageDelete,
	158: getCurrentTask,
	159: bprmOptsSet,
	160: ktimeGetCoarseNs,
	161: imaHash,
	162: sockFromFile,
	163: checkMTU,
	164: forEachMapElem,
	165: snprintf,
	169: timerInit,
	170: timerSetCallback,
	171: timerStart,
	172: timerCancel,
	173: getFuncIP,
	174: getAttachCookie,
	175: taskPtRegs,
	176: getBranchSnapshot,
	177: traceVprintk,
	179: kallsymsLookupName,
	180: findVMA,
	181: loop,
	182: strncmp,
	183: getFuncArg,
	184: getFuncRet,
	185: getFuncArgCnt,
	186: getRetval,
	187: setRetval,
	188: xdpGetBuffLen,
	189: xdpLoadBytes,
	190: xdpStoreBytes,
	191: copyFromUserTask,
	192: skbSetTstamp,
	193: imaHash,
	194: kptrXchg,
	195: mapLookupPercpuElem,
	197: dynptrFromMem,
	198: ringbufReserveDynptr,
	199: ringbufSubmitDynptr,
	200: ringbufDiscardDynptr,
	201: dynptrRead,
	202: dynptrWrite,
	203: dynptrData,
	204: tcpRawGenSyncookieIPv4,
	205: tcpRawGenSyncookieIPv6,
	206: tcpRawCheckSyncookieIPv4,
	207: tcpRawCheckSyncookieIPv6,
	208: ktimeGetTAINs,
	209: userRingbufDrain,
	210: storageGet,
	211: storageDelete,
}

// Simulated reports whether the helper or kfunc with that number does
// something here.
func Simulated(id int) bool { return funcOf(id) != nil }

func funcOf(id int) Func {
	if id > 0 && id <= Max {
		if f := funcs[id]; f != nil {
			return f
		}
		return castFunc(id)
	}
	return kfuncOf(id)
}

// Run does the call in c, or one round of it: see Call. The error is a fault
// of the machine, or a NotSimulated.
func Run(e Env, c *Call) (err error) {
	f := funcOf(c.ID)
	if f == nil {
		return NotSimulated(c.ID)
	}
	c.Callback = 0
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stop:
			err = r.err
		default:
			panic(r)
		}
	}()
	f(e, c)
	return nil
}

// NotSimulated is the error for a helper or kfunc, by number, that the kernel
// has and the machine has not.
type NotSimulated int

func (n NotSimulated) Error() string {
	if name := Name(int(n)); name != "" {
		return "not simulated: " + name
	}
	return "not simulated: no such helper"
}

// set puts a signed result into R0.
func (c *Call) set(v int64) { c.R0 = uint64(v) }

// u32 is argument i, from 1, of a helper that takes a 32-bit number there.
func (c *Call) u32(i int) uint32 { return uint32(c.Args[i-1]) }

// size is argument i as a number of bytes. What does not fit 31 bits is
// larger than any memory, so that an access with it faults.
func (c *Call) size(i int) int { return int(min(c.Args[i-1], 1<<31-1)) }
