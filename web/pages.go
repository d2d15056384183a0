package web

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// page is a page of the product: where it is and what renders it.
type page struct {
	path string // in the mux's pattern language
	file string // in a static copy
	root string // from the page to the top: "" or "../"
	view func(*Manifest, string) templ.Component
}

var pages = []page{
	{"/", "index.html", "./", playPage},
	{"/gallery/{$}", "gallery/index.html", "../", galleryPage},
	{"/labs/{$}", "labs/index.html", "../", labList},
	{"/reference/{$}", "reference/index.html", "../", referenceIndex},
	{"/reference/helpers/{$}", "reference/helpers/index.html", "../../", helpersPage},
	{"/reference/maps/{$}", "reference/maps/index.html", "../../", mapsPage},
	{"/reference/programs/{$}", "reference/programs/index.html", "../../", programsPage},
	{"/reference/instructions/{$}", "reference/instructions/index.html", "../../", instructionsPage},
	{"/offline.html", "offline.html", "./", offlinePage},
}

// Pages returns the handlers of all pages by http.ServeMux pattern (without
// method). ref is what the reference pages show, labs is the course.
func Pages(ref *Reference, labs ...*Lab) map[string]http.Handler {
	m, err := ReadManifest(Assets())
	if err == nil {
		m.Tables, m.Labs = ref, labs
	}
	all := make(map[string]http.Handler, 2*len(pages))
	for _, l := range labs {
		all["/labs/"+l.ID+"/"+solutionsFile] = solutions(l)
	}
	for _, p := range slices.Concat(labPages(labs), coursePages(), pages) {
		if err != nil {
			all[p.path] = handler(http.StatusServiceUnavailable, func(*http.Request) templ.Component { return unbuiltPage(err.Error()) })
			continue
		}
		all[p.path] = handler(http.StatusOK, func(*http.Request) templ.Component { return p.view(m, p.root) })
		if bare, ok := strings.CutSuffix(p.path, "/{$}"); ok && bare != "" {
			all[bare] = slashed(path.Base(bare) + "/")
		}
	}
	return all
}

// slashed sends a folder's name without its slash to the one with it.
func slashed(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := name // relative: a proxy may have put us below a path
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusMovedPermanently)
	})
}

// NotFound answers requests for what is not there.
func NotFound() http.Handler {
	m, err := ReadManifest(Assets())
	if err != nil {
		m = &Manifest{}
	}
	return handler(http.StatusNotFound, func(r *http.Request) templ.Component {
		depth := max(strings.Count(r.URL.Path, "/")-1, 0)
		root := "./" + strings.Repeat("../", depth)
		return notFoundPage(m, root)
	})
}

// handler renders a component, whole or not at all.
func handler(status int, view func(*http.Request) templ.Component) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := render(r.Context(), view(r))
		if err != nil {
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			w.Write(body)
		}
	})
}

func render(ctx context.Context, c templ.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
