package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"skep": func() { os.Exit(command()) },
	})
}

func TestScripts(t *testing.T) {
	objects, err := filepath.Abs("../../../vm/object/testdata")
	if err != nil {
		t.Fatal(err)
	}
	gallery := filepath.Join(objects, "../../../web/gallery")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("OBJECTS", objects)
			env.Setenv("GALLERY", gallery)
			return nil
		},
	})
}
