package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"skep/server/account"
	"skep/server/auth"
	"skep/server/sqlite"
)

// noData is the -data of a server without accounts.
const noData = "none"

// defaultData is this user's folder for what programs keep, "" when that is not known.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "skep")
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		if dir, err := os.UserConfigDir(); err == nil {
			return filepath.Join(dir, "skep")
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "share", "skep")
}

func openData(dir string) (*sqlite.DB, error) {
	if dir == "" {
		return nil, errors.New("there is no home folder for accounts: name one with -data DIR, or -data none for a server without")
	}
	db, err := sqlite.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; another folder: -data DIR", err)
	}
	return db, nil
}

func runUser(ctx context.Context, sh *shell, args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(sh.err, "usage: skep user add|link|list|delete [-data DIR] [NAME]")
		return exitUsage
	}
	u := map[string]func(*users, context.Context, string) error{"add": (*users).add, "link": (*users).link, "list": (*users).list, "delete": (*users).remove}
	do := u[args[0]]
	if do == nil {
		return sh.broken("user", fmt.Errorf("unknown verb %q; there are add, link, list and delete", args[0]))
	}
	fs := sh.flags("user "+args[0], "[-data DIR] [-url URL] [NAME]",
		"add makes an account and prints a link that lets its student in, once and for a week;\nlink prints another; list shows all accounts; delete removes one and all work that is kept of it.")
	data := fs.String("data", defaultData(), "`folder` of the server's accounts")
	url := fs.String("url", envOr("SKEP_URL", "http://127.0.0.1:8080"), "how people reach the server (SKEP_URL)")
	names, code, ok := parse(fs, args[1:])
	if !ok {
		return code
	}
	if len(names) != 1 && args[0] != "list" || len(names) != 0 && args[0] == "list" {
		fs.Usage()
		return exitUsage
	}
	db, err := openData(*data)
	if err != nil {
		return sh.broken("user", err)
	}
	defer db.Close()
	x := &users{sh: sh, db: db, url: strings.TrimSuffix(*url, "/")}
	if err := do(x, ctx, strings.Join(names, "")); err != nil {
		return sh.broken("user "+args[0], err)
	}
	return exitOK
}

type users struct {
	sh  *shell
	db  *sqlite.DB
	url string
}

func (u *users) add(ctx context.Context, name string) error {
	a, err := account.New(name)
	if err != nil {
		return err
	}
	if err := u.db.Create(ctx, a); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return u.print(ctx, a)
}

func (u *users) link(ctx context.Context, name string) error {
	a, err := u.db.Named(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return u.print(ctx, a)
}

// print makes a link. Its secret stands behind the #, which browsers do not
// send: no log has it.
func (u *users) print(ctx context.Context, a *account.Account) error {
	t := account.NewToken()
	if err := u.db.AddLink(ctx, a.ID, t, time.Now().Add(auth.LinkAge)); err != nil {
		return err
	}
	fmt.Fprintf(u.sh.out, "%s/labs/#enter=%s\n", u.url, t)
	return nil
}

func (u *users) list(ctx context.Context, _ string) error {
	all, err := u.db.Accounts(ctx)
	for _, a := range all {
		how := "by link"
		if a.Secret != "" {
			how = "by password"
		}
		fmt.Fprintf(u.sh.out, "%s  %s  %-11s  %s\n", a.ID, a.Created.Format(time.DateOnly), how, a.Name)
	}
	return err
}

func (u *users) remove(ctx context.Context, name string) error {
	a, err := u.db.Named(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return u.db.Delete(ctx, a.ID)
}
