// Package test holds the tests of the pages in a real browser: Debian's
// chromium, driven by chromedp, against an HTTP server on this machine that
// serves what web/build made, with the security policy of the skep server.
//
// Run `make web` first. SKEP_SHOTS=DIR keeps pictures of the states.
package test
