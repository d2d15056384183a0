// Package labs reads labs: a folder each, with lab.md and sources beside it.
//
//	lab, errs := labs.Read(fsys, "h9-xdp-first-packet")
//	html := lab.HTML(labs.Student)
//
// lab.md is Markdown with front matter, directives and fenced blocks:
//
//	---
//	id: h9-xdp-first-packet
//	title: {en: "XDP: the first packet"}
//	track: hooks
//	minutes: 25
//	level: 2
//	---
//	Prose.
//
//	:::exercise drop-ping "Drop the pings" level=2
//	What to do.
//	```c file=drop.bpf.c
//	... the starter
//	```
//	```trace
//	pkt ipv4 / icmp
//	```
//	```grade
//	ret(1) == XDP_DROP
//	```
//	:::hint
//	...
//	:::
//	:::solution
//	```c
//	...
//	```
//	:::
//	:::wrong "No bounds check" message="invalid access to packet"
//	```c
//	...
//	```
//	:::
//	:::
//
// Beside exercises and questions a text has programs that can be stepped where
// they stand (:::play) and drawings (:::picture).
//
// A directive ends with a line of three colons; the innermost open one is
// meant. The lab "writing-a-lab" teaches all of it.
//
// This package runs on the server and in the command, where labs are read and
// rendered; what a browser needs to grade is in labs/grade and labs/run.
//
// Read next: lab.go for what a lab holds, directive.go, read.go, figure.go. The
// course as a whole, with what is not written yet, is in labs/plan.
package labs
