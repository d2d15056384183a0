package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestKeyboardStepsBothWays(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	start := p.said()
	p.press(kb.ArrowRight)
	p.stepIs(1)
	p.press(kb.F10)
	p.press(kb.F10)
	p.press(kb.F11)
	p.stepIs(4)
	after := p.said()
	if after == start || !strings.Contains(after, "Next:") {
		t.Errorf("narration after 4 steps: %q", after)
	}
	p.press(kb.ArrowLeft)
	p.press(kb.F10, kb.ModifierShift)
	p.stepIs(2)
	p.press(kb.Home)
	p.stepIs(0)
	if got := p.said(); got != start {
		t.Errorf("narration back at the start: %q, want %q", got, start)
	}
	p.press(kb.End)
	p.wait(`model.view.state === 'exited' && model.view.event === 1`)
	// The current instruction is marked in bytecode and source, and nowhere else.
	if n := eval[int](p, `$$('li.now').length`); n != 1 {
		t.Errorf("%d current instructions", n)
	}
	if n := eval[int](p, `$$('.cm-line.skep-now').length`); n != 1 {
		t.Errorf("%d current source lines", n)
	}
	p.press("[")
	p.wait(`model.view.state === 'arrived' && model.view.event === 1`)
	p.quiet()
}

func TestBreakpointAndRun(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	p.press("g")
	p.wait(`$('skep-code').shadowRoot.activeElement?.classList.contains('insn')`)
	p.press(kb.ArrowDown)
	p.press(kb.ArrowDown)
	p.press(kb.ArrowDown)
	p.press(" ")
	p.wait(`model.breakpoints.has(3) && $$('.bp[aria-pressed="true"]').length === 1 && $$('.skep-bp').length === 1`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.view.pc === 3 && model.view.stop === 'breakpoint'`)
	first := p.step()
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.view.pc === 3 && model.view.step > ` + quoted(string(rune('0'+first))))
	p.press("B")
	p.stepIs(first)
	p.quiet()
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=rate-limiter")
	p.ready()
	p.press("]")
	p.wait(`model.view.event === 1`)
	// A register: who wrote it, and there.
	p.press("[")
	p.press("[")
	p.stepIs(0)
	for range 8 {
		p.press(kb.ArrowRight)
	}
	p.stepIs(8)
	eval[bool](p, `($('[data-reg="3"]').click(), true)`)
	p.wait(`model.watched?.origin?.step >= 0`)
	origin := eval[int](p, `model.watched.origin.step`)
	text := eval[string](p, `$('.why').textContent`)
	if !strings.Contains(text, "r3") || !strings.Contains(text, "step") {
		t.Errorf("why: %q", text)
	}
	p.press("b")
	p.stepIs(origin)
	// A stack byte at the end of the packet.
	p.press("]")
	p.press(kb.ArrowLeft)
	p.wait(`model.view.state === 'exited'`)
	p.press("6")
	p.wait(`$('skep-stack skep-bytes') || $('skep-stack')?.shadowRoot.querySelector('skep-bytes')`)
	eval[bool](p, `($('skep-stack').shadowRoot.querySelector('skep-bytes').shadowRoot.querySelector('.cell:not(.unknown)').click(), true)`)
	p.wait(`model.watched?.watch.kind === 'memory' && model.watched.origin?.step > 0`)
	p.quiet()
}

func TestSharedLinkRestoresTheView(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	p := open(t, h, 1440, 900, "")
	p.ready()
	eval[bool](p, `(play.stage.loading.edit(model.program.text.replace('0xb5', '0xb7')), true)`)
	p.wait(`model.program.text.includes('0xb7') && model.listing.insns.some(i => i.text.includes('183')) && !model.stale`)
	eval[bool](p, `(play.stage.loading.editInput({kind: 'text', text: 'eth / ipv4(ttl=9) / udp(dport=99)'}), true)`)
	p.wait(`model.packets.length === 1 && model.outlook.verdicts.length === 1`)
	eval[bool](p, `play.stage.moving.toggleBreakpoint(5).then(() => play.stage.moving.seek(11)).then(() => true)`)
	link := eval[string](p, `play.stage.address.link()`)
	view := eval[string](p, viewJSON)

	q := openAt(t, p.base, 1440, 900, link[len(p.base):])
	q.ready()
	if got := eval[string](q, viewJSON); got != view {
		t.Errorf("the link shows another view\n got %s\nwant %s", got, view)
	}
	if got := eval[string](q, `model.program.text.slice(0, 40) + [...model.breakpoints] + model.input.text`); !strings.Contains(got, "5eth / ipv4(ttl=9)") {
		t.Errorf("program, breakpoints, input: %q", got)
	}
	// Back undoes a jump.
	eval[bool](q, `play.stage.moving.seek(20).then(() => true)`)
	q.saved()
	q.do(chromedp.NavigateBack())
	q.stepIs(11)
	q.press("}") // nothing watched: nothing happens
	q.stepIs(11)
	// A damaged one says so and shows something else.
	r := openAt(t, p.base, 1440, 900, link[len(p.base):len(link)-9])
	r.ready()
	r.wait(`/damaged|cut short/.test(model.notice)`)
	p.quiet()
	q.quiet()
}

