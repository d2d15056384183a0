package test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var reToken = regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\)`)

// tokens are the colours of tokens.css by name: light, dark.
func tokens(t *testing.T) map[string][2]string {
	t.Helper()
	text, err := os.ReadFile("../src/styles/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][2]string{}
	for _, m := range reToken.FindAllStringSubmatch(string(text), -1) {
		all[m[1]] = [2]string{m[2], m[3]}
	}
	return all
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(hex string) float64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	part := func(shift int) float64 {
		v := float64(n>>shift&255) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Every colour that text has on every ground that it stands on.
func TestContrast(t *testing.T) {
	all := tokens(t)
	plain := []string{"ink", "ink-2", "ink-3", "honey", "abstract", "concrete", "ok", "bad", "pruned", "code-number", "code-string", "code-call"}
	pairs := map[string][]string{
		"paper": plain, "surface": plain, "honey": {"on-honey"},
		"honey-soft": {"ink", "ink-2", "honey", "ok", "bad", "code-number", "code-string", "code-call"},
		"bad-soft":   {"ink", "ink-2", "bad"},
		"wash":       {"ink", "ink-2"},
	}
	for i := 1; i <= 8; i++ {
		pairs["hue-"+strconv.Itoa(i)] = []string{"ink", "ink-2", "code-number", "code-string", "code-call"}
	}
	for ground, texts := range pairs {
		for _, text := range texts {
			g, okG := all[ground]
			c, okC := all[text]
			if !okG || !okC {
				t.Errorf("tokens.css has no %s or no %s", ground, text)
				continue
			}
			for i, theme := range []string{"light", "dark"} {
				if r := contrast(c[i], g[i]); r < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f, not 4.5", theme, text, ground, r)
				}
			}
		}
	}
	// Edges of controls need 3:1 (WCAG 1.4.11).
	for i, theme := range []string{"light", "dark"} {
		if r := contrast(all["line-strong"][i], all["surface"][i]); r < 3 {
			t.Errorf("%s: line-strong has a contrast of %.2f, not 3", theme, r)
		}
	}
}

// The eight hues of source lines are of equal lightness.
func TestHuesAreEven(t *testing.T) {
	all := tokens(t)
	for i, theme := range []string{"light", "dark"} {
		low, high := 1.0, 0.0
		for h := 1; h <= 8; h++ {
			l := luminance(all["hue-"+strconv.Itoa(h)][i])
			low, high = min(low, l), max(high, l)
		}
		if (high+0.05)/(low+0.05) > 1.06 {
			t.Errorf("%s: the hues differ in lightness: %.3f to %.3f", theme, low, high)
		}
	}
}
