package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"skep/labs"
	"skep/server"
	"skep/server/course"
	"skep/server/reference"
	"skep/server/sandbox"
	"skep/web"
)

func (sh *shell) labPreview(ctx context.Context, args []string) int {
	fs := sh.flags("lab preview", "[-addr HOST:PORT] DIR",
		"Serves the lab in DIR as its page will be, and grades what is handed in, on real kernels too\nwhere they are installed. The folder is read at each request: save, load the page again. What\nis wrong in it is shown by line and column.")
	isolation := fs.String("isolation", "full", "weakest isolation at which programs run on real kernels: none, seccomp, seccomp+uid or full")
	vms := fs.Int("vms", 1, "virtual machines at once; negative is none at all")
	addr := fs.String("addr", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	dirs, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(dirs) != 1 {
		return sh.broken("lab preview", errors.New("one DIR with a lab.md is needed"))
	}
	level, err := sandbox.ParseLevel(*isolation)
	if err != nil {
		return sh.broken("lab preview", err)
	}
	dir := filepath.Clean(dirs[0])
	if _, err := os.Stat(filepath.Join(dir, "lab.md")); err != nil {
		return sh.broken("lab preview", err)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return sh.broken("lab preview", err)
	}
	log := newLog(sh, "text", false)
	at := "/labs/" + filepath.Base(dir) + "/"
	pages := web.Pages(reference.Data())
	pages[at+"{$}"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { preview(dir).ServeHTTP(w, r) })
	pages[at+"solutions.json"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lab, errs := readFolder(dir); len(errs) == 0 {
			w.Header().Set("Content-Type", "application/json")
			w.Write(course.Page(lab).Solutions)
			return
		}
		http.NotFound(w, r)
	})
	cfg := server.Config{Assets: web.Assets(), Pages: pages, NotFound: web.NotFound(), Log: log, Version: version()}
	cfg.Compiler, cfg.NoCompiler = newCompiler(ctx, log)
	_, manager, end := newReal(ctx, log, level, *vms)
	defer end()
	cfg.Course = newCourse(course.Config{Compiler: cfg.Compiler, Manager: manager, Findings: findings(), Version: cfg.Version, Log: log, Lab: func(id string) *labs.Lab {
		if lab, errs := readFolder(dir); len(errs) == 0 && lab.ID == id {
			return lab
		}
		return nil
	}})
	fmt.Fprintf(sh.out, "the lab is at http://%s%s\n", l.Addr(), at)
	if err := server.New(cfg).Serve(ctx, l); err != nil {
		return sh.broken("lab preview", err)
	}
	return exitOK
}

func readFolder(dir string) (*labs.Lab, []string) {
	lab, errs := labs.Read(os.DirFS(filepath.Dir(dir)), filepath.Base(dir))
	var texts []string
	for i := range errs {
		texts = append(texts, errs[i].Error())
	}
	if lab == nil && len(texts) == 0 {
		texts = []string{"there is no lab in this folder"}
	}
	return lab, texts
}

// preview is the page of the folder as it is now.
func preview(dir string) http.Handler {
	lab, errs := readFolder(dir)
	if len(errs) > 0 {
		return web.LabErrors(filepath.Base(dir), errs)
	}
	return web.LabPage(course.Page(lab))
}
