package labs

import (
	"os"
	"testing"
)

// TestContent reads every lab of the course.
func TestContent(t *testing.T) {
	fsys := os.DirFS("content")
	entries, err := os.ReadDir("content")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		lab, errs := Read(fsys, e.Name())
		for _, err := range errs {
			t.Error(err.Error())
		}
		if lab != nil && !lab.Teacher {
			t.Errorf("%s has no teacher notes", e.Name())
		}
	}
}
