//go:build !wasm

package reactor_test

import (
	"os"
	"testing"

	"skep/wasm/internal/pagetest"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

// What the page asks modules with, in node.
func TestPage(t *testing.T) {
	t.Log(pagetest.Node(t, nil, "--test", pagetest.Bundle(t, "engine/asker.test", pagetest.ForNode)))
}
