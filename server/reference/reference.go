// Package reference makes the content of the reference pages of the engine's
// tables: what a page says is what the engine does.
//
//	pages := web.Pages(reference.Data())
//
// Runnable examples are the programs of snippets/ and those of the gallery.
//
// Read next: snippet.go for the examples, then web/reference.templ for how it
// all looks.
package reference

import (
	"sync"

	"skep/vm/helper"
	"skep/web"
)

// Kernel is the Linux version that the tables are of.
const Kernel = "6.12"

// Data is all of it. The result is shared: nobody changes it.
func Data() *web.Reference { return data() }

var data = sync.OnceValue(func() *web.Reference {
	tries := examples()
	return &web.Reference{
		Kernel:       Kernel,
		Helpers:      helpers(tries),
		Maps:         mapTypes(tries),
		Programs:     programs(tries),
		Instructions: instructions(),
	}
})

func helpers(tries map[string][]web.Try) []web.HelperDoc {
	all := make([]web.HelperDoc, 0, helper.Max)
	for id := 1; id <= helper.Max; id++ {
		p := helper.Lookup(id)
		d := web.HelperDoc{
			Number: id, Name: p.Name, Since: p.Since(), Doc: p.Doc(), Ret: result(p), Simulated: helper.Simulated(id),
			Programs: callers(id), Try: tries[p.Name],
		}
		for i, k := range p.Args {
			if k == helper.ArgDontcare {
				break
			}
			d.Args = append(d.Args, argument(k, p.Extra[i]))
		}
		for _, n := range notes {
			if p.Flags.Has(n.flag) {
				d.Notes = append(d.Notes, n.text)
			}
		}
		all = append(all, d)
	}
	return all
}

// notes are the facts of a helper that change what a program may do.
var notes = []struct {
	flag helper.Flags
	text string
}{
	{helper.GPLOnly, "GPL programs only"},
	{helper.MayChangePacket, "may move the packet: read data and data_end again"},
	{helper.MightSleep, "sleepable programs only"},
	{helper.NeedBPF, "needs CAP_BPF"},
	{helper.NeedPerfmon, "needs CAP_PERFMON"},
	{helper.HasAllowed, "depends on where the program is attached"},
	{helper.Variants, "arguments differ between program types"},
	{helper.PktAccess, "takes packet pointers as memory"},
	{helper.AllowFastcall, "keeps r1 to r5 when inlined (bpf_fastcall)"},
}
