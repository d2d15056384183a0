// Package web is what a browser gets: the pages, the scripts and styles that
// `go run ./web/build` makes of src/, and the gallery of examples.
//
//	mux.Handle("/", http.FileServerFS(web.Assets()))
//	for path, page := range web.Pages(reference.Data()) {
//		mux.Handle("GET "+path, page)
//	}
//	err := web.WriteSite("public", web.SiteOptions{Reference: reference.Data()}) // the same, as plain files
//
// Nothing here needs a server: pages refer to everything by relative paths,
// so a copy in a subfolder of any web server works, offline too after the
// first visit. What a server adds (compiling C) the page asks for at
// api/compile and does without when nobody answers.
//
// Read next: pages.go, build/main.go, src/play/skep-play.ts.
package web
