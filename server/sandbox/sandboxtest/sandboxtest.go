// Package sandboxtest gives Go tests a real kernel.
//
//	func TestAgainstKernel(t *testing.T) {
//		k := sandboxtest.Require(t, "6.12")
//		v := k.Verify(t, &sandbox.Record{ProgType: "xdp", License: "GPL", LogLevel: 2, Insns: insns})
//		if !v.OK { t.Log(v.Log) }
//	}
package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"skep/server/sandbox"
)

// shared is one manager a test binary: templates are loaded once. Its VMs end with the process (PR_SET_PDEATHSIG).
var shared = sync.OnceValues(func() (*sandbox.Manager, error) {
	return sandbox.NewManager(sandbox.Config{Warm: -1})
})

// Client is a kernel that answers batches.
type Client struct {
	Manager *sandbox.Manager
	Version string
	Store   sandbox.BTFStore // blobs that records name by hash
}

// Require returns a client for that kernel version. Where QEMU or the kernel is not installed the test is skipped with the
// reason; with SKEP_CI=1 it fails instead.
func Require(t testing.TB, version string) *Client {
	t.Helper()
	m, err := shared()
	if err == nil {
		_, err = sandbox.FindKernel(version)
	}
	if err != nil {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatalf("real kernel %s: %v", version, err)
		}
		t.Skipf("real kernel %s: %v", version, err)
	}
	return &Client{Manager: m, Version: version}
}

// RequireSlow skips unless SKEP_SLOW=1, which `make test-kernel` sets.
func RequireSlow(t testing.TB) {
	t.Helper()
	if os.Getenv("SKEP_SLOW") != "1" {
		t.Skip("slow: run with SKEP_SLOW=1 or make test-kernel")
	}
}

// VM returns a fresh VM that ends with the test.
func (c *Client) VM(t testing.TB) *sandbox.VM {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	vm, err := c.Manager.Oracle(ctx, c.Version)
	if err != nil {
		t.Fatalf("real kernel %s: %v", c.Version, err)
	}
	t.Cleanup(func() { vm.Close() })
	return vm
}

// Batch runs JSON lines and returns the verdicts in order.
func (c *Client) Batch(t testing.TB, programs io.Reader, opt sandbox.BatchOptions) []*sandbox.Verdict {
	t.Helper()
	if opt.Store == nil {
		opt.Store = c.Store
	}
	var out bytes.Buffer
	if err := sandbox.Batch(t.Context(), c.Manager, c.Version, programs, &out, opt); err != nil {
		t.Fatalf("real kernel %s: %v", c.Version, err)
	}
	var vs []*sandbox.Verdict
	for d := json.NewDecoder(&out); ; {
		v := new(sandbox.Verdict)
		if err := d.Decode(v); err == io.EOF {
			return vs
		} else if err != nil {
			t.Fatalf("real kernel %s: verdict %d: %v", c.Version, len(vs), err)
		}
		vs = append(vs, v)
	}
}

// VerifyAll runs records with their own log levels.
func (c *Client) VerifyAll(t testing.TB, recs []*sandbox.Record) []*sandbox.Verdict {
	t.Helper()
	var in bytes.Buffer
	e := json.NewEncoder(&in)
	for _, r := range recs {
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	return c.Batch(t, &in, sandbox.BatchOptions{LogLevel: -1})
}

// Verify runs one record.
func (c *Client) Verify(t testing.TB, r *sandbox.Record) *sandbox.Verdict {
	t.Helper()
	return c.VerifyAll(t, []*sandbox.Record{r})[0]
}
