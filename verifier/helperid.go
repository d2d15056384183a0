package verifier

// Helper numbers that the verifier knows by name (enum bpf_func_id).
const (
	fnMapLookupElem        = 1
	fnMapUpdateElem        = 2
	fnMapDeleteElem        = 3
	fnGetSmpProcessorID    = 8
	fnTailCall             = 12
	fnPerfEventRead        = 22
	fnPerfEventOutput      = 25
	fnGetStackid           = 27
	fnSkbUnderCgroup       = 33
	fnCurrentTaskUnderCgrp = 37
	fnProbeReadStr         = 45
	fnRedirectMap          = 51
	fnSkRedirectMap        = 52
	fnSockMapUpdate        = 53
	fnPerfEventReadValue   = 55
	fnMsgRedirectMap       = 60
	fnGetStack             = 67
	fnSockHashUpdate       = 70
	fnMsgRedirectHash      = 71
	fnSkRedirectHash       = 72
	fnGetLocalStorage      = 81
	fnSkSelectReuseport    = 82
	fnSkLookupTCP          = 84
	fnSkLookupUDP          = 85
	fnSkRelease            = 86
	fnMapPushElem          = 87
	fnMapPopElem           = 88
	fnMapPeekElem          = 89
	fnSpinLock             = 93
	fnSpinUnlock           = 94
	fnSkFullsock           = 95
	fnTCPSock              = 96
	fnSkcLookupTCP         = 99
	fnSkStorageGet         = 107
	fnSkStorageDelete      = 108
	fnSkbOutput            = 111
	fnProbeReadUserStr     = 114
	fnProbeReadKernelStr   = 115
	fnXDPOutput            = 121
	fnRingbufOutput        = 130
	fnRingbufReserve       = 131
	fnRingbufQuery         = 134
	fnSkcToTCP6Sock        = 136
	fnSkcToTCPSock         = 137
	fnSkcToTCPTimewaitSock = 138
	fnSkcToTCPRequestSock  = 139
	fnSkcToUDP6Sock        = 140
	fnSetsockopt           = 49
	fnGetsockopt           = 57
	fnGetTaskStack         = 141
	fnInodeStorageGet      = 145
	fnInodeStorageDelete   = 146
	fnDPath                = 147
	fnImaInodeHash         = 161
	fnImaFileHash          = 193
	fnPerCPUPtr            = 153
	fnThisCPUPtr           = 154
	fnTaskStorageGet       = 156
	fnTaskStorageDelete    = 157
	fnForEachMapElem       = 164
	fnSnprintf             = 165
	fnTimerSetCallback     = 170
	fnGetFuncIP            = 173
	fnFindVMA              = 180
	fnLoop                 = 181
	fnSetRetval            = 187
	fnKptrXchg             = 194
	fnMapLookupPercpuElem  = 195
	fnSkcToMPTCPSock       = 196
	fnDynptrFromMem        = 197
	fnRingbufReserveDynptr = 198
	fnRingbufSubmitDynptr  = 199
	fnRingbufDiscardDynptr = 200
	fnDynptrWrite          = 202
	fnDynptrData           = 203
	fnUserRingbufDrain     = 209
	fnCgrpStorageGet       = 210
	fnCgrpStorageDelete    = 211
)

// syncCallback reports whether the helper calls a function of the program
// before it returns.
func syncCallback(id int32) bool {
	switch id {
	case fnForEachMapElem, fnFindVMA, fnLoop, fnUserRingbufDrain:
		return true
	}
	return false
}

// asyncCallback reports whether it has one called later.
func asyncCallback(id int32) bool { return id == fnTimerSetCallback }

// ptrCast reports whether the helper returns its argument as another type
// (is_ptr_cast_function).
func ptrCast(id int32) bool {
	switch id {
	case fnTCPSock, fnSkFullsock, fnSkcToTCPSock, fnSkcToTCP6Sock, fnSkcToUDP6Sock, fnSkcToMPTCPSock,
		fnSkcToTCPTimewaitSock, fnSkcToTCPRequestSock:
		return true
	}
	return false
}
