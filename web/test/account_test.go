package test

import (
	"net/http"
	"testing"

	"skep/server/account"
	"skep/server/auth"
	"skep/server/sqlite"
)

// Signing in by name and password, by keyboard, in narrow and wide windows,
// light and dark; and a page without accounts, which has nothing of it.
func TestAccount(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ada, err := account.New("Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if ada.Secret, err = account.HashPassword("correct horse", 10); err != nil {
		t.Fatal(err)
	}
	if err := db.Create(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.New(auth.Config{DB: db, Rounds: 10}).Register(mux)
	const who = `document.querySelector('skep-account')?.shadowRoot`
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
		p := open(t, handler(t, mux), size.width, size.height, "labs/")
		p.wait(`/Sign in/.test(` + who + `?.querySelector('.who')?.textContent)`)
		eval[bool](p, `(`+who+`.querySelector('.who').click(), true)`)
		p.wait(who + `.activeElement?.name === 'name'`) // the first field has the keyboard
		p.shot("account-" + size.name)
		p.axe("sign in " + size.name)
		eval[bool](p, `(document.documentElement.dataset.theme = 'dark', true)`)
		p.shot("account-" + size.name + "-dark")
		p.axe("sign in, dark, " + size.name)
		p.press("ada lovelace\t")
		p.press("wrong horse\r")
		p.wait(`/do not fit together/.test(` + who + `.querySelector('[role=alert]')?.textContent)`)
		eval[bool](p, `(`+who+`.querySelector('[name=password]').select(), true)`)
		p.press("correct horse\r")
		p.wait(`/Ada Lovelace/.test(` + who + `.querySelector('.who').textContent) && /All your work/.test(` + who + `.querySelector('.panel')?.textContent)`)
		p.fits(t.Name())
		p.shot("account-" + size.name + "-in")
		p.axe("signed in " + size.name)
		p.press("\x1b")
		p.wait(who + `.querySelector('.panel') === null && ` + who + `.activeElement?.className === 'who'`)
	}
	// Their data is theirs to delete.
	p := open(t, handler(t, mux), 1440, 900, "labs/")
	press := func(name string) {
		t.Helper()
		p.wait(`[...` + who + `.querySelectorAll('button')].some(b => b.textContent.trim() === '` + name + `')`)
		eval[bool](p, `([...`+who+`.querySelectorAll('button')].find(b => b.textContent.trim() === '`+name+`').click(), true)`)
	}
	press("Sign in")
	p.wait(who + `.activeElement?.name === 'name'`)
	p.press("Ada Lovelace\t")
	p.press("correct horse\r")
	press("Delete my data")
	p.shot("account-delete")
	p.axe("delete")
	press("Delete everything")
	p.wait(`document.readyState === 'complete' && /Sign in/.test(` + who + `?.querySelector('.who')?.textContent)`)
	if all, err := db.Accounts(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d accounts are left, %v", len(all), err)
	}
	p = open(t, handler(t, nil), 1440, 900, "labs/")
	p.wait(`document.querySelector('skep-account')`)
	p.wait(`performance.getEntriesByType('resource').some(e => e.name.endsWith('/api/account'))`) // it has asked
	eval[bool](p, `new Promise(requestAnimationFrame).then(() => true)`)
	if eval[bool](p, who+`.querySelector('button') !== null`) {
		t.Error("a page without accounts offers to sign in")
	}
	p.quiet()
}
