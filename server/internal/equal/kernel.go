package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"skep/jit"
	"skep/server/sandbox"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
)

// kernel is a real kernel in the sandbox. Programs for it are those that a user
// without CAP_PERFMON may load: neither addresses as numbers nor stack that
// nothing was written to can be in what they return.
type kernel struct {
	manager *sandbox.Manager
}

func openKernel(string) (runner, error) {
	m, err := sandbox.NewManager(sandbox.Config{Kernels: []string{sandbox.DefaultKernel}, Warm: -1, MaxVMs: 1})
	if err != nil {
		return nil, err
	}
	return &kernel{m}, nil
}

func (k *kernel) close() error { return k.manager.Close() }

// seen is what both a kernel and a machine show of a run.
type seen struct {
	Ret  uint32
	Data string            // the packet, hex
	Maps map[string]string // elements by map and key
}

func (k *kernel) run(cases []Case) ([]Difference, error) {
	var in, out bytes.Buffer
	enc := json.NewEncoder(&in)
	var sent []int
	for i, c := range cases {
		if !c.Program.Accepted || c.Want.Status != jit.Exited {
			continue
		}
		v, err := c.Program.forVerifier()
		if err != nil {
			return nil, err
		}
		rec := sandbox.RecordOf(v)
		for i, s := range c.Program.Maps {
			for _, kv := range s.Init {
				rec.Maps[i].Entries = append(rec.Maps[i].Entries, sandbox.Element{Key: kv.Key, Value: kv.Value})
			}
		}
		data := sandbox.Hex(c.Program.Packet)
		rec.ID, rec.Data = fmt.Sprint(c.Program.N), &data
		if err := enc.Encode(rec); err != nil {
			return nil, err
		}
		sent = append(sent, i)
	}
	if err := sandbox.Batch(context.Background(), k.manager, sandbox.DefaultKernel, &in, &out, sandbox.BatchOptions{}); err != nil {
		return nil, err
	}
	var differences []Difference
	dec := json.NewDecoder(&out)
	for _, i := range sent {
		var v sandbox.Verdict
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		text, err := differsFrom(cases[i].Program, &v)
		if err != nil {
			return nil, fmt.Errorf("program %d: %w", cases[i].Program.N, err)
		}
		if text != "" {
			differences = append(differences, Difference{i, "kernel", text})
		}
	}
	return differences, nil
}

// differsFrom says how the machine's run differs from the kernel's.
func differsFrom(p *Program, v *sandbox.Verdict) (string, error) {
	if !v.OK || !v.Ran || v.Ret == nil {
		return fmt.Sprintf("the kernel: ok %v ran %v errno %d %s %s", v.OK, v.Ran, v.Errno, v.Error, v.Log), nil
	}
	ours, err := p.seen()
	if err != nil {
		return "", err
	}
	theirs := seen{Ret: *v.Ret, Maps: map[string]string{}}
	if v.Data != nil {
		theirs.Data = hex.EncodeToString(*v.Data)
	}
	for _, m := range v.Maps {
		for _, e := range m.Entries {
			theirs.Maps[m.Name+" "+hex.EncodeToString(e.Key)] = hex.EncodeToString(e.Value)
		}
	}
	switch {
	case ours.Ret != theirs.Ret:
		return fmt.Sprintf("r0 %#x, the kernel's is %#x", ours.Ret, theirs.Ret), nil
	case ours.Data != theirs.Data:
		return fmt.Sprintf("the packet is %s, the kernel's %s", ours.Data, theirs.Data), nil
	case !maps.Equal(ours.Maps, theirs.Maps):
		return fmt.Sprintf("maps are %v, the kernel's %v", ours.Maps, theirs.Maps), nil
	}
	return "", nil
}

// seen is what the machine shows of its run.
func (p *Program) seen() (*seen, error) {
	m, err := p.machine(nil)
	if err == nil {
		err = m.Reset(p.input())
	}
	if err != nil {
		return nil, err
	}
	if m.Run(budget) != vm.StopExit {
		return nil, fmt.Errorf("it did not end: %v", m.Fault())
	}
	s := &seen{Ret: uint32(m.Reg(isa.R0)), Maps: map[string]string{}}
	if _, data := m.Packet(); data != nil {
		// Where the kernel takes the Ethernet header off before the run, its
		// test run puts zeros in its place afterwards.
		typ, _ := hook.ByName(p.Type)
		s.Data = hex.EncodeToString(make([]byte, hook.PulledMAC(typ))) + hex.EncodeToString(data)
	}
	for _, mp := range m.Maps().Maps() {
		var key []byte
		for {
			next, errno := mp.NextKey(key)
			if errno != 0 {
				break
			}
			if value, errno := mp.Get(next); errno == 0 {
				s.Maps[mp.Name()+" "+hex.EncodeToString(next)] = hex.EncodeToString(value)
			}
			key = next
		}
	}
	return s, nil
}
