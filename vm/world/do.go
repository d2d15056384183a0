package world

import (
	"strings"
)

// setup gives the values that an event has from the start their names.
func (w *World) setup() {
	e := w.r.ev
	w.lets("dfd olddfd newdfd", atFDCWD)
	w.let("fd", firstFD)
	w.let("count", 4096)
	w.let("error_code", e.Num("code", 0))
	w.let("code", e.Num("code", 0)&0xff<<8)
	for _, a := range e.Args {
		if n, ok := number(a.Value); ok && !a.Quoted {
			if w.get(a.Name).name == "" {
				w.let(a.Name, n)
			}
		}
	}
	if path, ok := e.Get("path"); ok || e.Verb == "exec" || e.Verb == "fork" {
		w.setPath(path)
	}
	w.setNet()
	if data, ok := e.Get("data"); ok {
		p := w.user([]byte(data))
		w.lets("buf buff", p)
		w.lets("count len size", uint64(len(data)))
	}
}

// setPath gives the arguments that are made of a path.
func (w *World) setPath(path string) {
	e := w.r.ev
	if path == "" {
		path = "/bin/true"
		if e.Verb == "fork" {
			path = "/bin/utarget"
		}
	}
	w.letText("path", path)
	p := w.passText(path)
	for _, n := range [...]string{"filename", "pathname", "oldname", "dir_name", "u_name"} {
		w.bind(value{name: n, n: p, s: path})
	}
	w.let("dev_name", w.passText("tmpfs"))
	w.let("u_type", w.get("dev_name").n)
	if to, ok := e.Get("to"); ok {
		w.let("newname", w.passText(to))
	}
	flags, mode := e.Num("flags", oCloexec), uint64(0)
	switch e.Verb {
	case "write":
		flags, mode = oCloexec|oCreateTrunc, e.Num("mode", 0o644)
	case "mkdir":
		mode = e.Num("mode", 0o755)
	case "chmod":
		mode = e.Num("mode", 0o644)
	case "mknod":
		mode = modeChar | 0o666
		w.let("dev", e.Num("major", 1)<<8|e.Num("minor", 3)) // new_encode_dev of small numbers
	}
	w.let("flags", flags)
	w.let("mode", mode)
	w.let("how", w.mem("open_how", 0).clear().set("flags", flags).set("mode", mode).ptr())
	w.let("name", w.mem("filename", 0).set("name", w.keepText("name", 0, path)).set("uptr", p).ptr())
	if e.Verb == "exec" || e.Verb == "fork" {
		args := []string{path}
		args = append(args, strings.Fields(e.Text("args", ""))...)
		vec := make([]byte, 0, 64)
		for _, a := range args {
			vec = le.AppendUint64(vec, w.passText(a))
		}
		w.let("argv", w.user(le.AppendUint64(vec, 0)))
		w.let("argc", uint64(len(args)))
		w.let("envp", w.user(make([]byte, 8)))
	}
}

// current writes the memory of the current task and of its parents.
func (w *World) current() {
	t := w.task()
	for i, n := w.st.task(t.ppid), 0; i > 0 && n < 4; i, n = w.st.task(w.st.tasks[i].ppid), n+1 {
		w.fillTask(&w.st.tasks[i])
	}
	o := w.fillTask(t)
	w.let("self", o.ptr())
	w.bind(value{name: "comm", s: t.comm})
	w.lets("p parent", o.ptr())
	w.let("pid", uint64(t.pid))
	w.let("prio", 120)
}