// viewJSON is all that a view says, as text.
const viewJSON = `JSON.stringify(model.view, (k, v) => typeof v === 'bigint' ? String(v) : k === 'stop' || k === 'total' || k === 'totalKnown' ? undefined : v instanceof Uint8Array ? [...v].join() : v)`

func TestMistakeKeepsTheLastGoodState(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	p.press(kb.ArrowRight)
	p.stepIs(1)
	eval[bool](p, `(play.stage.loading.edit(model.program.text.replace('r0 += r2', 'r0 +== r2')), true)`)
	p.wait(`model.stale && $('.problems')`)
	if text := eval[string](p, `$('.problems').textContent.replace(/\s+/g, ' ')`); !strings.Contains(text, "13:") {
		t.Errorf("the problem does not name line 13: %q", text)
	}
	p.wait(`$$('.skep-error').length > 0`)
	if p.step() != 1 {
		t.Error("the last good state is gone")
	}
	p.shot("mistake")
	p.axe("mistake")
	eval[bool](p, `(play.stage.loading.edit(model.program.text.replace('r0 +== r2', 'r0 += r2')), true)`)
	p.wait(`!model.stale && model.problems.length === 0`)
	p.stepIs(1)
	p.quiet()
}

func TestFault(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=past-the-end")
	p.ready()
	p.press(kb.End)
	p.wait(`model.view.fault !== null && $('.fault')`)
	text := eval[string](p, `$('.fault').textContent.replace(/\s+/g, ' ')`)
	if !strings.Contains(text, "counts") || !strings.Contains(text, "64") {
		t.Errorf("the fault does not say where: %q", text)
	}
	p.shot("fault")
	p.axe("fault")
	eval[bool](p, `([...$('.fault').querySelectorAll('button')].find(b => b.textContent.includes('Where does')).click(), true)`)
	p.wait(`model.watched?.origin`)
	p.press(kb.ArrowLeft)
	p.wait(`model.view.fault === null`)
	p.quiet()
}

// drop gives the page a file as if it had been dropped there.
func (p *tab) drop(name string, bytes []byte) {
	p.t.Helper()
	list, err := json.Marshal(ints(bytes))
	if err != nil {
		p.t.Fatal(err)
	}
	eval[bool](p, `(() => {
		const data = new DataTransfer();
		data.items.add(new File([new Uint8Array(`+string(list)+`)], `+quoted(name)+`));
		for (const type of ['dragover', 'drop']) play.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
		return true;
	})()`)
}

func ints(b []byte) []int {
	out := make([]int, len(b))
	for i, c := range b {
		out[i] = int(c)
	}
	return out
}

func TestDropPcap(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	p.drop("two.pcap", pcap([]byte("\x02\x02\x02\x02\x02\x02\x03\x03\x03\x03\x03\x03\x08\x00hello, a payload"), make([]byte, 60), make([]byte, 20)))
	p.wait(`model.input.kind === 'pcap' && model.packets.length === 3 && model.view.events === 3`)
	p.press(kb.End)
	p.wait(`model.view.event === 2 && model.view.state === 'exited'`)
	p.quiet()
}

// pcap is a capture file of Ethernet frames.
func pcap(frames ...[]byte) []byte {
	le := func(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }
	out := append(le(0xa1b2c3d4), 2, 0, 4, 0)
	out = append(append(append(append(out, le(0)...), le(0)...), le(65535)...), le(1)...)
	for i, f := range frames {
		n := uint32(len(f))
		out = append(append(append(append(append(out, le(uint32(i))...), le(0)...), le(n)...), le(n)...), f...)
	}
	return out
}

