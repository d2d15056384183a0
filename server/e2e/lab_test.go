package e2e

import (
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"strings"
	"testing"

	"skep/labs"
	"skep/server"
	"skep/server/compile"
	"skep/server/course"
	"skep/server/reference"
	"skep/server/sandbox/sandboxtest"
	"skep/web"
)

// courseOf is the labs, and the module that grades them.
func courseOf(t *testing.T) (all []*labs.Lab, module []byte) {
	t.Helper()
	m, err := web.ReadManifest(web.Assets())
	if err == nil {
		module, err = fs.ReadFile(web.Assets(), m.Grade)
	}
	if err == nil {
		all, err = course.Read(labs.Content())
	}
	if err != nil {
		t.Fatal(err)
	}
	return all, module
}

// A student writes H9's first program in C: clang compiles it as they type, the
// page grades it, then the server, then every kernel of the lab.
func TestLabInC(t *testing.T) {
	all, module := courseOf(t)
	c, err := compile.New(compile.Config{})
	need(t, err)
	kernels := sandboxtest.Require(t, "6.12")
	srv := httptest.NewServer(server.New(server.Config{
		Assets: web.Assets(), Pages: web.Pages(reference.Data(), course.Pages(all)...), NotFound: web.NotFound(), Compiler: c,
		Course: course.New(course.Config{Labs: all, Module: module, Compiler: c, Manager: kernels.Manager}),
	}))
	t.Cleanup(srv.Close)

	p := open(t, srv.URL+"/labs/h9-xdp-first-packet/#drop-all")
	const e = `document.querySelector('skep-exercise[exercise="drop-all"]')`
	p.wait(e + `?.shadowRoot?.querySelector('.head')`)
	p.eval(`([...` + e + `.shadowRoot.querySelectorAll('.langs button')].find(b => b.textContent === 'C').click(), '')`)
	p.wait(`/It does not do all/.test(` + e + `.shadowRoot.querySelector('.head')?.textContent) && /return/.test(` + e + `.source)`)
	put := func(text string) {
		js, _ := json.Marshal(text)
		p.eval(`(` + e + `.put(` + string(js) + `), '')`)
	}
	starter := p.eval(e + `.source`)
	put(strings.Replace(starter, "XDP_PASS", "XDP_PAST", 1))
	p.wait(`/XDP_PAST/.test(` + e + `.shadowRoot.querySelector('.problems')?.textContent)`)
	p.shot("lab-c-problem")
	put(strings.Replace(starter, "XDP_PASS", "XDP_DROP", 1))
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	p.eval(`(` + e + `.shadowRoot.querySelector('.hand button').click(), '')`)
	p.wait(`/this counts/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	p.eval(`(` + e + `.shadowRoot.querySelectorAll('.hand button')[1].click(), '')`)
	p.wait(`/Simulator and kernel agree/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	p.eval(`(` + e + `.shadowRoot.querySelector('.result').scrollTo(0, 10000), '')`)
	p.shot("lab-c-kernel")
}
