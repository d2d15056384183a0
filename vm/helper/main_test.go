package helper_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"skep/vm/helper"
)

// called holds the helpers that a test has called.
var (
	called      [helper.Max + 1]bool
	calledNames = map[string]bool{}
)

// TestMain makes sure that each simulated helper and kfunc has a test.
func TestMain(m *testing.M) {
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == ""
	for id, ok := range called {
		if all && code == 0 && !ok && helper.Simulated(id) {
			fmt.Printf("no test calls %s\n", helper.Lookup(id).Name)
			defer os.Exit(1)
		}
	}
	for _, k := range helper.Kfuncs() {
		if all && code == 0 && helper.Simulated(helper.KfuncID(k.Name)) && !calledNames[k.Name] {
			fmt.Printf("no test calls %s\n", k.Name)
			defer os.Exit(1)
		}
	}
	if code != 0 {
		os.Exit(code)
	}
}
