package world

// state is everything that events change, apart from what is in the arena:
// plain values, and slices that are replaced and never written to, so that a
// copy of the struct is a copy of it all.
type state struct {
	tasks   []task
	files   []file
	socks   []sock
	cgroups []string // paths
	now     uint64   // CLOCK_MONOTONIC, ns
	seq     uint64   // firings so far
	pid     uint32   // last one given out
	sock    uint64   // last cookie given out
	ino     uint64
}

// Bounds of what a list of events can make: memory, and time to find things.
const (
	maxTasks = 512 // of sockets too
	maxFiles = 4096
)

type task struct {
	pid, ppid uint32
	uid, gid  uint32
	comm      string
	exe       string
	cg        string // path of its cgroup
	slot      int    // of its memory: the lowest that is free
	start     uint64 // ns
}

type file struct {
	path     string
	mode     uint32 // with the type bits of st_mode
	uid, gid uint32
	ino      uint64
	rdev     uint32 // major << 20 | minor
	data     string
	gone     bool // unlinked: its memory is not used again
}

type sock struct {
	udp         bool
	v6          bool
	state       uint32 // BPF_TCP_*
	local, peer endpoint
	uid         uint32
	cookie      uint64
	cg          string
	slot        int
	callbacks   uint32 // flags of bpf_sock_ops_cb_flags_set
}

type endpoint struct {
	ip   [16]byte // IPv4 in the first four bytes
	port uint16
}

// Errors of system calls.
const (
	ePERM         = 1
	eNOENT        = 2
	eSRCH         = 3
	eACCES        = 13
	eEXIST        = 17
	eCONNREFUSED  = 111
	eADDRINUSE    = 98
	tcpEstab      = 1
	tcpSynRecv    = 3
	tcpFinWait1   = 4
	tcpFinWait2   = 5
	tcpClose      = 7
	tcpListen     = 10
	modeDir       = 0o040000
	modeReg       = 0o100000
	modeChar      = 0o020000
	modeTypes     = 0o170000
	firstPID      = 1000
	firstInode    = 100
	oCreateTrunc  = 0o1101 // O_WRONLY|O_CREAT|O_TRUNC
	oCloexec      = 0o2000000
	atFDCWD       = ^uint64(99) // -100
	firstFD       = 3
	initPID       = 1
	defaultPeriod = 1_000_000 // ns between samples of perf
)

// start is the machine before the first event.
func (st *state) start(clock uint64) {
	*st = state{now: clock, pid: firstPID, ino: firstInode}
	st.tasks = []task{
		{comm: "swapper/0", cg: "/"},
		{pid: initPID, comm: "systemd", exe: "/sbin/init", cg: "/", slot: 1},
	}
	for _, f := range [...]file{
		{path: "/", mode: modeDir | 0o755},
		{path: "/etc/passwd", mode: modeReg | 0o644, data: "root:x:0:0:root:/root:/bin/bash\n"},
		{path: "/etc/shadow", mode: modeReg | 0o600, data: "root:*:20000:0:99999:7:::\n"},
		{path: "/etc/hosts", mode: modeReg | 0o644, data: "127.0.0.1 localhost\n"},
		{path: "/etc/hostname", mode: modeReg | 0o644, data: "skep\n"},
		{path: "/dev/null", mode: modeChar | 0o666, rdev: 1<<20 | 3},
		{path: "/dev/zero", mode: modeChar | 0o666, rdev: 1<<20 | 5},
		{path: "/dev/mem", mode: modeChar | 0o640, rdev: 1<<20 | 1},
		{path: "/bin/true", mode: modeReg | 0o755},
		{path: "/bin/bash", mode: modeReg | 0o755},
		{path: "/usr/bin/sudo", mode: modeReg | 0o4755},
		{path: "/usr/bin/passwd", mode: modeReg | 0o4755},
		{path: "/tmp/", mode: modeDir | 0o1777},
		{path: "/mnt/", mode: modeDir | 0o755},
		{path: "/root/", mode: modeDir | 0o700},
	} {
		st.add(f)
	}
}

// task finds a task by pid, -1 when there is none.
func (st *state) task(pid uint32) int {
	for i := range st.tasks {
		if st.tasks[i].pid == pid {
			return i
		}
	}
	return -1
}

// named finds the newest task of that name.
func (st *state) named(comm string) int {
	for i := len(st.tasks) - 1; i >= 0; i-- {
		if st.tasks[i].comm == comm {
			return i
		}
	}
	return -1
}

