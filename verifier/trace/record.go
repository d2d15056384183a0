package trace

func (m *Reg) empty() bool { return *m == Reg{Bounds: unlimited} }

func (m *Delta) empty() bool { return len(m.Head) == 0 && len(m.Changes) == 0 }

var unlimited = derive(0, 1<<64-1)