// do is what the kernel does itself.
func (w *World) do(name string) {
	e := w.r.ev
	switch name {
	case "lookup":
		w.lookup()
	case "parent":
		w.newName()
	case "open":
		w.opened()
	case "body":
		w.st.now += e.Num("us", 10) * 1000
		w.r.val = int64(e.Num("ret", 0))
	case "close", "chmod", "unlink", "rename", "mkdir", "mknod", "read", "write":
		w.change(name)
	case "mmap":
		w.r.val = 0x7f0000000000
	case "fork":
		w.fork()
	case "image":
		w.image()
	case "exec":
		path := w.get("path").s
		_, comm := parentOf(path)
		w.st.change(w.st.task(w.r.actor), func(t *task) { t.comm, t.exe = comm[:min(len(comm), 15)], path })
		w.let("old_pid", uint64(w.r.actor))
		w.current()
		w.st.now += e.Num("us", 100) * 1000
	case "dying":
		w.mem("task_struct", w.task().slot).set("exit_code", w.get("code").n)
	case "exit":
		w.drop(w.get("self").n)
		w.st.exit(w.r.actor)
	case "away":
		w.switched(w.r.actor, 0, 1)
	case "wait":
		w.st.now += e.Num("ms", 1) * 1_000_000
		w.let("target_cpu", uint64(e.CPU))
		w.current()
	case "back":
		w.switched(0, w.r.actor, 0)
	case "switch":
		to := w.st.named(e.Text("to", ""))
		if to < 0 {
			to = w.st.task(w.st.spawn(task{comm: e.Text("to", "")[:min(len(e.Text("to", "")), 15)], ppid: initPID, cg: "/"}))
		}
		w.st.now += e.Num("ms", 0) * 1_000_000
		w.switched(w.r.actor, w.st.tasks[to].pid, 0)
	case "victim":
		w.victim()
	case "kill":
		if w.get("sig").n != 0 {
			w.st.exit(uint32(w.get("u_pid").n))
		}
	default:
		w.doNet(name)
	}
}

// lookup finds the file of the event's path, as the task may.
func (w *World) lookup() {
	path := w.get("path").s
	i := w.st.file(path)
	write := w.r.ev.Verb == "write"
	if i < 0 && write {
		w.newName()
		return
	}
	if i < 0 && w.r.ev.Verb == "mount" {
		i = w.st.add(file{path: path, mode: modeDir | 0o755})
	}
	if i < 0 {
		w.st.now += w.r.ev.Num("us", 10) * 1000
		w.deny(-eNOENT)
		return
	}
	f, t := &w.st.files[i], w.task()
	if t.uid != 0 && (w.r.ev.Verb == "open" || w.r.ev.Verb == "read" || write) {
		bits := f.mode
		if f.uid == t.uid {
			bits >>= 6
		}
		if write && bits&2 == 0 || !write && bits&4 == 0 {
			w.deny(-eACCES)
			return
		}
	}
	w.bindFile(i)
}

// newName makes the name that the event wants to give, not there yet.
func (w *World) newName() {
	path := w.get("path").s
	if w.st.file(path) >= 0 {
		w.deny(-eEXIST)
		return
	}
	mode := uint32(w.get("mode").n)
	switch w.r.ev.Verb {
	case "mkdir":
		mode |= modeDir
	case "write":
		mode |= modeReg
	}
	t := w.task()
	i := w.st.add(file{path: path, mode: mode, uid: t.uid, gid: t.gid, rdev: uint32(w.r.ev.Num("major", 0)<<20 | w.r.ev.Num("minor", 0))})
	w.st.changeFile(i, func(f *file) { f.gone = true })
	w.bindFile(i)
}

// bindFile gives the kernel objects of file i the names that hooks have for
// them.
func (w *World) bindFile(i int) {
	m := w.fillFile(i)
	w.let("file_index", uint64(i)+1)
	w.lets("dentry old_dentry new_dentry", m.dentry)
	dir, name := parentOf(w.st.files[i].path)
	w.letText("basename", name)
	if d := w.st.file(dir); d >= 0 {
		up := w.fillFile(d)
		w.lets("dir old_inode new_inode", up.inode)
		w.lets("dirpath old_dir new_dir", w.mem("path", 1).set("dentry", up.dentry).ptr())
	}
	w.bind(value{name: "path", n: w.mem("path", 0).set("dentry", m.dentry).ptr(), s: w.get("path").s})
	w.let("file", w.openFile(m, 0, w.task().slot, w.get("flags").n))
	if w.r.ev.Verb == "rename" {
		if to, ok := w.r.ev.Get("to"); ok {
			n := w.mem("dentry", len(w.st.files)+1)
			_, base := parentOf(to)
			n.text("d_iname", base).set("d_name.len", uint64(len(base))).set("d_name.name", w.keepText("new name", 0, base))
			w.let("new_dentry", n.ptr())
		}
	}
	w.let("idmap", w.region("", "nop_mnt_idmap", 0, 64).ptr())
	w.let("mask", 4)
}

// opened ends open: the file is there, and empty if it is to be written.
func (w *World) opened() {
	w.st.now += w.r.ev.Num("us", 10) * 1000
	if i := int(w.get("file_index").n) - 1; i >= 0 && w.r.ev.Verb == "write" {
		w.st.changeFile(i, func(f *file) { f.gone, f.data = false, "" })
	}
	w.r.val = firstFD
	w.r.text = "fd 3"
}

