package grade

import (
	"strconv"
	"strings"
)

// eval is what a rule sees: all that happened up to now.
type eval struct {
	maps     []Map
	history  []Event
	counters *Counters
	lost     map[string]int
	star     *Entry // the entry that [*] means
	event    int    // the event that the last looked-up value came from, -1: none
	blind    Blind
	unseen   bool // something was asked for that this world does not show
}

func (e *eval) sum(s sum) (value, string) {
	if len(s) == 1 && !s[0].minus {
		return e.term(&s[0].term)
	}
	total := int64(0)
	for i := range s {
		v, msg := e.term(&s[i].term)
		if msg != "" {
			return v, msg
		}
		if v.str || v.any {
			return v, "text cannot be added"
		}
		if s[i].minus {
			v.num = -v.num
		}
		total += v.num
	}
	return number(total), ""
}

func (e *eval) term(t *term) (value, string) {
	switch t.kind {
	case termNumber:
		return number(t.num), ""
	case termText:
		return text(t.text), ""
	case termName:
		return e.name(t.name)
	case termCell:
		return e.cell(t)
	}
	args := make([]value, len(t.args))
	for i := range t.args {
		var msg string
		if args[i], msg = e.sum(t.args[i]); msg != "" {
			return value{}, msg
		}
	}
	return function(t.name).apply(e, args)
}

func (e *eval) name(w string) (value, string) {
	switch w {
	case "printk":
		return value{any: true, list: e.lines()}, ""
	case "ret":
		e.unseen = e.unseen || e.blind.Returns
		for i := len(e.history) - 1; i >= 0; i-- {
			if f := e.history[i].Fired; len(f) > 0 {
				e.event = i
				return number(f[len(f)-1].Ret), ""
			}
		}
		return value{}, "no program ran"
	}
	for i := range counters {
		if counters[i].name == w && e.counters != nil {
			return number(int64(counters[i].of(e.counters))), ""
		}
	}
	return value{}, "there is no verdict to count in"
}

func (e *eval) lines() []string {
	var out []string
	for i := range e.history {
		out = append(out, e.history[i].Printk...)
	}
	return out
}

// mapNamed finds a map; those of global variables have the object's name in
// front of their section's.
func (e *eval) mapNamed(name string) *Map {
	for i := range e.maps {
		if n := e.maps[i].Name; n == name || name[0] == '.' && strings.HasSuffix(n, name) {
			return &e.maps[i]
		}
	}
	return nil
}

func noMap(name string) string { return "the program has no map " + strconv.Quote(name) }

func (e *eval) cell(t *term) (value, string) {
	m := e.mapNamed(t.name)
	if m == nil {
		return value{}, noMap(t.name)
	}
	if m.Type == "ringbuf" || m.Type == "user_ringbuf" || m.Type == "perf_event_array" {
		return m.record(t)
	}
	entry := e.star
	if !t.key.star {
		key, msg := e.key(t.key)
		if msg != "" {
			return value{}, msg
		}
		b, ok := key.bytes(m.KeySize)
		if !ok {
			return value{}, "a key of map " + strconv.Quote(m.Name) + " has " + strconv.Itoa(m.KeySize) + " bytes, this one has not"
		}
		if entry = m.find(b); entry == nil {
			return value{}, "there is no entry with this key"
		}
	}
	if entry == nil {
		return value{}, "the map is empty"
	}
	if entry.Event >= 0 {
		e.event = entry.Event
	}
	e.unseen = e.unseen || t.cpu >= 0 && e.blind.CPUs
	return m.read(entry, t.cpu, t.field)
}

func (m *Map) find(key []byte) *Entry {
	for i := range m.Entries {
		if string(m.Entries[i].Key) == string(key) {
			return &m.Entries[i]
		}
	}
	return nil
}

// read is the value of an entry, or a field of it; per-CPU values are added up
// where no CPU is asked for.
func (m *Map) read(entry *Entry, cpu int, field string) (value, string) {
	if cpu >= 0 {
		if cpu >= len(entry.Values) {
			return value{}, "there is no CPU " + strconv.Itoa(cpu)
		}
		return m.value(entry.Values[cpu], field)
	}
	if len(entry.Values) == 0 {
		return value{}, "the entry has no value"
	}
	v, msg := m.value(entry.Values[0], field)
	if msg != "" || v.str {
		return v, msg
	}
	for _, b := range entry.Values[1:] {
		more, msg := m.value(b, field)
		if msg != "" {
			return v, msg
		}
		v.num += more.num
	}
	return v, ""
}

func (m *Map) value(b []byte, field string) (value, string) {
	if field == "" {
		if len(m.Fields) == 1 {
			return m.Fields[0].read(b), ""
		}
		return scalar(b, false), ""
	}
	for _, f := range m.Fields {
		if f.Name == field {
			return f.read(b), ""
		}
	}
	if f, ok := rawField(field); ok && f.Offset+f.Size <= len(b) {
		return f.read(b), ""
	}
	return value{}, "a value of map " + strconv.Quote(m.Name) + " has no field " + strconv.Quote(field)
}

// rawField is a field by its type and offset, for values without BTF:
// u64_8 is eight bytes at offset 8.
func rawField(name string) (Field, bool) {
	typ, at, ok := strings.Cut(name, "_")
	off, err := strconv.ParseUint(at, 10, 16)
	if !ok || err != nil {
		return Field{}, false
	}
	signed := strings.HasPrefix(typ, "s")
	for _, kt := range keyTypes {
		if kt.name == typ && !kt.big || signed && kt.name == "u"+typ[1:] {
			return Field{Name: name, Offset: int(off), Size: kt.size, Signed: signed}, true
		}
	}
	return Field{}, false
}

