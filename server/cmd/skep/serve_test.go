package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// child runs this test's process again as the server, and returns its address.
func child(t *testing.T, data string) (kill func(), url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=TestServeKilled$")
	cmd.Env = append(os.Environ(), "SKEP_TEST_SERVE="+data)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { cmd.Process.Kill(); cmd.Wait() } // SIGKILL
	t.Cleanup(kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, at, ok := strings.Cut(lines.Text(), "skep is at "); ok {
			go io.Copy(io.Discard, out)
			return kill, at
		}
	}
	t.Fatal("the server does not start")
	return nil, ""
}

// A student's work that the server has acknowledged is there after kill -9, and
// the student is still signed in.
func TestServeKilled(t *testing.T) {
	if data := os.Getenv("SKEP_TEST_SERVE"); data != "" {
		os.Exit(run(context.Background(), &shell{os.Stdin, os.Stdout, io.Discard}, []string{"serve", "-addr", "127.0.0.1:0", "-vms", "-1", "-data", data}))
	}
	data := t.TempDir()
	var link, errs bytes.Buffer
	if code := run(t.Context(), &shell{nil, &link, &errs}, []string{"user", "add", "-data", data, "-url", "https://skep.example", "Ada Lovelace"}); code != exitOK {
		t.Fatal(errs.String())
	}
	token, ok := strings.CutPrefix(strings.TrimSpace(link.String()), "https://skep.example/labs/#enter=")
	if !ok {
		t.Fatalf("link %s", &link)
	}
	jar, _ := cookiejar.New(nil)
	client := http.Client{Jar: jar}
	post := func(url, body, want string) {
		t.Helper()
		res, err := client.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Fatalf("%s: %d %s, want %s", url, res.StatusCode, b, want)
		}
	}
	kill, at := child(t, data)
	post(at+"/api/account/enter", `{"link":"`+token+`"}`, `"name":"Ada Lovelace"`)
	post(at+"/api/work", `{"attempts":[{"id":"one","lab":"f1-ten-registers","exercise":"answer","lang":"asm","text":"exit","at":1}]}`, `"id":"one"`)
	source, _ := json.Marshal(map[string]string{"lang": "asm", "source": ".prog syscall\n.license GPL\nr0 = 42\nexit\n", "attempt": "two"})
	graded := os.Getenv("SKEP_CI") != "" || strings.Contains(get(t, &client, at+"/labs/"), "f1-ten-registers")
	if graded { // else the pages and the grader are not built
		post(at+"/api/labs/f1-ten-registers/answer/grade", string(source), `"kept":true`)
	}
	kill()

	_, again := child(t, data)
	for _, c := range jar.Cookies(mustURL(t, at)) { // another port is the same site to a browser, not to the jar
		jar.SetCookies(mustURL(t, again), []*http.Cookie{c})
	}
	post(again+"/api/work", `{"since":0}`, `"id":"one"`)
	if graded {
		post(again+"/api/work", `{"since":0}`, `"id":"two"`)
		post(again+"/api/work", `{"since":0}`, `"passed":true,"counts":true`)
	}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
