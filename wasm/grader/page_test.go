//go:build !wasm

package grader_test

import (
	"os"
	"testing"

	"skep/wasm/internal/pagetest"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

// What the lab pages do beside the grader, in node.
func TestPage(t *testing.T) {
	for _, name := range []string{"lab/queue.test", "lab/draw.test"} {
		t.Log(pagetest.Node(t, nil, "--test", pagetest.Bundle(t, name, pagetest.ForNode)))
	}
}
