package sandbox

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestFindings(t *testing.T) {
	f := &Findings{Dir: t.TempDir(), Max: 3}
	var ids []string
	for i := range 5 {
		id, err := f.Keep(Finding{Kind: "verdict", Kernel: "6.12.1", Version: "v1", Program: []byte{byte('a' + i)}, Files: map[string][]byte{"kernel.log": []byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(f.path(id), at, at); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	again, err := f.Keep(Finding{Kind: "verdict", Kernel: "6.12.1", Version: "v1", Program: []byte("e"), Files: map[string][]byte{"kernel.log": []byte("another time")}})
	if err != nil || again != ids[4] {
		t.Errorf("the same difference again: %s, %v, want %s", again, err, ids[4])
	}
	all, err := f.List()
	if err != nil || len(all) != 3 {
		t.Fatalf("%d findings, %v, want 3: the oldest go", len(all), err)
	}
	if _, err := f.Bundle(ids[0]); err == nil {
		t.Error("the oldest is still there")
	}
	b, err := f.Bundle(ids[3])
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range z.File {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "finding.json kernel.log program.json" {
		t.Errorf("the bundle holds %s", got)
	}
	for _, id := range []string{"", "../../etc/passwd", "0123456789abcdeg"} {
		if _, err := f.Bundle(id); err == nil {
			t.Errorf("bundle %q was read", id)
		}
	}
	if _, err := (*Findings)(nil).Keep(Finding{}); err == nil {
		t.Error("kept without a folder")
	}
	if _, err := f.Keep(Finding{Files: map[string][]byte{"big": make([]byte, maxFinding+1)}}); err == nil {
		t.Error("a finding without bound")
	}
}

func TestBackportsOf(t *testing.T) {
	const targets = "http://mirror.example/debian/ bookworm\nhttp://mirror.example/security/ bookworm-security\n"
	for _, tt := range []struct{ targets, release, mirror, suite, err string }{
		{targets, "ID=debian\nVERSION_CODENAME=bookworm\n", "http://mirror.example/debian/", "bookworm-backports", ""},
		{targets, "VERSION_CODENAME=\"trixie\"\n", "", "", "mirror of Debian trixie"},
		{targets, "ID=arch\n", "", "", "no release of Debian"},
	} {
		mirror, suite, err := backportsOf(tt.targets, tt.release)
		if mirror != tt.mirror || suite != tt.suite || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %s %s %v", tt.release, mirror, suite, err)
		}
	}
	for v, ok := range map[string]bool{"6.12": true, "6.16": true, "backports": true, "../x": false, "6": false, "6.1.2": false} {
		if _, err := sourceOf(v); (err == nil) != ok {
			t.Errorf("kernel %q: %v", v, err)
		}
	}
}
