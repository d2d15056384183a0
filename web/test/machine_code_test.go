package test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// machineOf is what the view of the machine code shows.
const machineOf = `$('skep-machine').machine`

// machineSaid is the line about the chosen instruction.
const machineSaid = `$('skep-machine').shadowRoot.querySelector('.said').textContent.replace(/\s+/g, ' ').trim()`

// machineCode opens a program of the gallery beside its machine code.
func machineCode(t *testing.T, width, height int64, example string) *tab {
	t.Helper()
	p := open(t, handler(t, nil), width, height, "?example="+example)
	p.ready()
	eval[bool](p, `(play.mode('machine'), true)`)
	p.compiled()
	return p
}

// compiled waits for the code of what is in the editor, with the options as they are.
func (p *tab) compiled() {
	p.t.Helper()
	p.wait(`$('skep-machine') && !` + machineOf + `.stale && !model.stale && ` + machineOf + `.code && $('skep-machine-listing')`)
}

// codeLink opens the machine code that a link says, "arm64,checked".
func (p *tab) codeLink(code string) {
	p.t.Helper()
	eval[bool](p, `(model.code = `+quoted(code)+`, model.changed(), true)`)
	p.wait(`!` + machineOf + `.stale`)
}

// TestMachineLook makes pictures of the view, to be looked at.
func TestMachineLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		width, height int64
		example, code string
		theme         string
		steps         int
	}{
		{"machine-amd64", 1440, 900, "protocol-counter", "", "light", 6},
		{"machine-arm64-dark", 1440, 900, "protocol-counter", "arm64", "dark", 14},
		{"machine-wasm", 1440, 900, "rate-limiter", "wasm,checked", "light", 3},
		{"machine-blind", 1440, 900, "first-steps", "blind", "light", 0},
		{"machine-linux", 1440, 900, "protocol-counter", "linux", "light", 6},
		{"machine-middle", 900, 800, "protocol-counter", "", "light", 6},
		{"machine-narrow", 360, 740, "protocol-counter", "", "light", 6},
		{"machine-narrow-dark", 360, 740, "rate-limiter", "wasm", "dark", 6},
		{"machine-narrow-linux", 360, 740, "first-steps", "linux", "light", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := machineCode(t, c.width, c.height, c.example)
			eval[bool](p, `(model.setPrefs({theme: `+quoted(c.theme)+`}), true)`)
			p.codeLink(c.code)
			for range c.steps {
				eval[bool](p, `play.stage.moving.step().then(() => true)`)
			}
			if strings.Contains(c.code, "linux") {
				p.wait(machineOf + `.kernel.status !== null`)
			}
			p.shot(c.name)
			p.fits(t.Name())
			p.axe(c.name)
			p.quiet()
		})
	}
}

// TestMachineLinked: the arrow keys move over the bytecode and mark the code of
// each instruction, in view; the code leads back, and stepping takes it along.
func TestMachineLinked(t *testing.T) {
	t.Parallel()
	p := machineCode(t, 1440, 900, "protocol-counter")
	marked := func(slot int) {
		t.Helper()
		p.wait(`(() => {
			const rows = $$('li.mine', $('skep-machine-listing').shadowRoot), box = $('skep-machine-listing').shadowRoot.querySelector('.scroll').getBoundingClientRect();
			return rows.length > 1 && rows.every(r => r.querySelector('button').dataset.slot === '` + strconv.Itoa(slot) + `')
				&& rows[0].getBoundingClientRect().top >= box.top - 1 && rows[0].getBoundingClientRect().top < box.bottom;
		})()`)
	}
	p.press("3") // the bytecode
	p.wait(`$('skep-code').shadowRoot.activeElement?.dataset.pc === '0'`)
	for range 10 {
		p.press(kb.ArrowDown)
	}
	marked(10)
	p.wait(machineSaid + `.includes('Instruction 10') && ` + machineSaid + `.includes('Check dropped') && ` + machineSaid + `.includes('R7=pkt(r=34)')`)
	// Instruction 13 is done by the code of 12.
	for range 3 {
		p.press(kb.ArrowDown)
	}
	p.wait(machineSaid + `.includes('done by the code of instruction 12')`)
	p.wait(`$$('li.mine.insn', $('skep-machine-listing').shadowRoot).every(r => r.querySelector('button').dataset.slot === '12')`)

	// From the machine code back, by keyboard.
	p.press("4")
	p.wait(`$('skep-machine-listing').shadowRoot.activeElement?.dataset.slot === '12'`)
	for range 6 {
		p.press(kb.ArrowDown)
	}
	p.wait(`model.selected > 13 && $('skep-code').shadowRoot.querySelector('li.chosen [data-pc="' + model.selected + '"]')`)
	// By the pointer: the source line of what is pointed at is marked everywhere.
	eval[bool](p, `($('skep-machine-listing').shadowRoot.querySelector('li.insn').dispatchEvent(new PointerEvent('pointerenter')), true)`)
	p.wait(`model.pointed === model.insn(0).line && $$('li.pointed', $('skep-machine-listing').shadowRoot).length > 1 && $$('li.pointed', $('skep-code').shadowRoot).length > 0`)

	// A step of the run is a step here.
	p.press(kb.ArrowRight)
	p.stepIs(1)
	marked(1)
	p.wait(`$('skep-machine-listing').shadowRoot.querySelector('li.now')`)
	p.quiet()
}

