package verifier

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogArguments checks that every message is given as many arguments as it
// has verbs, of types that appendf knows: it must not guess at run time.
func TestLogArguments(t *testing.T) {
	fset := token.NewFileSet()
	names, _ := filepath.Glob("*.go")
	var files []*ast.File
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, n, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	cfg := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	if _, err := cfg.Check("skep/verifier", fset, files, info); err != nil {
		t.Fatal(err)
	}
	numbers := map[string]bool{"int": true, "int16": true, "int32": true, "int64": true, "uint8": true, "uint32": true, "uint64": true, "skep/verifier.errno": true}
	texts := map[string]bool{"string": true, "[]byte": true, "skep/verifier.RegType": true, "skep/verifier.Tnum": true}
	calls := 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || call.Ellipsis.IsValid() {
				return true
			}
			name := ""
			switch fn := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = fn.Sel.Name
			case *ast.Ident:
				name = fn.Name
			}
			if name != "logf" && name != "bad" {
				return true
			}
			v := info.Types[call.Args[0]].Value
			if v == nil {
				return true
			}
			format, args := v.ExactString(), call.Args[1:]
			calls++
			i := 0
			for j := 0; j < len(format); j++ {
				if format[j] != '%' {
					continue
				}
				for j++; strings.IndexByte("#+02lz", format[j]) >= 0; j++ {
				}
				if format[j] == '%' {
					continue
				}
				if i == len(args) {
					t.Errorf("%s: %s has more verbs than arguments", fset.Position(call.Pos()), format)
					return true
				}
				typ := types.Default(info.Types[args[i]].Type).String()
				switch ok := numbers[typ]; {
				case format[j] == 's' && !texts[typ], strings.IndexByte("dux", format[j]) >= 0 && !ok, strings.IndexByte("sdux", format[j]) < 0:
					t.Errorf("%s: %%%c of %s", fset.Position(args[i].Pos()), format[j], typ)
				}
				i++
			}
			if i != len(args) {
				t.Errorf("%s: %s has fewer verbs than arguments", fset.Position(call.Pos()), format)
			}
			return true
		})
	}
	if calls < 300 {
		t.Errorf("saw only %d messages", calls)
	}
}
