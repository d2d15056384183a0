package web

import (
	"bytes"
	"context"
	"net/http"
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
	{"/offline.html", "offline.html", "./", offlinePage},
}

// Pages returns the handlers of all pages by http.ServeMux pattern (without
// method).
func Pages() map[string]http.Handler {
	m, err := ReadManifest(Assets())
	all := make(map[string]http.Handler, len(pages)+1)
	for _, p := range pages {
		if err != nil {
			all[p.path] = handler(http.StatusServiceUnavailable, func(*http.Request) templ.Component { return unbuiltPage(err.Error()) })
			continue
		}
		all[p.path] = handler(http.StatusOK, func(*http.Request) templ.Component { return p.view(m, p.root) })
	}
	all["/gallery"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "gallery/") // relative: a proxy may have put us below a path
		w.WriteHeader(http.StatusMovedPermanently)
	})
	return all
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
