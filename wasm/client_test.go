package main

import (
	"testing"

	"skep/wasm/internal/pagetest"
)

// node runs a TypeScript file of web/src/engine against the module.
func node(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	return pagetest.Node(t, append(env, "SKEP_ENGINE="+module(t)), append(args, pagetest.Bundle(t, "engine/"+name, pagetest.ForNode))...)
}

// TestClient runs the TypeScript client against the module in node.
func TestClient(t *testing.T) {
	for _, name := range []string{"engine.test", "link.test"} {
		t.Run(name, func(t *testing.T) {
			text := node(t, nil, name, "--test")
			if testing.Verbose() {
				t.Log(text)
			}
		})
	}
}
