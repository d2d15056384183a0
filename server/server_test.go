package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"skep/server/compile"
)

func text(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) })
}

func testConfig() Config {
	return Config{
		Assets: fstest.MapFS{
			"app-ABCD1234.js":    {Data: []byte("plain")},
			"app-ABCD1234.js.br": {Data: []byte("packed")},
			"engine.wasm":        {Data: []byte("\x00asm")},
			".keep":              {},
			"sub/x.txt":          {Data: []byte("x")},
		},
		Pages: map[string]http.Handler{"/": text("home"), "/gallery": text("gallery"), "/panic": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") })},
		NotFound: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "no such page")
		}),
		NoCompiler: errors.New("no clang here"),
		Version:    "test",
	}
}

func do(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	s := New(testConfig())
	tests := []struct {
		method, path, encoding string
		status                 int
		body                   string // a part
		header, value          string
	}{
		{"GET", "/", "", 200, "home", "X-Content-Type-Options", "nosniff"},
		{"GET", "/gallery", "", 200, "gallery", "Content-Security-Policy", policy},
		{"GET", "/nowhere", "", 404, "no such page", "Content-Security-Policy", policy},
		{"GET", "/sub", "", 404, "no such page", "", ""},
		{"GET", "/.keep", "", 404, "no such page", "", ""},
		{"GET", "/../server.go", "", 307, "", "", ""},
		{"GET", "/app-ABCD1234.js", "", 200, "plain", "Cache-Control", "public, max-age=31536000, immutable"},
		{"GET", "/app-ABCD1234.js", "gzip, br", 200, "packed", "Content-Encoding", "br"},
		{"GET", "/app-ABCD1234.js", "br;q=0", 200, "plain", "Content-Encoding", ""},
		{"GET", "/engine.wasm", "", 200, "\x00asm", "Content-Type", "application/wasm"},
		{"GET", "/engine.wasm", "", 200, "", "Cache-Control", "no-cache"},
		{"GET", "/healthz", "", 200, `"ok":true`, "Cache-Control", "no-store"},
		{"GET", "/api/compile", "", 501, "no clang here", "", ""},
		{"POST", "/api/compile", "", 501, "no-compiler", "", ""},
		{"GET", "/api/else", "", 404, "there is no API at GET /api/else", "", ""},
		{"POST", "/", "", 405, "", "", ""},
		{"GET", "/panic", "", 500, "something broke", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path+" "+tt.encoding, func(t *testing.T) {
			w := do(s, tt.method, tt.path, "", "Accept-Encoding", tt.encoding)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if tt.header != "" && w.Header().Get(tt.header) != tt.value {
				t.Errorf("%s: %q", tt.header, w.Header().Get(tt.header))
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("inside shown to the user")
			}
		})
	}
}

func TestNotModified(t *testing.T) {
	s := New(testConfig())
	tag := do(s, "GET", "/engine.wasm", "").Header().Get("ETag")
	if w := do(s, "GET", "/engine.wasm", "", "If-None-Match", tag); tag == "" || w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("tag %q, status %d", tag, w.Code)
	}
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	s := New(testConfig())
	if w := do(s, "POST", "/api/compile", "{}", "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("status %d", w.Code)
	}
}

func TestCompileAPI(t *testing.T) {
	cfg := testConfig()
	c, err := compile.New(compile.Config{})
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cfg.Compiler = c
	s := New(cfg)
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"good", `{"source":"int x;"}`, 200, `"ok":true`},
		{"error in the source", `{"source":"int x"}`, 200, `"line":1,"col":6,"severity":"error"`},
		{"not JSON", `int x;`, 400, "bad-json"},
		{"bad option", `{"source":"","cpu":"v77"}`, 400, "v1, v2, v3 or v4"},
		{"ten megabytes", `{"source":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "longer than 256 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := do(s, "POST", "/api/compile", tt.body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %.300s", w.Code, w.Body)
			}
		})
	}
}

// A request that runs when the server is told to stop gets its answer.
func TestGracefulStop(t *testing.T) {
	cfg := testConfig()
	begun, finish := make(chan bool), make(chan bool)
	cfg.Pages["/slow"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "done")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New(cfg).Serve(ctx, l) }()

	var wg sync.WaitGroup
	var body []byte
	wg.Go(func() {
		resp, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		body, _ = io.ReadAll(resp.Body)
	})
	<-begun
	stop()
	time.Sleep(20 * time.Millisecond) // let Shutdown begin; the result does not depend on it
	close(finish)
	wg.Wait()
	if err := <-ended; err != nil || !bytes.Equal(body, []byte("done")) {
		t.Errorf("%v, body %q", err, body)
	}
}