// TestMachineOptions: facts, fusions and blinding change the code, and the
// size that it was is said; the link holds them.
func TestMachineOptions(t *testing.T) {
	t.Parallel()
	p := machineCode(t, 1440, 900, "protocol-counter")
	const size = `$('skep-machine-controls').shadowRoot.querySelector('.size').textContent`
	bytes := func() int { t.Helper(); return eval[int](p, machineOf+`.code.code.length`) }
	toggle := func(name string) {
		t.Helper()
		eval[bool](p, `([...$('skep-machine-controls').shadowRoot.querySelectorAll('label')].find(l => l.textContent.trim() === `+quoted(name)+`).querySelector('input').click(), true)`)
		p.wait(`!` + machineOf + `.stale`)
	}
	facts := bytes()
	toggle("Facts")
	safe := bytes()
	if safe <= facts {
		t.Errorf("%d bytes without facts, %d with", safe, facts)
	}
	p.wait(size + `.includes('with facts ` + strconv.Itoa(facts) + `')`)
	p.wait(`!$$('.note.dropped', $('skep-machine-listing').shadowRoot).some(n => n.textContent.includes('it knows'))`)
	toggle("Facts")
	p.wait(`$$('.note.dropped', $('skep-machine-listing').shadowRoot).length > 3 && $('skep-machine-listing').shadowRoot.querySelector('.note.fusion')`)
	toggle("Fusions")
	p.wait(`!$('skep-machine-listing').shadowRoot.querySelector('.note.fusion') && !$$('.head .words', $('skep-machine-listing').shadowRoot).some(w => w.textContent.includes('done by'))`)
	toggle("Blinding")
	if blind := bytes(); blind <= facts {
		t.Errorf("%d bytes with hidden constants, %d without", blind, facts)
	}
	eval[bool](p, `([...$('skep-machine').shadowRoot.querySelectorAll('[aria-label="Target"] button')].find(b => b.textContent === 'arm64').click(), true)`)
	p.wait(`!` + machineOf + `.stale && ` + machineOf + `.arch === 'arm64' && $$('.text', $('skep-machine-listing').shadowRoot).some(r => /^ldrb w/.test(r.textContent))`)
	if got := eval[string](p, `model.code`); got != "arm64,plain,blind" {
		t.Errorf("the options are %q", got)
	}
	link := eval[string](p, `play.stage.address.link()`)
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
	p.ready()
	p.compiled()
	if got := eval[string](p, `model.mode + ' ' + model.code + ' ' + `+machineOf+`.arch`); got != "machine arm64,plain,blind arm64" {
		t.Errorf("the link leads to %q", got)
	}
	p.quiet()
}

// TestMachineTyping: the code is that of what is typed; while it does not
// assemble the code before stays, greyed; what the verifier rejects has safe
// code only, and says so.
func TestMachineTyping(t *testing.T) {
	t.Parallel()
	p := machineCode(t, 1440, 900, "first-steps")
	edit := func(old, new string) {
		t.Helper()
		eval[bool](p, `(play.stage.loading.edit(model.program.text.replace(`+quoted(old)+`, `+quoted(new)+`)), true)`)
	}
	edit("r0 += r2", "r0 +== r2")
	p.wait(machineOf + `.stale && ` + machineOf + `.trouble === 'the program does not assemble' && $('skep-machine-listing').shadowRoot.querySelector('.old') && $$('li', $('skep-machine-listing').shadowRoot).length > 20`)
	p.shot("machine-broken")
	p.axe("a program that does not assemble")
	edit("r0 +== r2", "r0 ^= r2")
	p.compiled()
	p.wait(`$$('.text', $('skep-machine-listing').shadowRoot).some(r => r.textContent === 'xor rax, rsi')`)
	edit("\tr0 = 0\n", "\n")
	p.compiled()
	p.wait(machineOf + `.code.outcome === 'rejected' && !` + machineOf + `.code.facts`)
	p.wait(`[...$('skep-machine').shadowRoot.querySelectorAll('.notice')].some(n => /rejects this program/.test(n.textContent) && /R0 !read_ok/.test(n.textContent))`)
	p.wait(`$('skep-machine-controls').shadowRoot.querySelector('input').disabled && !$('skep-machine-controls').shadowRoot.querySelector('input').checked`)
	p.shot("machine-rejected")
	p.axe("a program that is rejected")
	// A write to r10 has no code at all.
	edit("exit", "r10 = 0\n\texit")
	p.wait(`!` + machineOf + `.stale && ` + machineOf + `.code.refused !== '' && /r10 is read-only/.test($('skep-machine').shadowRoot.querySelector('[role="alert"]')?.textContent)`)
	p.quiet()
}

