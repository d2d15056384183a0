//go:build embedagent

package sandbox

import "embed"

// The two static programs as built by make build into bin/ before this package is compiled with -tags embedagent.
//
//go:embed bin/agent bin/jail
var bin embed.FS

func init() { embedded = func(name string) ([]byte, error) { return bin.ReadFile("bin/" + name) } }
