package vm_test

import (
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/maps"
)

// A value that a program keeps with the current task is what user space finds
// under the task's number, across runs.
func TestTaskStorage(t *testing.T) {
	cfg := vm.Config{
		World: &helper.World{Task: helper.Task{PID: 4711, TGID: 4711}, Cgroups: []uint64{1, 77}},
		Maps: []maps.Spec{
			{Name: "tasks", Type: maps.TaskStorage, KeySize: 4, ValueSize: 8, Flags: maps.FlagNoPrealloc, BTFKey: 1, BTFValue: 2},
			{Name: "groups", Type: maps.CgroupStorage, KeySize: 8, ValueSize: 8},
		},
	}
	m, err := vm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	code := withMaps(t, `
		call 158
		r1 = MAP0
		r2 = r0
		r3 = 0
		r4 = 1
		call 156
		if r0 == 0 goto out
		r1 = 1
		lock *(u64 *)(r0 +0) += r1
		r1 = MAP1
		r2 = 0
		call 81
		r1 = 5
		*(u64 *)(r0 +0) = r1
	out:
		r0 = 0
		exit`)
	if _, err := m.Load(&vm.Program{Type: hook.LSM, Insns: code}); err != nil {
		t.Fatal(err)
	}
	tasks, pid := m.Maps().At(0), []byte{0x67, 0x12, 0, 0}
	if _, e := tasks.Get(pid); e != maps.EBADF {
		t.Errorf("before any program saw the task: %v, want EBADF", e)
	}
	for range 2 {
		if err := m.Reset(vm.Input{Ctx: make([]byte, 8)}); err != nil {
			t.Fatal(err)
		}
		if s := m.Run(100); s != vm.StopExit {
			t.Fatalf("%v: %v", s, m.Fault())
		}
	}
	v, e := tasks.Get(pid)
	if e != 0 || v[0] != 2 || tasks.Len() != 1 {
		t.Errorf("%v %v, %d values", v, e, tasks.Len())
	}
	key, value, _, ok := tasks.Each(0, 0)
	if !ok || string(key) != string(pid) {
		t.Errorf("key %v", key)
	}
	if k, ok := tasks.KeyAt(uint32(value)); !ok || string(k) != string(pid) {
		t.Errorf("key of the address: %v", k)
	}
	if v, e := m.Maps().At(1).Get([]byte{77, 0, 0, 0, 0, 0, 0, 0}); e != 0 || v[0] != 5 {
		t.Errorf("the cgroup's: %v %v", v, e)
	}
	if _, e := tasks.NextKey(nil); e != maps.ENOTSUPP {
		t.Errorf("next key: %v, want ENOTSUPP", e)
	}
	if e := tasks.Set(pid, []byte{9, 0, 0, 0, 0, 0, 0, 0}, maps.NoExist); e != maps.EEXIST {
		t.Errorf("update with BPF_NOEXIST: %v", e)
	}
	if e := tasks.Remove(pid); e != 0 || tasks.Len() != 0 {
		t.Errorf("delete: %v", e)
	}
	if e := tasks.Remove(pid); e != maps.ENOENT {
		t.Errorf("delete again: %v", e)
	}
	if e := tasks.Set(pid, []byte{9, 0, 0, 0, 0, 0, 0, 0}, maps.Any); e != 0 || tasks.Len() != 1 {
		t.Errorf("created by user space: %v", e)
	}
	if e := tasks.Set([]byte{1, 0, 0, 0}, make([]byte, 8), maps.Any); e != maps.EBADF {
		t.Errorf("a task that is not there: %v", e)
	}
}
