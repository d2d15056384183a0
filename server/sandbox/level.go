package sandbox

import (
	"context"
	"os/exec"
)

// Level is how strongly QEMU is confined, from weakest to strongest.
type Level int

// Levels of isolation.
const (
	LevelNone    Level = iota // QEMU without its own seccomp filter: never for strangers
	LevelSeccomp              // -sandbox on, our own uid
	LevelUID                  // and an unprivileged uid without capabilities
	LevelFull                 // and own namespaces, a read-only root of five files, resource limits
)

var levelNames = []string{"none", "seccomp", "seccomp+uid", "full"}

func (l Level) String() string {
	if l >= 0 && int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "unknown"
}

// command builds the process that becomes QEMU.
func (l Level) command(ctx context.Context, args []string) (*exec.Cmd, error) {
	q, err := qemu()
	if err != nil {
		return nil, err
	}
	return exec.Command(q.path, args...), nil
}