// TestMachineLong: of a long program only what is seen is drawn.
func TestMachineLong(t *testing.T) {
	t.Parallel()
	p := machineCode(t, 1440, 900, "first-steps")
	text := ".prog xdp\n\tr0 = 0\n" + strings.Repeat("\tr0 += 7\n\tr0 ^= 3\n", 20_000) + "\texit\n"
	eval[bool](p, `(play.stage.loading.edit(`+quoted(text)+`), true)`)
	p.wait(`model.listing?.insns.length === 40002 && !` + machineOf + `.stale && ` + machineOf + `.code.insns === 40002`)
	// Drawing the new program ends what was chosen in the one before.
	p.wait(`$$('skep-code', $('skep-machine').shadowRoot)[0].shadowRoot.querySelector('[data-pc="1"]')?.textContent.includes('+= 7')`)
	if n := eval[int](p, `$('skep-machine-listing').shadowRoot.querySelectorAll('li').length`); n > 400 {
		t.Errorf("%d rows are drawn", n)
	}
	eval[bool](p, `($('skep-machine').show(30000), true)`)
	p.wait(`$('skep-machine-listing').shadowRoot.querySelector('li.mine [data-slot="30000"]')`)
	p.quiet()
}

// TestMachineGallery: every program of the gallery has code for every target.
func TestMachineGallery(t *testing.T) {
	t.Parallel()
	p := machineCode(t, 1440, 900, "first-steps")
	for _, e := range manifest(t).Examples {
		for _, code := range []string{"", "arm64", "wasm"} {
			got := eval[string](p, `(async () => {
				model.code = `+quoted(code)+`;
				await $('skep-gallery').example(`+quoted(e.ID)+`);
				const w = `+machineOf+`;
				if (!await until(() => model.view && !w.stale && !w.trouble && w.arch === (`+quoted(code)+` || 'amd64'))) return 'no code: ' + w.trouble;
				await $('skep-machine').updateComplete;
				return w.code.refused || (w.code.outcome === 'accepted' && !w.code.facts ? 'no facts' : w.code.insns === model.listing.insns.length ? '' : w.code.insns + ' of ' + model.listing.insns.length + ' instructions');
			})()`)
			if got != "" {
				t.Errorf("%s %s: %s", e.ID, code, got)
			}
		}
	}
	p.quiet()
}

// TestMachineOffline: once it was used the view is there without a network;
// without ever having been it says why not, and tries again.
func TestMachineOffline(t *testing.T) {
	t.Parallel()
	p := openKept(t, handler(t, nil), 1440, 900, "")
	p.ready()
	eval[bool](p, `(play.mode('machine'), true)`)
	p.compiled()
	p.wait(`navigator.serviceWorker.controller`)
	// The first visit had no service worker when the code came: a second does.
	p.do(chromedp.Reload())
	p.ready()
	eval[bool](p, `(play.mode('machine'), true)`)
	p.compiled()
	p.kept(manifest(t).Listing)
	p.saved()
	p.server.CloseClientConnections()
	p.server.Close()
	p.do(chromedp.Reload())
	p.ready()
	p.compiled()
}

func TestMachineFails(t *testing.T) {
	t.Parallel()
	p := open(t, without(handler(t, nil), manifest(t).Listing), 1440, 900, "?example=first-steps")
	p.ready()
	eval[bool](p, `(play.mode('machine'), true)`)
	p.wait(`/There is no machine code to show/.test($('skep-machine').shadowRoot.querySelector('.empty')?.textContent)`)
	p.shot("machine-failed")
	p.axe("no module")
	eval[bool](p, `($('skep-machine').shadowRoot.querySelector('.empty button').click(), true)`)
	p.wait(`$('skep-machine').shadowRoot.querySelector('.empty button')`)
}

