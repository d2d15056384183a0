package server

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// static serves built files, in the compressed form that the client takes and
// the build has made. Nothing is compressed while serving.
type static struct {
	files     fs.FS
	otherwise http.Handler
}

// A name with a hash in it never changes its content.
var reHashed = regexp.MustCompile(`[-.][A-Z0-9]{8}\.[a-z0-9]+(\.map)?$`)

// Types that Go's table lacks or a machine's table may get wrong.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".wasm": "application/wasm", ".json": "application/json", ".svg": "image/svg+xml", ".woff2": "font/woff2",
	".webmanifest": "application/manifest+json", ".o": "application/octet-stream", ".txt": "text/plain; charset=utf-8",
	".c": "text/plain; charset=utf-8", ".s": "text/plain; charset=utf-8",
}

func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	info, err := fs.Stat(s.files, name)
	// Only whole files: no listings, and no compressed form by its own name.
	if err != nil || info.IsDir() || strings.HasPrefix(path.Base(name), ".") {
		s.otherwise.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	ext := path.Ext(name)
	ctype := types[ext]
	if ctype == "" {
		ctype = mime.TypeByExtension(ext)
	}
	if ctype == "" {
		ctype = "application/octet-stream"
	}
	h.Set("Content-Type", ctype)
	h.Set("Vary", "Accept-Encoding")
	if reHashed.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	for _, enc := range []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(r, enc.name) {
			continue
		}
		if _, err := fs.Stat(s.files, name+enc.suffix); err == nil {
			h.Set("Content-Encoding", enc.name)
			name += enc.suffix
			break
		}
	}
	body, err := fs.ReadFile(s.files, name)
	if err != nil {
		http.Error(w, "the file could not be read", http.StatusInternalServerError)
		return
	}
	tag := `"` + strconv.FormatUint(fnv(body), 36) + `"`
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// accepts reports whether the client takes a content coding; a coding with
// q=0 is refused (RFC 9110 section 12.5.3).
func accepts(r *http.Request, coding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			if !found {
				return true
			}
			v, err := strconv.ParseFloat(q, 64)
			return err == nil && v > 0
		}
	}
	return false
}

// fnv is the FNV-1a hash.
func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
