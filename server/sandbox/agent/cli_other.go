//go:build linux && !amd64

package main

import "errors"

func interruptsOff() error { return errors.New("cli: x86 only") }
