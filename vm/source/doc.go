// Package source is what a loader like libbpf makes of a file before it talks
// to the kernel: programs with what they refer to, and the maps they share.
// The machine, the verifier and the pages are given programs made of it.
//
//	src, err := source.Object(elf, source.Options{Kernel: kernelBTF})
//	src, errs := source.Assembly(text)
//
// Why not in vm/object: assembly has no object file, and half of what is here
// is the same for both.
package source
