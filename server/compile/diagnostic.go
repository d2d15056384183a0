package compile

import (
	"regexp"
	"strconv"
	"strings"
)

// Diagnostic is one message of clang, placed in the source.
type Diagnostic struct {
	Line     int    `json:"line"` // from 1
	Col      int    `json:"col"`  // from 1, in bytes
	Severity string `json:"severity"`
	Message  string `json:"message"`
	// File is set when the message is about an included file: Line and Col
	// are those of the #include in the source then, and Place is the spot.
	File  string `json:"file,omitempty"`
	Place string `json:"place,omitempty"`
}

// maxDiagnostics bounds what one source can make the page show.
const maxDiagnostics = 100

var (
	reMessage  = regexp.MustCompile(`^([^:\s][^:]*):(\d+):(\d+): (fatal error|error|warning|note): (.*)$`)
	reIncluded = regexp.MustCompile(`^(?:In file included from|\s+from) ([^:]+):(\d+):`)
	reBackend  = regexp.MustCompile(`^(?:fatal error|error|clang(?:-\d+)?: error): (?:error in backend: )?(.*)$`)
)

// parseDiagnostics reads clang's text output, made with caret printing off.
// Lines that it does not know are dropped: they are the context of a message.
func parseDiagnostics(text string) []Diagnostic {
	list := []Diagnostic{}
	includeLine := 0 // line of our #include that led to the next message
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := reIncluded.FindStringSubmatch(line); m != nil {
			if isSource(m[1]) {
				includeLine, _ = strconv.Atoi(m[2])
			}
			continue
		}
		var d Diagnostic
		if m := reMessage.FindStringSubmatch(line); m != nil {
			d = Diagnostic{Severity: strings.TrimPrefix(m[4], "fatal "), Message: m[5]}
			d.Line, _ = strconv.Atoi(m[2])
			d.Col, _ = strconv.Atoi(m[3])
			if !isSource(m[1]) {
				d.File, d.Place = m[1], m[1]+":"+m[2]+":"+m[3]
				d.Line, d.Col = max(includeLine, 1), 1
			}
			if d.Severity != "note" {
				includeLine = 0
			}
		} else if m := reBackend.FindStringSubmatch(line); m != nil {
			d = Diagnostic{Line: 1, Col: 1, Severity: "error", Message: m[1]}
		} else {
			continue
		}
		if list = append(list, d); len(list) == maxDiagnostics {
			break
		}
	}
	return list
}

func isSource(file string) bool { return strings.TrimPrefix(file, "./") == sourceName }

func hasError(list []Diagnostic) bool {
	for _, d := range list {
		if d.Severity == "error" {
			return true
		}
	}
	return false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(line) > 300 {
		line = line[:300]
	}
	return line
}
