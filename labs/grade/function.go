package grade

import "slices"

// counters are the names that stand for themselves.
var counters = [...]struct {
	name string
	of   func(*Counters) uint64
}{
	{"insns_processed", func(c *Counters) uint64 { return c.Processed }},
	{"total_states", func(c *Counters) uint64 { return c.TotalStates }},
	{"peak_states", func(c *Counters) uint64 { return c.PeakStates }},
	{"max_states_per_insn", func(c *Counters) uint64 { return c.MaxStates }},
	{"mark_read", func(c *Counters) uint64 { return c.MarkRead }},
	{"insns", func(c *Counters) uint64 { return c.Insns }},
	{"functions", func(c *Counters) uint64 { return c.Functions }},
}

func isCounter(w string) bool {
	for i := range counters {
		if counters[i].name == w {
			return true
		}
	}
	return false
}

// isName says whether a name may stand without key or arguments.
func isName(w string) bool { return w == "printk" || w == "ret" || isCounter(w) }

// fn is a function of the language. apply gets the arguments' values; those
// of map functions name a map.
type fn struct {
	name, form   string
	min, max     int
	named        bool // an argument is a name: of a map, a program, a verb
	nameAt       int  // which one, from 0
	nameOptional bool
	apply        func(e *eval, args []value) (value, string)
}

var functions []fn

func init() { // the table refers to functions that refer to it
	functions = []fn{
		{name: "len", form: "len(MAP), len(printk)", min: 1, max: 1, named: true, apply: (*eval).length},
		{name: "sum", form: "sum(MAP)", min: 1, max: 1, named: true, apply: fold(func(a, b int64) int64 { return a + b })},
		{name: "min", form: "min(MAP)", min: 1, max: 1, named: true, apply: fold(func(a, b int64) int64 { return min(a, b) })},
		{name: "max", form: "max(MAP)", min: 1, max: 1, named: true, apply: fold(func(a, b int64) int64 { return max(a, b) })},
		{name: "events", form: "events(VERB)", min: 1, max: 1, named: true, apply: (*eval).events},
		{name: "fired", form: "fired(PROGRAM)", min: 1, max: 1, named: true, apply: (*eval).fired},
		{name: "ret", form: "ret(EVENT) or ret(PROGRAM, EVENT), events from 1", min: 1, max: 2, named: true, nameOptional: true, apply: (*eval).ret},
		{name: "result", form: "result(EVENT), events from 1", min: 1, max: 1, apply: (*eval).result},
		{name: "steps", form: "steps(EVENT), events from 1", min: 1, max: 1, apply: (*eval).steps},
		{name: "packet", form: "packet(EVENT), events from 1", min: 1, max: 1, apply: (*eval).packet},
		{name: "printk", form: "printk(EVENT), events from 1", min: 1, max: 1, apply: (*eval).printk},
		{name: "arg", form: "arg(EVENT, NAME), events from 1", min: 2, max: 2, named: true, nameAt: 1, apply: (*eval).arg},
		{name: "lost_updates", form: "lost_updates(MAP)", min: 1, max: 1, named: true, apply: (*eval).lostUpdates},
	}
}

func function(name string) *fn {
	if i := slices.IndexFunc(functions, func(f fn) bool { return f.name == name }); i >= 0 {
		return &functions[i]
	}
	return nil
}
