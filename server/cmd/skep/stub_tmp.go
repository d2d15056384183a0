package main

import "context"

func runServe(context.Context, *shell, []string) int       { return 2 }
func runRun(context.Context, *shell, []string) int         { return 2 }
func runConformance(context.Context, *shell, []string) int { return 2 }
func runSite(context.Context, *shell, []string) int        { return 2 }
