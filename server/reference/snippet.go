package reference

import (
	"bytes"
	"compress/flate"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"strings"

	"skep/vm/helper"
	"skep/vm/maps"
	"skep/wasm/protocol"
	"skep/wasm/session"
	"skep/web"
)

// Each file is a program in assembly behind lines that say what it shows and
// what it runs over; a reader of the page never sees those:
//
//	;; shows bpf_map_lookup_elem hash    helpers and map types
//	;; packet eth / ipv4                 a line of the input
//	;; entry counts 00000000 01000000    what user space put into a map, in hex
//
// The comment that follows begins with what the example is called.
//
//go:embed snippets/*.s
var files embed.FS

// snippet is one small program.
type snippet struct {
	name    string // of the file, without .s
	shows   []string
	input   []string
	entries []protocol.MapInit
	text    string // as the student sees it
}

func snippets() ([]snippet, error) {
	names, err := fs.Glob(files, "snippets/*.s")
	if err != nil {
		return nil, err
	}
	var all []snippet
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		s, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.name = strings.TrimSuffix(path.Base(name), ".s")
		all = append(all, s)
	}
	return all, nil
}

func parse(text string) (snippet, error) {
	var s snippet
	for strings.HasPrefix(text, ";; ") {
		var line string
		line, text, _ = strings.Cut(text[3:], "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "shows":
			s.shows = append(s.shows, strings.Fields(rest)...)
		case "packet":
			s.input = append(s.input, rest)
		case "entry":
			f := strings.Fields(rest)
			if len(f) != 3 {
				return s, fmt.Errorf("%q: an entry has a map, a key and a value", line)
			}
			key, err := hex.DecodeString(f[1])
			if err != nil {
				return s, fmt.Errorf("%q: key: %w", line, err)
			}
			value, err := hex.DecodeString(f[2])
			if err != nil {
				return s, fmt.Errorf("%q: value: %w", line, err)
			}
			s.entries = append(s.entries, protocol.MapInit{Map: f[0], Key: key, Value: value})
		default:
			return s, fmt.Errorf("%q: unknown word %q", line, word)
		}
	}
	s.text = text
	return s, nil
}

// title is the first clause of the comment that the program begins with.
func (s *snippet) title() string {
	line, _, _ := strings.Cut(strings.TrimPrefix(s.text, "; "), "\n")
	if i := strings.IndexAny(line, ":;,."); i >= 0 {
		line = line[:i]
	}
	return line
}

// link is a fragment that the playground opens: link.ts says what is in it.
func (s *snippet) link() (string, error) {
	rec := protocol.LinkRecord{
		Program: protocol.ProgramKindAsm, Text: s.text, HasInput: true,
		Input:   protocol.WireInput{Kind: protocol.InputKindText, Text: strings.Join(s.input, "\n")},
		Options: session.DefaultOptions(), Maps: s.entries,
	}
	var w protocol.Writer
	rec.Encode(&w)
	var body bytes.Buffer
	z, err := flate.NewWriter(&body, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(w.Buf); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	sum := fnv.New32a()
	sum.Write(body.Bytes())
	all := binary.LittleEndian.AppendUint32(nil, sum.Sum32())
	return "#1." + base64.RawURLEncoding.EncodeToString(append(all, body.Bytes()...)), nil
}

// examples are the programs that show a helper, "map hash" or "prog xdp".
// What is wrong with a file is found by the test: the page does without it.
func examples() map[string][]web.Try {
	all := map[string][]web.Try{}
	list, err := snippets()
	if err != nil {
		return all
	}
	for i := range list {
		s := &list[i]
		link, err := s.link()
		if err != nil {
			continue
		}
		for _, name := range s.shows {
			if _, ok := maps.ByName(name); ok && helper.ByName(name) == nil {
				name = "map " + name
			}
			all[name] = append(all[name], web.Try{Title: s.title(), Href: link})
		}
	}
	return all
}
