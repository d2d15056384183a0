package test

import "testing"

// The types of a program and of the kernel, and a record read by its type.
func TestTypesPane(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
		t.Run(size.name, func(t *testing.T) {
			p := open(t, h, size.width, size.height, "?example=ring-sampler")
			p.ready()
			p.end("7")
			p.wait(`/sport/.test($('skep-maps').shadowRoot.textContent) && /struct sample/.test($('skep-maps').shadowRoot.textContent)`)
			p.press("t")
			p.press("m")
			p.wait(`$$('li .mono').some(e => e.textContent === 'struct sample')`)
			eval[bool](p, `($$('li .mono').find(e => e.textContent === 'struct sample').closest('button').click(), true)`)
			p.wait(`/__u16 sport; \/\* off 16, size 2 \*\//.test($('pre')?.textContent ?? '')`)
			p.shot("types-" + size.name)
			p.axe("types")
			eval[bool](p, `($$('.tools button').find(e => e.textContent === 'kernel').click(), true)`)
			p.wait(`$$('li .mono').some(e => e.textContent === 'struct task_struct')`)
			p.quiet()
		})
	}
}
