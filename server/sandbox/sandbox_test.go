//go:build linux

package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skep/server/sandbox/proto"
	"skep/vm/hook"
)

func TestCPIO(t *testing.T) {
	var w cpioWriter
	w.dir("bin")
	w.file("bin/a", 0o755, []byte("hello"))
	w.symlink("bin/b", "a")
	w.char("null", 0o666, 1, 3)
	b := w.bytes()
	if len(b)%512 != 0 || !bytes.HasPrefix(b, []byte("070701")) || !bytes.Contains(b, []byte("TRAILER!!!")) {
		t.Fatalf("%d bytes: %.120q", len(b), b)
	}
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Log("cpio is not installed: the archive's format is checked by booting only")
		return
	}
	cmd := exec.Command(cpio, "-t", "--quiet")
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("bin\nbin/a\nbin/b\nnull\n", string(out)); diff != "" {
		t.Error(diff)
	}
}

func TestVmlinuxRefuses(t *testing.T) {
	image := make([]byte, 0x2000)
	copy(image[hdrMagic:], "HdrS")
	image[hdrSetupSects] = 1
	long := bytes.Clone(image)
	binary.LittleEndian.PutUint32(long[hdrPayloadOffset:], 0xfffffff0)
	binary.LittleEndian.PutUint32(long[hdrPayloadLength:], 0xfffffff0)
	plain := bytes.Clone(image)
	binary.LittleEndian.PutUint32(plain[hdrPayloadLength:], 16)
	for _, tt := range []struct {
		name, want string
		in         []byte
	}{
		{"empty", "not a bzImage", nil},
		{"zeroes", "not a bzImage", make([]byte, 0x2000)},
		{"payload outside", "outside", long},
		{"no payload", "outside", image},
		{"not a kernel", "not an ELF", plain},
	} {
		if _, err := vmlinuxOf(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestVersionLess(t *testing.T) {
	order := []string{"linux-image-6.1.0-9-cloud", "linux-image-6.1.0-56-cloud", "linux-image-6.12.99+deb12", "linux-image-6.12.117+deb12", "linux-image-6.12.117+deb13"}
	for i := range order {
		for j := range order {
			if got := versionLess(order[i], order[j]); got != (i < j) {
				t.Errorf("%s < %s: %v", order[i], order[j], got)
			}
		}
	}
}

func TestKernelBTF(t *testing.T) {
	for _, k := range Kernels() {
		kb, err := loadKernelBTF(k.BTFFile())
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			prog, attach uint32
			name         string
			ok           bool
		}{
			{uint32(hook.Tracing), 24, "do_sys_openat2", true}, {uint32(hook.Tracing), uint32(hook.TraceRawTp), "sched_switch", true},
			{uint32(hook.Tracing), uint32(hook.TraceRawTp), "btf_trace_sched_switch", true}, {uint32(hook.LSM), 27, "file_open", true}, {uint32(hook.LSM), 27, "bpf_lsm_file_open", true},
			{uint32(hook.Tracing), uint32(hook.TraceIter), "task", true}, {uint32(hook.StructOps), 0, "tcp_congestion_ops", true}, {uint32(hook.Tracing), 24, "no_such_function", false},
		} {
			if id, err := kb.attachID(tt.prog, tt.attach, tt.name); (err == nil) != tt.ok || tt.ok && id == 0 {
				t.Errorf("%s: %s: id %d, %v", k.Version, tt.name, id, err)
			}
		}
	}
}

func FuzzIndexBTF(f *testing.F) {
	f.Add([]byte("\x9f\xeb\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00\x0c\x00\x00\x00\x0c\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0c\x00\x00\x00\x00\x00abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		indexBTF(b)
	})
}

// FuzzVerdict decodes what a hostile guest could send as a verdict.
func FuzzVerdict(f *testing.F) {
	var b bytes.Buffer
	proto.NewWriter(&b).Send(proto.Verdict, proto.VerdictMsg{ID: "x", Log: 3, Data: 2, Ran: true}, []byte("logpk"))
	f.Add(b.Bytes()[5:])
	f.Add([]byte("\x14\x00\x00\x00{\"log\":-1,\"data\":1}"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		v, err := decodeVerdict(payload, "kernel")
		if err == nil {
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, proto.ErrFrame) {
			t.Errorf("%v is no ErrFrame", err)
		}
	})
}

// FuzzRecord resolves arbitrary records without a kernel.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"id":"a","prog_type":"xdp","maps":[{"type":"array","inner":{"type":"hash"}}],"map_refs":[[0,0,1]],"insns":"9500000000000000","kfuncs":[[9,1,"x"]]}`))
	f.Add([]byte(`{"map_refs":[[-1,5,1]],"insns":"18","btf":"9feb"}`))
	k := &Kernel{dir: f.TempDir()}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if json.Unmarshal(b, &r) == nil {
			r.Resolve(k, nil)
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	const in = `{"id":"a","prog_type":"xdp","privileged":false,"maps":[{"type":"array","key_size":4,"value_size":8,"max_entries":1,"data":"01"}],"map_refs":[[3,0,1]],"insns":"9500000000000000","data":"ff","kfuncs":[[1,2,"f"]]}`
	var a, b Record
	if err := json.Unmarshal([]byte(in), &a); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(&a)
	if err == nil {
		err = json.Unmarshal(j, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(symbolRef{})); diff != "" {
		t.Error(diff)
	}
}

func TestFairQueue(t *testing.T) {
	q := fairQueue{owners: map[string][]*Ticket{}}
	var tickets []*Ticket
	for _, name := range strings.Split("a1 a2 a3 b1 c1 b2", " ") {
		ticket := &Ticket{job: Job{Owner: name[:1], Kernel: name}}
		tickets = append(tickets, ticket)
		q.push(ticket)
	}
	want := "a1 b1 c1 a2 b2 a3"
	for i, ticket := range tickets {
		n, ok := q.position(ticket)
		if got := strings.Fields(want)[n]; !ok || got != ticket.job.Kernel {
			t.Errorf("ticket %d %s: position %d (%s)", i, ticket.job.Kernel, n, got)
		}
	}
	removed := &Ticket{job: Job{Owner: "d"}}
	q.push(removed)
	if !q.remove(removed) || q.remove(removed) {
		t.Error("remove")
	}
	var got []string
	for x := q.pop(); x != nil; x = q.pop() {
		got = append(got, x.job.Kernel)
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" || q.n != 0 || len(q.ring) != 0 || len(q.owners) != 0 {
		t.Errorf("%s, left %+v", diff, q)
	}
}

// TestBackPressure fills slots and queue of a manager without starting any VM.
func TestBackPressure(t *testing.T) {
	m := &Manager{cfg: Config{MaxVMs: 1, MaxQueue: 3, MaxOwner: 2, MinLevel: LevelFull}, level: LevelFull,
		pools: map[string]*pool{DefaultKernel: {}}, queue: fairQueue{owners: map[string][]*Ticket{}}, average: 2}
	enqueue := func(owner string) (*Ticket, error) { return m.Enqueue(Job{Owner: owner}) }
	first, err := enqueue("a")
	if err != nil {
		t.Fatal(err)
	}
	if n, wait := first.Position(); n != 0 || wait != 0 {
		t.Errorf("running job: position %d, wait %v", n, wait)
	}
	var last *Ticket
	for range 2 {
		if last, err = enqueue("a"); err != nil {
			t.Fatal(err)
		}
	}
	if n, wait := last.Position(); n != 2 || wait != 4*time.Second {
		t.Errorf("second waiting: position %d, wait %v; want 2 and 4 s", n, wait)
	}
	var busy *BusyError
	if _, err := enqueue("a"); !errors.As(err, &busy) || !busy.Owner {
		t.Errorf("third waiting job of one owner: %v", err)
	}
	if _, err := enqueue("b"); err != nil {
		t.Error(err)
	}
	if _, err := enqueue("c"); !errors.As(err, &busy) || busy.Owner || busy.Estimate <= 0 {
		t.Errorf("queue full: %v", err)
	}
	last.Cancel()
	if _, err := enqueue("c"); err != nil {
		t.Errorf("after a cancellation: %v", err)
	}
	waiting, _ := m.Enqueue(Job{Owner: "d", Trusted: true})
	if waiting != nil {
		t.Error("trusted jobs must respect the queue's bound")
	}
	first.Cancel() // gives its slot to the next
	if m.busy != 1 || m.queue.n != 2 {
		t.Errorf("busy %d, waiting %d", m.busy, m.queue.n)
	}
	m.level = LevelSeccomp
	if _, err := enqueue("e"); !errors.Is(err, ErrLevel) {
		t.Errorf("too weak isolation: %v", err)
	}
	if _, err := m.Enqueue(Job{Kernel: "9.9"}); err == nil {
		t.Error("unknown kernel was accepted")
	}
}

func TestConsole(t *testing.T) {
	r, w := io.Pipe()
	c := newConsole(r)
	fmt.Fprint(w, strings.Repeat("x", 3*consoleSize))
	fmt.Fprint(w, "[ 1.0] Kernel panic - not syncing: Attempted to kill init!\x1b[31m exitcode=1\r\nCPU: 0\n")
	w.Close()
	<-c.done
	if got := len(c.String()); got != consoleSize {
		t.Errorf("console of %d bytes, want %d", got, consoleSize)
	}
	if got, want := c.panicLine(), "Kernel panic - not syncing: Attempted to kill init!.[31m exitcode=1"; got != want {
		t.Errorf("panic line %q, want %q", got, want)
	}
}

func TestCommandUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"nonsense"}, {"run"}, {"list", "extra"}, {"doctor", "--nonsense"}} {
		var out, errs bytes.Buffer
		if code := Command(t.Context(), args, strings.NewReader(""), &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "usage") {
			t.Errorf("%q: exit code %d\n%s", args, code, errs.String())
		}
	}
}

