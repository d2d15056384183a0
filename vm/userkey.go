package vm

import (
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/maps"
)

// userKey is the number by which user space names a simulated kernel object: a
// task's pid, the id of a cgroup, the number of a socket, the address of
// others.
func (m *Machine) userKey(owner uint64) (uint32, bool) {
	if m.world.UserKey != nil {
		if n, ok := m.world.UserKey(owner); ok {
			return n, true
		}
	}
	if owner>>32 != 0 {
		return 0, false
	}
	r := m.arena.Find(uint32(owner))
	if r == nil || r.Kind != arena.Object {
		return 0, false
	}
	switch helper.ObjectKind(-2 - r.Map) {
	case helper.ObjectTask:
		return m.world.Task.PID, true
	case helper.ObjectCgroup:
		if i := int(r.Index); i < len(m.world.Cgroups) {
			return uint32(m.world.Cgroups[i]), true
		}
	case helper.ObjectSock, helper.ObjectTCPSock:
		return uint32(r.Index), true
	}
	return 0, false
}

// object is the inverse of userKey, for the objects that exist.
func (m *Machine) object(t maps.Type, key uint32) (uint64, bool) {
	kind := helper.ObjectSock
	switch t {
	case maps.TaskStorage:
		kind = helper.ObjectTask
	case maps.CgrpStorage:
		kind = helper.ObjectCgroup
	}
	for _, r := range m.arena.Regions() {
		if r.Kind == arena.Object && r.Map == -2-int32(kind) {
			if n, ok := m.userKey(uint64(r.Base)); ok && n == key {
				return uint64(r.Base), true
			}
		}
	}
	return 0, false
}
