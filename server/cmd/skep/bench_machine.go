package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// benchMachine is the first line of -o: where and when the figures were taken.
type benchMachine struct {
	Date   string `json:"date"`
	CPU    string `json:"cpu"` // model, "" where it is not told
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Rounds int    `json:"rounds"`
}

func thisMachine(rounds int) benchMachine {
	m := benchMachine{time.Now().UTC().Format(time.DateOnly), "", runtime.NumCPU(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(), rounds}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(release))
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	if _, rest, found := strings.Cut(string(info), "model name"); found {
		line, _, _ := strings.Cut(rest, "\n")
		m.CPU = strings.Trim(line, "\t :")
	}
	return m
}

func (m benchMachine) String() string {
	return fmt.Sprintf("%s, %d processors (%s), %s, %s, medians of %d rounds", m.Date, m.CPUs, m.CPU, m.Kernel, m.Go, m.Rounds)
}