// change does what the verb is about to its file.
func (w *World) change(how string) {
	e := w.r.ev
	i := int(w.get("file_index").n) - 1
	if how == "close" || i < 0 {
		w.r.val = 0
		return
	}
	w.st.now += e.Num("us", 10) * 1000
	w.r.val = 0
	switch how {
	case "read":
		w.r.val = int64(min(len(w.st.files[i].data), int(min(e.Num("size", 4096), 1<<20))))
		w.r.text = dec(w.r.val) + " bytes read"
	case "write":
		w.r.val = int64(len(e.Text("data", "")))
		w.r.text = dec(w.r.val) + " bytes written"
	}
	w.st.changeFile(i, func(f *file) {
		switch how {
		case "write":
			f.data = e.Text("data", "")
		case "unlink":
			f.gone = true
		case "rename":
			f.path = trim(e.Text("to", f.path))
		case "chmod":
			f.mode = f.mode&modeTypes | uint32(w.get("mode").n)&^modeTypes
		case "mkdir", "mknod":
			f.gone = false
		}
	})
	w.fillFile(i)
}

// fork makes the child and gives both their names.
func (w *World) fork() {
	t := *w.task()
	t.pid, t.ppid = 0, w.r.actor
	if c, ok := w.r.ev.Get("child"); ok {
		t.comm = c[:min(len(c), 15)]
	}
	pid := w.st.spawn(t)
	child := w.st.tasks[w.st.task(pid)]
	o := w.fillTask(&child)
	w.lets("child task p", o.ptr()) // what the tracepoints of the child say of "it"
	w.lets("child_pid pid", uint64(pid))
	w.let("parent", w.get("self").n)
	w.let("parent_pid", uint64(w.r.actor))
	w.letText("parent_comm", w.task().comm)
	w.letText("child_comm", child.comm)
	w.let("clone_flags", 17)
	w.letText("comm", child.comm)
	w.let("target_cpu", uint64(w.r.ev.CPU))
	w.r.val = int64(pid)
	w.r.text = "pid " + dec(w.r.val)
}

// image prepares the program that exec runs.
func (w *World) image() {
	path := w.get("path").s
	t := w.task()
	f := w.file(path, 0, 0)
	text := w.keepText("bprm name", 0, path)
	b := w.mem("linux_binprm", 0).set("file", f.file).set("filename", text).set("interp", text)
	b.set("argc", w.get("argc").n).set("cred", w.mem("cred", t.slot).ptr()).set("mm", w.mem("mm_struct", t.slot).ptr())
	b.text("buf", "\x7fELF\x02\x01\x01")
	w.let("bprm", b.ptr())
	w.let("file", f.file)
}

// switched gives the names of sched_switch.
func (w *World) switched(prev, next uint32, state uint64) {
	for _, side := range [...]struct {
		name string
		pid  uint32
	}{{"prev", prev}, {"next", next}} {
		t := w.st.tasks[max(w.st.task(side.pid), 0)]
		w.let(side.name, w.fillTask(&t).ptr())
		w.let(side.name+"_pid", uint64(t.pid))
		w.let(side.name+"_prio", 120)
		w.letText(side.name+"_comm", t.comm)
	}
	w.let("prev_state", state)
	w.let("preempt", 0)
	w.r.text = w.get("prev_comm").s + " -> " + w.get("next_comm").s
}

// victim is the task that a signal goes to.
func (w *World) victim() {
	e := w.r.ev
	i := -1
	if to, ok := e.Get("to"); ok {
		if n, num := number(to); num {
			i = w.st.task(uint32(n))
		} else {
			i = w.st.named(to)
		}
		if i < 0 {
			w.r.failed, w.r.ret = true, -eSRCH
			w.end()
			return
		}
	} else {
		i = w.st.task(w.st.spawn(task{comm: "utarget", exe: "/bin/utarget", ppid: w.r.actor, cg: w.task().cg}))
	}
	t := w.st.tasks[i]
	p := w.fillTask(&t).ptr()
	sig := e.Num("sig", 15)
	w.lets("u_pid pid", uint64(t.pid))
	w.letText("comm", t.comm)
	w.lets("p task", p)
	w.let("sig", sig)
	w.let("info", w.mem("kernel_siginfo", 0).set("si_signo", sig).ptr())
	w.let("group", 1)
}
