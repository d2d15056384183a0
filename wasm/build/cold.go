package main

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A twentieth of the module is code of the runtime that a page never runs: the
// execution tracer and the profilers, which nobody can switch on, and the
// stack dumps of a crash, which would print the names that clearTables takes
// out. The linker keeps it because branches lead there. empty replaces the
// bodies of these functions by a trap: what would have crashed still does,
// after it has printed its first line.

// cold are prefixes of such functions, as the linker names them: of a method
// with a pointer receiver "(*T)" becomes "__T_".
var cold = []string{
	// runtime/trace*.go: reached when trace.enabled is set.
	"runtime.traceLocker.", "runtime.traceWriter.", "runtime.traceEventWriter.", "runtime.traceAdvance",
	"runtime.__traceBuf_.", "runtime.__traceMap_.", "runtime.__traceStringTable_.", "runtime.__traceStackTable_.",
	"runtime.__traceTypeTable_.", "runtime.__traceRegionAlloc_.", "runtime.traceStack", "runtime.traceReadCPU",
	"runtime.traceRegisterLabelsAndReasons", "runtime.traceSyncBatch", "runtime.traceCPUFlush", "runtime.traceBufFlush",
	"runtime.makeTraceFrames", "runtime.fpunwindExpand", "runtime.fpTracebackPartialExpand",
	// runtime/cpuprof.go, mprof.go: reached when a profile is taken.
	"runtime.__profBuf_.", "runtime.doRecordGoroutineProfile", "runtime.saveblockevent", "runtime.saveg",
	// runtime/traceback.go, panic.go, hexdump.go, mgc*.go: a crash or GODEBUG.
	"runtime.traceback", "runtime.goroutineheader", "runtime.printcreatedby", "runtime.printArgs",
	"runtime.printCgoTraceback", "runtime.printOneCgoTraceback", "runtime.printAncestorTraceback",
	"runtime.showfuncinfo", "runtime.hexdump", "runtime.__hexdumper_.", "runtime.schedtrace",
	"runtime.dumpgstatus", "runtime.dumpScanStats", "runtime.dumpStacksRec", "runtime.dumpTypesRec",
	"runtime.gcDumpObject", "runtime.__mspan_.reportZombies", "runtime.checkFinalizersAndCleanups",
	"runtime.printScavTrace", "runtime.badPointer",
	"runtime.setCheckmark", "runtime.getCheckmark", "runtime.runCheckmark",
	"runtime.expandCgoFrames", "runtime.__Frames_.", "runtime.FuncForPC", "runtime.printanycustomtype",
	// Several modules in one process, testing/synctest, arenas, asynchronous preemption.
	"runtime.typesEqual", "runtime.__synctestBubble_.", "runtime.__mspan_.setUserArenaChunkToFault", "runtime.scanConservative",
	// internal/strconv: a panic with a floating-point value. The engine formats none.
	"internal_strconv.AppendFloat", "internal_strconv.AppendComplex", "internal_strconv.FormatFloat",
	"internal_strconv.genericFtoa", "internal_strconv.bigFtoa", "internal_strconv.fixedFtoa", "internal_strconv.dbox",
	"internal_strconv.formatDigits", "internal_strconv.fmtB", "internal_strconv.fmtE", "internal_strconv.fmtF", "internal_strconv.fmtX",
	"internal_strconv.roundShortest", "internal_strconv.__decimal_.", "internal_strconv.leftShift", "internal_strconv.rightShift",
}

// clearPowers clears the table of powers of ten that only the functions above
// read, eleven kilobytes that do not compress. It is known by its first entry,
// 1e-348; where that is not found nothing is lost.
func clearPowers(image []byte) {
	const entries, size = 348 + 348, 16
	first := le.AppendUint64(le.AppendUint64(nil, 0xfa8fd5a0081c0288), 0x1732c869cd60e453)
	if at := bytes.Index(image, first); at >= 0 && at+entries*size <= len(image) {
		clear(image[at : at+entries*size])
	}
}

// warm are exceptions: reached in every run, to find that there is nothing to do.
var warm = []string{"runtime.traceLocker.ok"}

// empty traps in every function whose name begins with one of cold. The names
// are in the module's name section.
func empty(secs []section) error {
	imports := uint64(0)
	var code *section
	var names map[uint64]string
	for i := range secs {
		s := &secs[i]
		switch s.id {
		case importSection:
			r := &reader{b: s.body}
			imports = r.uleb()
		case codeSection:
			code = s
		case customSection:
			if n := functionNames(s.body); n != nil {
				names = n
			}
		}
	}
	if code == nil || names == nil {
		return errModule
	}
	trap := []byte{3, 0, opUnreachable, opEnd} // its length, no locals
	r := &reader{b: code.body}
	n := r.uleb()
	out := binary.AppendUvarint(nil, n)
	for i := range n {
		body := r.take(r.uleb())
		if hasPrefix(names[imports+i], cold) && !hasPrefix(names[imports+i], warm) {
			out = append(out, trap...)
			continue
		}
		out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
	}
	if r.bad {
		return errModule
	}
	code.body = out
	return nil
}

func hasPrefix(name string, list []string) bool {
	for _, p := range list {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// functionNames reads the name section, nil when the section is another one.
func functionNames(body []byte) map[uint64]string {
	const functions = 1 // subsection
	r := &reader{b: body}
	if !bytes.Equal(r.take(r.uleb()), []byte("name")) {
		return nil
	}
	for r.pos < len(body) && !r.bad {
		id := r.byte()
		sub := &reader{b: r.take(r.uleb())}
		if id != functions {
			continue
		}
		names := make(map[uint64]string)
		for n := sub.uleb(); n > 0 && !sub.bad; n-- {
			i := sub.uleb()
			names[i] = string(sub.take(sub.uleb()))
		}
		return names
	}
	return nil
}
