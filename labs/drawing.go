package labs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Drawings are put into the page, so that they take its colours and fonts:
// what is in them is therefore listed, element by element. A colour is a class
// of page.css (pic-ink, pic-honey ...) or currentColor, which fit light and
// dark; nothing is loaded, run or styled by the drawing itself.
var (
	drawingElements = []string{"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "defs", "marker"}

	drawingAttributes = []string{
		"viewBox", "width", "height", "class", "id", "transform", "d", "points", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy",
		"text-anchor", "dominant-baseline", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "fill", "stroke", "opacity",
		"marker-end", "marker-start", "refX", "refY", "markerWidth", "markerHeight", "orient",
	}

	drawingClasses = []string{
		"pic-ink", "pic-ink-2", "pic-line", "pic-honey", "pic-abstract", "pic-ok", "pic-bad", // lines and text in that colour
		"pic-fill", "pic-fill-honey", "pic-fill-abstract", "pic-fill-ok", "pic-fill-bad", // areas
		"pic-mono", "pic-strong", "pic-small", // text
	}
)

// drawing reads an SVG file and writes it again with what is allowed, and with
// alt as its words. Line and column of an error are of the file.
func drawing(b []byte, alt string) (string, *Error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	var out strings.Builder
	fail := func(msg string) (string, *Error) {
		line, col := d.InputPos()
		return "", &Error{Line: line, Col: col, Msg: msg}
	}
	var open []string
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(err.Error())
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if root := len(open) == 0; root && (t.Name.Local != "svg" || out.Len() > 0) {
				return fail("a drawing is one <svg> element")
			} else if msg := startElement(&out, t, root, alt); msg != "" {
				return fail(msg)
			}
			open = append(open, t.Name.Local)
		case xml.EndElement:
			last := len(open) - 1
			if last < 0 || open[last] != t.Name.Local {
				return fail("</" + t.Name.Local + "> closes nothing that is open")
			}
			open = open[:last]
			out.WriteString("</" + t.Name.Local + ">")
		case xml.CharData:
			if text := string(t); strings.TrimSpace(text) != "" {
				if len(open) == 0 {
					return fail("a drawing is one <svg> element and nothing beside it")
				}
				out.WriteString(escape(text))
			}
		case xml.Comment:
		case xml.ProcInst, xml.Directive:
			return fail("a drawing begins with <svg")
		}
		if len(open) > maxDeep || out.Len() > maxLab {
			return fail("the drawing is too large")
		}
	}
	if len(open) != 0 || out.Len() == 0 {
		return fail("the drawing has no end: </svg> is missing")
	}
	return out.String(), nil
}

// startElement writes an element's tag, or says what is wrong with it.
func startElement(out *strings.Builder, t xml.StartElement, root bool, alt string) string {
	name := t.Name.Local
	if t.Name.Space != "" || !slices.Contains(drawingElements, name) {
		return "a drawing has no <" + name + ">; there are " + strings.Join(drawingElements, ", ")
	}
	out.WriteString("<" + name)
	box := false
	for _, a := range t.Attr {
		if root && a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue // within HTML it goes without saying
		}
		if a.Name.Space != "" || !slices.Contains(drawingAttributes, a.Name.Local) {
			return "a drawing has no attribute " + a.Name.Local + "; colours are classes such as pic-ink, text is sized by pic-small"
		}
		if msg := drawingValue(a.Name.Local, a.Value); msg != "" {
			return msg
		}
		box = box || a.Name.Local == "viewBox"
		out.WriteString(" " + a.Name.Local + `="` + escape(a.Value) + `"`)
	}
	if root {
		if !box {
			return "the drawing has no viewBox, so it cannot be scaled"
		}
		out.WriteString(` role="img" aria-label="` + escape(alt) + `"`)
	}
	out.WriteString(">")
	return ""
}

func drawingValue(name, value string) string {
	switch name {
	case "fill", "stroke":
		if value != "none" && value != "currentColor" {
			return name + "= is none or currentColor; colours that fit light and dark are classes such as pic-honey"
		}
	case "class":
		for _, c := range strings.Fields(value) {
			if !slices.Contains(drawingClasses, c) {
				return "there is no class " + c + "; there are " + strings.Join(drawingClasses, ", ")
			}
		}
	case "marker-end", "marker-start":
		if !strings.HasPrefix(value, "url(#") {
			return name + "= is url(#ID) of a marker in the drawing"
		}
	}
	return ""
}
