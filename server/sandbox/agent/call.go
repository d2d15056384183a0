//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"skep/server/sandbox/proto"
)

// methods are what a Call frame can ask for. A method gets its parameters as JSON and the frame's raw tail.
var methods map[string]func(a *agent, params json.RawMessage, tail []byte) (any, error)

func init() { // a literal would refer to itself through the agent's methods
	methods = map[string]func(a *agent, params json.RawMessage, tail []byte) (any, error){
		proto.MethodSettle:   with((*agent).settle),
		proto.MethodObject:   withTail((*agent).object),
		proto.MethodAttach:   with((*agent).attach),
		proto.MethodDetach:   with((*agent).detach),
		proto.MethodRun:      withTail((*agent).testRun),
		proto.MethodMaps:     with((*agent).dumpMaps),
		proto.MethodUpdate:   with((*agent).updateMap),
		proto.MethodStream:   with((*agent).stream),
		proto.MethodStop:     with((*agent).stopStream),
		proto.MethodJIT:      with((*agent).jit),
		proto.MethodStats:    with((*agent).stats),
		proto.MethodWorkload: with((*agent).workload),
		proto.MethodReadIter: with((*agent).readIter),
		proto.MethodShell:    with((*agent).shell),
		proto.MethodSysctl:   with((*agent).sysctl),
		proto.MethodHostile:  with((*agent).hostile),
	}
}

// with decodes a method's parameters.
func with[P any](f func(*agent, P) (any, error)) func(*agent, json.RawMessage, []byte) (any, error) {
	return withTail(func(a *agent, p P, _ []byte) (any, error) { return f(a, p) })
}

func withTail[P any](f func(*agent, P, []byte) (any, error)) func(*agent, json.RawMessage, []byte) (any, error) {
	return func(a *agent, params json.RawMessage, tail []byte) (any, error) {
		var p P
		if len(params) > 0 {
			if err := json.Unmarshal(params, &p); err != nil {
				return nil, fmt.Errorf("params: %w", err)
			}
		}
		return f(a, p, tail)
	}
}

func (a *agent) call(m proto.CallMsg, tail []byte) error {
	r := proto.ResultMsg{ID: m.ID}
	f, ok := methods[m.Method]
	if !ok {
		r.Error = fmt.Sprintf("method %q: unknown", m.Method)
		return a.w.Send(proto.Result, r)
	}
	v, err := f(a, m.Params, tail)
	if err != nil {
		r.Error, r.Errno = err.Error(), errnoOf(err)
	}
	if v != nil {
		if r.Result, err = json.Marshal(v); err != nil {
			return err
		}
	}
	return a.w.Send(proto.Result, r)
}

// settle runs before the snapshot: what is free now is shared by every clone.
func (a *agent) settle(struct{}) (any, error) {
	debug.FreeOSMemory()
	return nil, nil
}

func (a *agent) sysctl(p proto.SysctlParams) (any, error) {
	path := filepath.Join("/proc/sys", filepath.Clean("/"+p.Name))
	if !strings.HasPrefix(path, "/proc/sys/") {
		return nil, fmt.Errorf("sysctl %q: not a name", p.Name)
	}
	return nil, os.WriteFile(path, []byte(p.Value), 0)
}
