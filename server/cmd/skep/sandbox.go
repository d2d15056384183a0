package main

import (
	"context"

	"skep/server/sandbox"
)

func runSandbox(ctx context.Context, sh *shell, args []string) int {
	return sandbox.Command(ctx, args, sh.in, sh.out, sh.err)
}
