// Package world is a simulated machine around programs: tasks, files, sockets,
// interfaces and a virtual clock, moved by a small event language. Each event
// passes the hooks that the same operation passes in a kernel; the programs
// attached there run with contexts and kernel memory that fit the event, and
// what they return decides how it goes on.
//
//	events, errs := world.Parse("exec uid=1000 comm=bash path=/bin/true x3\nopen /etc/shadow uid=1000")
//	hw := world.Around(cfg)                        // *helper.World for vm.Config.World
//	m, err := vm.New(vm.Config{World: hw, Maps: specs})
//	n, err := m.Load(prog)
//	w := world.New(m, hw, cfg)
//	w.Attach(world.Program{Number: n, Section: "lsm/file_open"})
//	for _, e := range world.Expand(events, cfg.Seed) {
//		r := w.Fire(e, 1_000_000) // r.Firings, r.Errno, r.Text
//	}
//
// Who steps through a program does without Fire: Begin an event, then Next
// makes the machine ready for one firing after the other, and Return tells
// what came of it. Mark and Restore go back.
//
// Everything is deterministic: the same events, seed and programs give the
// same addresses, times and results.
//
// Why scripts of tokens (verb.go) and not a Go function for each
// verb? A firing is stepped through by a student, backwards too: what is left
// of an event must be plain data, and a position in a script is a number.
//
// Read next: event.go and parse.go (the language), verb.go (which hooks a verb
// passes), fire.go (the walk), fill.go (kernel memory; its layout is vm/kernel's).
package world
