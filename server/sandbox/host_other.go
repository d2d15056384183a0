//go:build !linux

package sandbox

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// errHost is why the sandbox does nothing on other systems: NewManager and Doctor report it.
var errHost = errors.New("the sandbox needs a Linux host")

const rlimitCPU = 0

var rlimits map[int]uint64

func memfd(string, int64) (*os.File, error)                    { return nil, errHost }
func seal(*os.File) error                                      { return errHost }
func reopen(*os.File) (*os.File, error)                        { return nil, errHost }
func flock(*os.File) error                                     { return nil }
func dataExtent(*os.File, int64) (start, end int64, err error) { return 0, 0, errHost }
func fdRights(*os.File) []byte                                 { return nil }
func socketpair(string) (net.Conn, *os.File, error)            { return nil, nil, errHost }
func openKVM() error                                           { return errHost }
func (l Level) attributes() *syscall.SysProcAttr               { return nil }
func makeRaw(*os.File) (restore func(), err error)             { return nil, errHost }
func windowSize(*os.File) (rows, cols uint16)                  { return 0, 0 }
func onResize(func()) (stop func())                            { return func() {} }

// group would be a VM's cgroups.
type group struct{}

func hierarchies() ([]struct{}, string)       { return nil, "none: " + errHost.Error() }
func newGroup() (*group, error)               { return nil, nil }
func (g *group) prepare(*syscall.SysProcAttr) {}
func (g *group) add(int) error                { return nil }
func (g *group) remove()                      {}
