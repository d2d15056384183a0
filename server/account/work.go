package account

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Bounds of what is kept of a student's work.
const (
	MaxText     = 64 << 10 // of an attempt or a draft, in bytes
	MaxBatch    = 500      // attempts, drafts and results in one message
	MaxAttempts = 20_000   // of an account
	MaxTexts    = 64 << 20 // of an account's attempts, in bytes
	maxWord     = 128      // of an identifier, in bytes
)

// Attempt is a text that a student tried. It never changes but for the
// server's grade, so the same identifier from two devices is the same attempt.
type Attempt struct {
	ID       string `json:"id"` // made by the device, unique in an account
	Lab      string `json:"lab"`
	Exercise string `json:"exercise"`
	Lang     string `json:"lang"` // c, asm
	Text     string `json:"text"`
	Came     string `json:"came"` // how it came out, in words: "4 of 7 points"
	At       int64  `json:"at"`   // milliseconds since 1970, by the device's clock
	Device   string `json:"device,omitempty"`
	// Counts: the server has graded it.
	Counts bool `json:"counts,omitempty"`
}

// Draft is what stands in an exercise's editor. Of two the newer is kept, and
// the older one becomes an attempt.
type Draft struct {
	Lab      string `json:"lab"`
	Exercise string `json:"exercise"`
	Lang     string `json:"lang"`
	Text     string `json:"text"`
	At       int64  `json:"at"`
	Device   string `json:"device,omitempty"`
}

// Done is how an exercise or a question came out at best.
type Done struct {
	Lab    string  `json:"lab"`
	Item   string  `json:"item"` // an exercise, "?" and a question
	Points float64 `json:"points"`
	Total  float64 `json:"total"`
	Passed bool    `json:"passed"`
	// Counts: the server has graded it so, hidden cases included. Only the
	// server says that.
	Counts bool `json:"counts,omitempty"`
}

// Work is a part of what a student did: what a device has not sent yet, what
// the server has that a device has not seen.
type Work struct {
	Attempts []Attempt `json:"attempts,omitempty"`
	Drafts   []Draft   `json:"drafts,omitempty"`
	Done     []Done    `json:"done,omitempty"`
}

// Merge is the better of two results, where what either has passed is passed;
// but of two of which one counts it is that one. src/lab/memory.ts does the same.
func (d Done) Merge(o Done) Done {
	best := d
	if o.Counts && !d.Counts || o.Counts == d.Counts && o.rate() > d.rate() {
		best = o
	}
	if d.Counts == o.Counts {
		best.Passed = d.Passed || o.Passed
	}
	return best
}

func (d *Done) rate() float64 { return d.Points / max(1, d.Total) }

// Lost is a draft as the attempt that one can go back to, after a newer one of
// another device took its place. The same draft makes the same attempt.
func (d *Draft) Lost() Attempt {
	id := "draft-" + string(Token(fmt.Sprint(d.Device, d.At, d.Lab, d.Exercise, d.Lang)).short())
	return Attempt{ID: id, Lab: d.Lab, Exercise: d.Exercise, Lang: d.Lang, Text: d.Text, Came: "not tried: another device went on", At: d.At, Device: d.Device}
}

func (t Token) short() string { return fmt.Sprintf("%x", t.Hash()[:12]) }

// Check says what of a device's work is not what a device sends.
func (w *Work) Check() error {
	if len(w.Attempts)+len(w.Drafts)+len(w.Done) > MaxBatch {
		return fmt.Errorf("at most %d things are sent at once", MaxBatch)
	}
	for i := range w.Attempts {
		a := &w.Attempts[i]
		if err := check(a.Text, a.ID, a.Lab, a.Exercise, a.Lang, a.Device); err != nil {
			return fmt.Errorf("attempt: %w", err)
		}
		if a.ID == "" || len(a.Came) > 4*maxWord || !utf8.ValidString(a.Came) {
			return errors.New("attempt: an id is missing, or came is too long")
		}
	}
	for i := range w.Drafts {
		d := &w.Drafts[i]
		if err := check(d.Text, d.Lab, d.Exercise, d.Lang, d.Device); err != nil {
			return fmt.Errorf("draft: %w", err)
		}
	}
	for i := range w.Done {
		d := &w.Done[i]
		if err := check("", d.Lab, d.Item); err != nil {
			return fmt.Errorf("done: %w", err)
		}
		if !(d.Points >= 0 && d.Points <= d.Total && d.Total <= 1e6) {
			return errors.New("done: points are from 0 to total")
		}
	}
	return nil
}

func check(text string, words ...string) error {
	if len(text) > MaxText || !utf8.ValidString(text) {
		return fmt.Errorf("a text has at most %d KiB of UTF-8", MaxText>>10)
	}
	for _, w := range words {
		if len(w) > maxWord || !utf8.ValidString(w) {
			return errors.New("an identifier is too long")
		}
	}
	return nil
}
