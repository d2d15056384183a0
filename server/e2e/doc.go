// Package e2e tests the whole product in a real browser: the server with its
// compiler, the built pages, Debian's chromium. What needs no server is tested
// in web/test.
package e2e
