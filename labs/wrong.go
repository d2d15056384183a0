package labs

import (
	"strconv"
	"strings"

	"skep/labs/grade"
)

// Check says whether a wrong answer came out as its author says: "" when it
// did. unread is that it could not be tried at all.
func (w *Wrong) Check(unread bool, v grade.Verdict, rep *grade.Report, hidden []*grade.Report) string {
	switch {
	case unread || rep == nil:
		return "cannot be tried"
	case w.Message != "" && (v.Accepted || v.Undecided != ""):
		return "is not rejected; the lab says " + strconv.Quote(w.Message)
	case w.Message != "" && !strings.Contains(v.Message, w.Message):
		return "is rejected with " + strconv.Quote(v.Message) + "; the lab says " + strconv.Quote(w.Message)
	case w.Message == "" && !v.Accepted:
		return "is rejected with " + strconv.Quote(v.Message+v.Undecided) + "; the lab says that it loads and fails a rule"
	}
	for _, text := range w.Fails {
		if !fails(append([]*grade.Report{rep}, hidden...), text) {
			return "passes the rule " + strconv.Quote(text)
		}
	}
	return ""
}

func fails(reports []*grade.Report, text string) bool {
	for _, rep := range reports {
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.State == grade.Failed && strings.Contains(f.Rule.Text, text) {
				return true
			}
		}
	}
	return false
}