// record is a record of a ring buffer: rb[0].pid is a field of the oldest.
func (m *Map) record(t *term) (value, string) {
	if len(t.key.parts) != 1 || t.key.parts[0].str {
		return value{}, "records are counted from 0: " + m.Name + "[0]"
	}
	n := t.key.parts[0].num
	if n >= uint64(len(m.Records)) {
		return value{}, "there are " + strconv.Itoa(len(m.Records)) + " records"
	}
	return m.value(m.Records[n], t.field)
}

func (e *eval) length(args []value) (value, string) {
	if args[0].text == "printk" {
		return number(int64(len(e.lines()))), ""
	}
	m := e.mapNamed(args[0].text)
	if m == nil {
		return value{}, noMap(args[0].text)
	}
	return number(int64(len(m.Entries) + len(m.Records))), ""
}

// fold is a function over all values of a map; an empty map gives 0.
func fold(f func(a, b int64) int64) func(*eval, []value) (value, string) {
	return func(e *eval, args []value) (value, string) {
		m := e.mapNamed(args[0].text)
		if m == nil {
			return value{}, noMap(args[0].text)
		}
		total := int64(0)
		for i := range m.Entries {
			v, msg := m.read(&m.Entries[i], -1, "")
			if msg != "" {
				return v, msg
			}
			if v.str {
				return v, "the values of map " + strconv.Quote(m.Name) + " are not numbers"
			}
			if i == 0 {
				total = v.num
			} else {
				total = f(total, v.num)
			}
		}
		return number(total), ""
	}
}

func (e *eval) events(args []value) (value, string) {
	n := 0
	for i := range e.history {
		if e.history[i].Verb == args[0].text {
			n++
		}
	}
	return number(int64(n)), ""
}

func (e *eval) fired(args []value) (value, string) {
	e.unseen = e.unseen || e.blind.Returns
	n := 0
	for i := range e.history {
		for _, f := range e.history[i].Fired {
			if f.Program == args[0].text {
				n++
			}
		}
	}
	return number(int64(n)), ""
}

// at is the event that an argument numbers from 1.
func (e *eval) at(v value) (*Event, string) {
	if v.str || v.num < 1 || v.num > int64(len(e.history)) {
		return nil, "there is no event " + v.printed()
	}
	e.event = int(v.num) - 1
	e.unseen = e.unseen || e.history[e.event].Unseen
	return &e.history[e.event], ""
}

// firing is the last run of an event, or the last one of a program.
func (e *eval) firing(args []value) (*Firing, string) {
	ev, msg := e.at(args[len(args)-1])
	if msg != "" {
		return nil, msg
	}
	e.unseen = e.unseen || e.blind.Returns && len(ev.Fired) == 0
	for i := len(ev.Fired) - 1; i >= 0; i-- {
		if len(args) == 1 || ev.Fired[i].Program == args[0].text {
			return &ev.Fired[i], ""
		}
	}
	return nil, "no program ran at this event"
}

func (e *eval) ret(args []value) (value, string) {
	f, msg := e.firing(args)
	if msg != "" {
		return value{}, msg
	}
	if f.Fault != "" {
		return value{}, f.Fault
	}
	return number(f.Ret), ""
}

func (e *eval) result(args []value) (value, string) {
	ev, msg := e.at(args[0])
	if msg != "" {
		return value{}, msg
	}
	return number(ev.Result), ""
}

// arg is what an event was given, also where it was drawn by the seed.
func (e *eval) arg(args []value) (value, string) {
	ev, msg := e.at(args[0])
	if msg != "" {
		return value{}, msg
	}
	for i := range ev.Args {
		if a := &ev.Args[i]; a.Name == args[1].text {
			if n, err := parseInt(a.Value); err == nil && !a.Quoted {
				return number(n), ""
			}
			return text(a.Value), ""
		}
	}
	return value{}, "the event has no " + args[1].text + "="
}

// key fills in the parts that an event has.
func (e *eval) key(k key) (key, string) {
	out := key{star: k.star, parts: append([]keyPart(nil), k.parts...)}
	for i := range out.parts {
		p := &out.parts[i]
		if p.call == nil {
			continue
		}
		v, msg := e.term(p.call)
		if msg != "" {
			return out, msg
		}
		p.num, p.text, p.str = uint64(v.num), v.text, v.str
	}
	return out, ""
}

func (e *eval) steps(args []value) (value, string) {
	ev, msg := e.at(args[0])
	if msg != "" {
		return value{}, msg
	}
	e.unseen = e.unseen || e.blind.Steps
	n := uint64(0)
	for _, f := range ev.Fired {
		n += f.Steps
	}
	return number(int64(n)), ""
}

func (e *eval) packet(args []value) (value, string) {
	f, msg := e.firing(args)
	if msg != "" {
		return value{}, msg
	}
	return text(encodeHex(f.Packet)), ""
}

func (e *eval) printk(args []value) (value, string) {
	ev, msg := e.at(args[0])
	if msg != "" {
		return value{}, msg
	}
	return value{any: true, list: ev.Printk}, ""
}

func (e *eval) lostUpdates(args []value) (value, string) {
	if e.lost == nil {
		return value{}, "the orders of the CPUs were not explored"
	}
	n, ok := e.lost[args[0].text]
	if !ok {
		return value{}, noMap(args[0].text)
	}
	return number(int64(n)), ""
}
