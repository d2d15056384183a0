package labs

import "strings"

// Template is a small lab that is complete and passes its own test: what "skep
// lab new" writes.
func Template(id string) string { return strings.ReplaceAll(template, "LAB-ID", id) }

const template = `---
id: LAB-ID
title: {en: "A new lab"}
summary: One sentence about what a student learns here.
track: machine
requires: []
minutes: 15
level: 1
goals:
  - What a student can do afterwards.
verifier: {kernels: ["6.12"], privilege: root}
---

What the lab is about: one idea a paragraph.

:::exercise pass "Let it pass" level=1
Answer with 2, XDP_PASS.

` + "```asm file=pass.s" + `
.prog xdp
.license GPL
	r0 = 1
	exit
` + "```" + `

` + "```trace" + `
pkt eth / ipv4 / icmp
` + "```" + `

` + "```grade" + `
verify: accept
ret(1) == XDP_PASS     weight=2
` + "```" + `

:::hint
The answer is in r0.
:::

:::solution
` + "```asm" + `
.prog xdp
.license GPL
	r0 = 2
	exit
` + "```" + `
:::

:::wrong "Forgets r0" message="R0 !read_ok"
` + "```asm" + `
.prog xdp
.license GPL
	exit
` + "```" + `
:::
:::

:::check
:::choose what-is-asked
What does XDP_PASS do?

- [x] The packet goes on.
- [ ] The packet is dropped.

  That is XDP_DROP.
:::
:::

:::teacher
**Objectives.** …
**Misconceptions to listen for.** …
:::
`