func TestDropObject(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	object := readAsset(t, "icmp-filter")
	p.drop("filter.bpf.o", object)
	p.wait(`model.program.lang === 'object' && model.listing && model.view && model.outlook.total > 0`)
	if text := eval[string](p, `$('.cm-content').textContent`); !strings.Contains(text, "ctx->data") {
		t.Errorf("no source from debug information: %.80q", text)
	}
	p.press(kb.ArrowRight)
	p.stepIs(1)
	p.shot("object")
	p.axe("object")
	// Not an object at all.
	p.drop("notes.bin", []byte{1, 2, 3, 4})
	p.wait(`/no ELF object/.test(model.notice)`)
	// A broken one: reasons, and no crash.
	p.drop("broken.o", object[:200])
	p.wait(`model.problems.length > 0`)
	p.quiet()
}

func TestOffline(t *testing.T) {
	t.Parallel()
	p := openKept(t, handler(t, nil), 1440, 900, "")
	p.ready()
	p.wait(`navigator.serviceWorker.controller`)
	p.wait(`document.readyState === 'complete'`)
	p.press(kb.ArrowRight)
	p.press(kb.ArrowRight)
	p.stepIs(2)
	p.saved()
	p.server.CloseClientConnections()
	p.server.Close()
	p.do(chromedp.Reload())
	p.ready()
	p.stepIs(2) // exactly where it was
	p.press(kb.ArrowRight)
	p.stepIs(3)
	p.shot("offline")
	p.axe("offline")
	p.do(chromedp.Navigate(p.base + "?example=prefix-firewall"))
	p.ready()
	p.press(kb.ArrowRight)
	p.stepIs(1)
	eval[bool](p, `(play.stage.loading.edit(model.program.text + '\n'), true)`)
	p.wait(`/offline|server/.test($('skep-source').shadowRoot.querySelector('.bar').textContent)`)
	p.do(chromedp.Navigate(p.base + "gallery/"))
	p.wait(`document.querySelectorAll('.examples li').length >= 8`)
}

// compiler answers as server/compile does, without a compiler.
func compiler(t *testing.T) http.Handler {
	object := readAsset(t, "icmp-filter")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			w.Write([]byte(`{"compiler":"clang test","max_source":262144}`))
			return
		}
		var q struct{ Source string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		type diagnostic struct {
			Line     int    `json:"line"`
			Col      int    `json:"col"`
			Severity string `json:"severity"`
			Message  string `json:"message"`
		}
		answer := map[string]any{"ok": true, "object": object, "diagnostics": []diagnostic{}}
		if strings.Contains(q.Source, "oops") {
			answer = map[string]any{"ok": false, "diagnostics": []diagnostic{{3, 2, "error", "use of undeclared identifier 'oops'"}}}
		}
		json.NewEncoder(w).Encode(answer)
	})
}

func TestCompileByServer(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, compiler(t)), 1440, 900, "?example=icmp-filter")
	p.ready()
	p.wait(`model.compiler?.there`)
	eval[bool](p, `(play.stage.loading.edit('int x;\n\n\toops;\n'), true)`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.problems.length === 1 && model.stale`)
	if text := eval[string](p, `$('.problems').textContent`); !strings.Contains(text, "3:2") || !strings.Contains(text, "oops") {
		t.Errorf("problems: %q", text)
	}
	p.wait(`$$('.skep-error').length === 1`)
	eval[bool](p, `(play.stage.loading.edit(model.program.text.replace('oops', 'fine')), true)`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.problems.length === 0 && !model.stale && model.busy === null`)
	p.press(kb.ArrowRight)
	p.stepIs(1)
	p.quiet()
}

func TestEveryExampleRuns(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	for _, e := range manifest(t).Examples {
		got := eval[string](p, `(async () => {
			await $('skep-gallery').example(`+quoted(e.ID)+`);
			if (!await until(() => model.view && model.outlook.total > 0)) return 'does not load: ' + JSON.stringify(model.problems.concat(model.inputProblems).map(p => p.message));
			return model.outlook.verdicts.map(v => v.name).concat(model.outlook.fault >= 0 ? ['fault'] : []).join();
		})()`)
		if want := strings.Join(e.Expect, ","); got != want {
			t.Errorf("%s: %s, want %s", e.ID, got, want)
		}
	}
	p.quiet()
}