// TestNothingInstalled runs against an empty cache: every verb says what to do.
func TestNothingInstalled(t *testing.T) {
	t.Setenv("SKEP_CACHE", filepath.Join(t.TempDir(), "cache"))
	var out, errs bytes.Buffer
	if code := Command(t.Context(), []string{"run", "--batch"}, strings.NewReader(""), &out, &errs); code != exitNo || !strings.Contains(errs.String(), "not installed") {
		t.Errorf("run: exit code %d\n%s", code, errs.String())
	}
	out.Reset()
	if code := Command(t.Context(), []string{"list"}, strings.NewReader(""), &out, &errs); code != exitOK || !strings.Contains(out.String(), "skep sandbox install") {
		t.Errorf("list: exit code %d\n%s", code, out.String())
	}
}

func TestSparseCopy(t *testing.T) {
	from, err := memfd("from", guestRAMBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for _, off := range []int64{0, 4095, 8192, 100 << 20, guestRAMBytes - 5} {
		if _, err := from.WriteAt([]byte("skep!"), off); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "ram")
	if err := copySparse(path, from); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	to, err := memfd("to", guestRAMBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := copyData(to, f); err != nil {
		t.Fatal(err)
	}
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); off < guestRAMBytes; off += 1 << 20 {
		from.ReadAt(a, off)
		to.ReadAt(b, off)
		if !bytes.Equal(a, b) {
			t.Fatalf("the copy differs in MiB %d", off>>20)
		}
	}
}