// actor is the task that does an event: that of the pid, else one of the name,
// user and cgroup, else a new one.
func (st *state) actor(e *Event) uint32 {
	want := task{
		comm: e.Text("comm", "skep"), uid: uint32(e.Num("uid", 0)), gid: uint32(e.Num("gid", 0)), cg: e.Text("cg", "/"), ppid: initPID,
	}
	want.comm = want.comm[:min(len(want.comm), 15)]
	pid, given := uint32(e.Num("pid", 0)), has(e.Args, "pid")
	for i := range st.tasks {
		t := &st.tasks[i]
		if given && t.pid == pid {
			return pid
		}
		if !given && t.pid > initPID && t.comm == want.comm && t.uid == want.uid && t.gid == want.gid && t.cg == want.cg {
			return t.pid
		}
	}
	want.pid, want.exe = pid, "/bin/"+want.comm
	return st.spawn(want)
}

// spawn adds a task; its pid is the next when it is 0.
func (st *state) spawn(t task) uint32 {
	if t.pid == 0 {
		st.pid++
		t.pid = st.pid
	}
	st.pid = max(st.pid, t.pid)
	t.start, t.slot = st.now, 0
	for i := 0; i < len(st.tasks); i++ {
		if st.tasks[i].slot == t.slot {
			t.slot, i = t.slot+1, -1
		}
	}
	if len(st.tasks) >= maxTasks { // the oldest that is none of the first two
		st.exit(st.tasks[2].pid)
	}
	st.tasks = append(st.tasks[:len(st.tasks):len(st.tasks)], t)
	return t.pid
}

// change replaces task i by what f makes of it.
func (st *state) change(i int, f func(*task)) {
	st.tasks = append([]task(nil), st.tasks...)
	f(&st.tasks[i])
}

func (st *state) exit(pid uint32) {
	if i := st.task(pid); i >= 0 && pid > initPID {
		st.tasks = append(append([]task(nil), st.tasks[:i]...), st.tasks[i+1:]...)
	}
}

// file finds a file, -1 when there is none. A directory's path may end in a
// slash or not.
func (st *state) file(path string) int {
	path = trim(path)
	for i := range st.files {
		if f := &st.files[i]; !f.gone && f.path == path {
			return i
		}
	}
	return -1
}

func trim(path string) string {
	for len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

// parentOf is the directory of a path, name what is behind it.
func parentOf(path string) (dir, name string) {
	path = trim(path)
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:max(i, 1)], path[i+1:]
		}
	}
	return "/", path
}

// add makes a file, and the directories that lead to it. Once there are too
// many it is the root that a path leads to.
func (st *state) add(f file) int {
	f.path = trim(f.path)
	if i := st.file(f.path); i >= 0 {
		return i
	}
	if len(st.files) >= maxFiles {
		return 0
	}
	if dir, _ := parentOf(f.path); f.path != "/" {
		st.add(file{path: dir, mode: modeDir | 0o755})
	}
	st.ino++
	f.ino = st.ino
	st.files = append(st.files[:len(st.files):len(st.files)], f)
	return len(st.files) - 1
}

func (st *state) changeFile(i int, f func(*file)) {
	st.files = append([]file(nil), st.files...)
	f(&st.files[i])
}

// addSock makes a socket and gives its index.
func (st *state) addSock(s sock) int {
	st.sock++
	s.cookie = st.sock
	for i := 0; i < len(st.socks); i++ {
		if st.socks[i].slot == s.slot {
			s.slot, i = s.slot+1, -1
		}
	}
	if len(st.socks) >= maxTasks {
		st.socks = st.socks[1:]
	}
	st.socks = append(st.socks[:len(st.socks):len(st.socks)], s)
	return len(st.socks) - 1
}

func (st *state) changeSock(i int, f func(*sock)) {
	st.socks = append([]sock(nil), st.socks...)
	f(&st.socks[i])
}

// bySock finds a socket by cookie.
func (st *state) bySock(cookie uint64) int {
	for i := range st.socks {
		if st.socks[i].cookie == cookie {
			return i
		}
	}
	return -1
}

func (st *state) release(cookie uint64) {
	if i := st.bySock(cookie); i >= 0 {
		st.socks = append(append([]sock(nil), st.socks[:i]...), st.socks[i+1:]...)
	}
}

// listener finds the socket that a packet to that address reaches.
func (st *state) listener(udp bool, to endpoint) int {
	for i := range st.socks {
		s := &st.socks[i]
		if s.udp == udp && s.local.port == to.port && (s.local.ip == to.ip || s.local.ip == [16]byte{}) && (udp || s.state == tcpListen) {
			return i
		}
	}
	return -1
}

// cgroup is the number of a cgroup, for its memory.
func (st *state) cgroup(path string) int {
	for i := range st.cgroups {
		if st.cgroups[i] == path {
			return i
		}
	}
	st.cgroups = append(st.cgroups[:len(st.cgroups):len(st.cgroups)], path)
	return len(st.cgroups) - 1
}
