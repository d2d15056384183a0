package labs

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// directive is a container block: ":::name attributes" to ":::".
type directive struct {
	ast.BaseBlock
	name   string
	rest   string // what follows the name
	offset int    // of the name in the source
	closed bool
}

var kindDirective = ast.NewNodeKind("Directive")

func (d *directive) Kind() ast.NodeKind { return kindDirective }

func (d *directive) Dump(source []byte, level int) {
	ast.DumpHelper(d, source, level, map[string]string{"name": d.name}, nil)
}

// maxDeep bounds the nesting of blocks, whose every line is shown to each open
// one.
const maxDeep = 32

type directiveParser struct{}

func (directiveParser) Trigger() []byte { return []byte{':'} }

func (directiveParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, seg := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 || !bytes.HasPrefix(line[pos:], []byte(":::")) || len(pc.OpenedBlocks()) > maxDeep {
		return nil, parser.NoChildren
	}
	at := pos + 3
	end := at
	for end < len(line) && (line[end] == '-' || line[end] >= 'a' && line[end] <= 'z') {
		end++
	}
	if end == at {
		return nil, parser.NoChildren
	}
	d := &directive{name: string(line[at:end]), rest: string(bytes.TrimRight(line[end:], "\r\n")), offset: seg.Start - seg.Padding + at}
	reader.AdvanceToEOL()
	return d, parser.HasChildren
}

// Continue is asked of every open directive, the outermost first, so only the
// innermost may take the line that closes, and none while code is open, whose
// lines are its own.
func (directiveParser) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	line, _ := reader.PeekLine()
	if !bytes.Equal(bytes.TrimSpace(line), []byte(":::")) || innermost(pc) != node {
		return parser.Continue | parser.HasChildren
	}
	node.(*directive).closed = true
	reader.AdvanceToEOL()
	return parser.Close
}

func innermost(pc parser.Context) ast.Node {
	blocks := pc.OpenedBlocks()
	if n := len(blocks); n > 0 && blocks[n-1].Node.Kind() == ast.KindFencedCodeBlock {
		return nil
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		if blocks[i].Node.Kind() == kindDirective {
			return blocks[i].Node
		}
	}
	return nil
}

func (directiveParser) Close(ast.Node, text.Reader, parser.Context) {}
func (directiveParser) CanInterruptParagraph() bool                 { return true }
func (directiveParser) CanAcceptIndentedLine() bool                 { return false }

// markdown is the dialect of a lab. Raw HTML is left out: prose does not need
// it, and a lab may come from a stranger.
func markdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.TaskList, extension.Strikethrough, extension.Footnote),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(),
			parser.WithBlockParsers(util.Prioritized(directiveParser{}, 650)),
		),
	)
}