// realJIT answers as server/real does for a kernel that compiles, or refuses.
func realJIT(t *testing.T, asked *[]string) http.Handler {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /api/real", func(w http.ResponseWriter, r *http.Request) {
		say(w, http.StatusOK, map[string]any{
			"there": true, "allowed": true, "machines": 2, "busy": 0, "waiting": 0, "workloads": []any{}, "limits": []any{},
			"kernels": []map[string]string{{"version": "6.12", "release": "6.12.57"}, {"version": "6.1", "release": "6.1.158"}},
		})
	})
	mux.HandleFunc("POST /api/real/jit", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Kernel string
			Source struct{ Text string }
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		*asked = append(*asked, q.Kernel+" "+strconv.Itoa(len(q.Source.Text)))
		switch {
		case strings.Contains(q.Source.Text, "busy"):
			say(w, http.StatusServiceUnavailable, map[string]string{"code": "queue-full", "text": "all machines are busy"})
		case strings.Contains(q.Source.Text, "refuse"):
			say(w, http.StatusOK, map[string]any{"kernel": q.Kernel, "ok": false, "errno": 13, "errno_name": "EACCES", "log": "0: (bf) r0 = r2\nR2 !read_ok\nprocessed 1 insns\n"})
		default:
			say(w, http.StatusOK, map[string]any{
				"kernel": q.Kernel, "release": "6.12.57", "arch": "amd64", "ok": true,
				"functions": []any{map[string]any{
					"start": 0, "code": "f30f1efa0f1f440000554889e5f30f1efa" + "8b7f0c" + "4881cfb5000000" + "31c0" + "4889fe" + "c9c3",
					"lines": [][2]int{{0, 0}, {20, 1}, {27, 2}, {29, 3}, {32, 13}},
				}},
				"xlated": []map[string]any{{"pc": 0, "slot": 0, "text": "r1 = *(u64 *)(r1 +32)"}, {"pc": 1, "slot": 0, "text": "r1 = *(u32 *)(r1 +224)"}, {"pc": 2, "slot": 1, "text": "r1 |= 181"}},
			})
		}
	})
	return mux
}

// TestMachineKernel: with a server that has kernels the kernel's own code
// stands beside ours, linked in the same way; refusals say why.
func TestMachineKernel(t *testing.T) {
	t.Parallel()
	var asked []string
	h := handler(t, realJIT(t, &asked))
	for _, c := range []struct {
		name          string
		width, height int64
		theme         string
	}{{"machine-kernel", 1440, 900, "light"}, {"machine-kernel-narrow", 360, 740, "dark"}} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, h, c.width, c.height, "?example=first-steps")
			p.ready()
			eval[bool](p, `(model.setPrefs({theme: `+quoted(c.theme)+`}), play.mode('machine'), true)`)
			p.compiled()
			p.codeLink("linux")
			p.wait(`$('skep-machine-real')?.shadowRoot.querySelector('button.primary')`)
			p.axe("the kernel's code can be asked for")
			eval[bool](p, `($('skep-machine-real').shadowRoot.querySelector('button.primary').click(), true)`)
			p.wait(machineOf + `.kernel.code && $('skep-machine-listing[name="Linux"]')`)
			const linux = `$('skep-machine-listing[name="Linux"]').shadowRoot`
			p.wait(`[...` + linux + `.querySelectorAll('.text')].map(e => e.textContent).join('; ').startsWith('endbr64; nop dword ptr [rax+rax]; push rbp; mov rbp, rsp; endbr64; mov edi, dword ptr [rdi+0xc]; or rdi, 0xb5; xor eax, eax; mov rsi, rdi; leave')`)
			p.wait(machineSaid + `.includes('For Linux it had become r1 = *(u64 *)(r1 +32); r1 = *(u32 *)(r1 +224)')`)
			eval[bool](p, `($('skep-machine').show(1), true)`)
			p.wait(`[...` + linux + `.querySelectorAll('li.mine.insn .text')].map(e => e.textContent).join() === 'or rdi, 0xb5'`)
			p.shot(c.name)
			p.axe(c.name)
			p.fits(t.Name())
			for _, x := range []struct{ text, want string }{{"; refuse", "refuses the program (EACCES): R2 !read_ok"}, {"; busy", "All machines are busy."}} {
				eval[bool](p, `(play.stage.loading.edit(model.program.text + `+quoted(x.text)+`), true)`)
				p.compiled()
				p.wait(machineOf + `.kernel.stale`)
				eval[bool](p, `(`+machineOf+`.kernel.run('6.12').then(() => true))`)
				p.wait(`$('skep-machine-real').shadowRoot.querySelector('.why')?.textContent.includes(` + quoted(x.want) + `)`)
			}
			p.quiet()
		})
	}
	if len(asked) != 6 || !strings.HasPrefix(asked[0], "6.12 ") {
		t.Errorf("the server was asked %q", asked)
	}
}
