package labs

import (
	"embed"
	"io/fs"
)

//go:embed content
var content embed.FS

// Content is the labs of the course, a folder each.
func Content() fs.FS {
	sub, err := fs.Sub(content, "content")
	if err != nil {
		panic(err) // "content" is a valid path
	}
	return sub
}
