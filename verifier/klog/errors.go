// Package klog reads the kernel's verifier logs, ours or those of a real
// kernel, 6.1 and 6.12.
package klog

import (
	"bytes"
	"strconv"
	"strings"
)

// maxErrors is how many lines an error has at most.
const maxErrors = 8

// Errors are the lines that a log of a rejection ends with: those behind the
// last line about a step, without the statistics. The last one is what the
// kernel refuses, those before say more.
func Errors(log []byte) []string {
	var out []string
	for rest := bytes.TrimRight(log, "\n"); len(rest) > 0 && len(out) < maxErrors; {
		at := bytes.LastIndexByte(rest, '\n') + 1
		text := string(rest[at:])
		rest = rest[:max(at-1, 0)]
		if IsStatistics(text) {
			continue
		}
		if IsStep(text) {
			break
		}
		out = append(out, strings.ToValidUTF8(text, "\uFFFD"))
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// IsStatistics reports whether a line counts, or is one of the states behind
// "infinite loop detected".
func IsStatistics(text string) bool {
	for _, w := range [...]string{"cur state:", "old state:", "processed ", "verification time ", "stack depth "} {
		if strings.HasPrefix(text, w) {
			return true
		}
	}
	return false
}

// stepWords begin lines about the walk, besides "12: ".
var stepWords = [...]string{
	"; ", "from ", "mark_precise: ", "func#", "caller:", "callee:", "returning from callee:", "to caller at ", "frame", " ",
	"last_idx ", "regs=", "parent ", "propagating ", "Validating ", "Func#", "Live regs",
}

// IsStep reports whether a line is about the walk and not an error.
func IsStep(text string) bool {
	if _, ok := Slot(text); ok {
		return true
	}
	for _, w := range stepWords {
		if strings.HasPrefix(text, w) {
			return true
		}
	}
	return false
}

// Slot is the instruction of a line "12: (b7) r0 = 1" or "12: R0=1".
func Slot(text string) (slot int, ok bool) {
	head, _, ok := strings.Cut(text, ":")
	if !ok || len(head) == 0 || len(head) > 7 || head[0] < '0' || head[0] > '9' {
		return 0, false
	}
	slot, err := strconv.Atoi(head)
	return slot, err == nil
}
