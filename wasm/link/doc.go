// Package link lets a module have code compiled and called by the page that it
// runs in: the WebAssembly engine of package portable in a browser.
//
//	r, err := portable.NewRunner(link.Linker{}, ctx, host, code)
//
// The code is linked to the module's own memory and to its exports skep_host
// and skep_reach: code and engine call each other without JavaScript in
// between. web/src/jit/link.ts is the page's side.
package link
