package arena

// Kind says what a region is.
type Kind uint8

const (
	State   Kind = iota + 1 // the machine's own: map indexes, random state
	Stack                   // one frame of the call stack
	Ctx                     // the context that r1 points to at the start
	Packet                  // packet bytes with head and tail room
	MapPtr                  // what a map pointer points to
	Value                   // map values
	Ringbuf                 // ring buffer data pages
	Object                  // a kernel object or variable that the world simulates
)

var kindNames = [...]string{"", "state", "stack", "ctx", "packet", "map_ptr", "map_value", "ringbuf", "object"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Perm is what a program may do with the bytes of a region.
type Perm uint8

const (
	Read Perm = 1 << iota
	Write
)

// Region is a named part of the arena.
//
// A region of map values holds elements: with Stride above zero, element i
// begins at Base+i*Stride and the program may touch Size bytes from Off on;
// the rest of an element belongs to the machine. With Reps above one an
// element holds that many values (one a CPU), each Size rounded up to 8 after
// the one before. A region with a Windower asks it instead (packet, ring
// buffer).
type Region struct {
	Base, Len uint32
	Kind      Kind
	Perm      Perm
	Map       int32 // index of the map, -1 if it belongs to none
	Index     int32 // frame number of a stack, chunk or CPU of map values
	Stride    uint32
	Off, Size uint32
	Reps      uint32
	Name      string
	Windower  Windower
}

// Window is the range around an address that may be accessed as one: a map
// value, a packet, a stack frame. An empty window is no access at all.
type Window struct {
	Base, Len uint32
	Perm      Perm
}

// Windower computes windows that change while a program runs. The machine
// asks on the first access after a helper call and caches the answer.
type Windower interface {
	// Window returns the window of region r that holds addr or, when none
	// does, the one nearest to it (for the words of a fault).
	Window(r *Region, addr uint32) Window
}

// Window returns the accessible window that addr falls in, or the nearest
// one of the region.
func (r *Region) Window(addr uint32) Window {
	if r.Windower != nil {
		return r.Windower.Window(r, addr)
	}
	if r.Stride == 0 {
		return Window{r.Base, r.Len, r.Perm}
	}
	base := r.Base + r.ElemIndex(addr)*r.Stride + r.Off
	if r.Reps > 1 && addr > base {
		base += min((addr-base)/r.RepStride(), r.Reps-1) * r.RepStride()
	}
	return Window{base, r.Size, r.Perm}
}

// RepStride is the distance of the values inside an element.
func (r *Region) RepStride() uint32 { return (r.Size + 7) &^ 7 }

// ElemIndex is the number of the element that addr falls in.
func (r *Region) ElemIndex(addr uint32) uint32 {
	if addr < r.Base || r.Stride == 0 {
		return 0
	}
	i := (addr - r.Base) / r.Stride
	if n := r.Len / r.Stride; n > 0 && i >= n {
		i = n - 1
	}
	return i
}

// Contains reports whether [addr, addr+n) is inside the window.
func (w Window) Contains(addr uint32, n uint32) bool {
	return n <= w.Len && addr-w.Base <= w.Len-n
}
