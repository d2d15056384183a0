package labs

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

func (r *reader) question(d *directive, a *attributes, ex *Exercise, allow func(...string)) {
	q := &Question{ID: a.word(0), Kind: QuestionKind(d.name), Line: r.line(d.offset), Points: 1}
	if ex != nil {
		q.Exercise = ex.ID
	}
	r.identifier(q.ID, d.offset, d.name)
	if p := a.get("points"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 100 {
			r.failDoc(d.offset, "points is a number from 1 to 100")
		}
		q.Points = n
	}
	switch q.Kind {
	case Choose, Order:
		allow("points")
		r.options(d, q)
	case Predict:
		allow("points", "reg", "at", "after", "answer")
		q.Reg, q.At, q.Answer, q.After = a.get("reg"), a.get("at"), a.get("answer"), a.get("after") == "yes"
		if after := a.get("after"); after != "" && after != "yes" {
			q.At, q.After = after, true
		}
		if q.Reg == "" || q.At == "" || q.Answer == "" {
			r.failDoc(d.offset, "a prediction is written "+form("predict"))
		}
		r.about(d, q, ex)
	case Click:
		allow("points", "answer")
		if q.Answer = a.get("answer"); q.Answer == "" {
			r.failDoc(d.offset, "a click question is written "+form("click"))
		}
		r.about(d, q, ex)
	}
	r.lab.Questions = append(r.lab.Questions, q)
}

// about finds the program that a question is about.
func (r *reader) about(d *directive, q *Question, ex *Exercise) {
	r.programs(d, func(s Source) { q.Source = s })
	if q.Source.Text == "" && ex != nil && len(ex.Starters) > 0 {
		q.Source = ex.Starters[0]
	}
	if q.Source.Text == "" {
		r.failDoc(d.offset, "the question is about no program: put a ```asm or ```c block into it, or the question behind an exercise's starter")
	}
}

// options reads the list of a choose or order question. In a choose question
// the text of an item behind its first paragraph is shown once it was picked.
func (r *reader) options(d *directive, q *Question) {
	var list *ast.List
	for n := d.FirstChild(); n != nil; n = n.NextSibling() {
		if l, ok := n.(*ast.List); ok {
			list = l
		}
	}
	if list == nil {
		r.failDoc(d.offset, "the question has no list of answers: "+form(d.name))
		return
	}
	rights := 0
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		first := item.FirstChild()
		if first == nil {
			continue
		}
		var o Option
		if q.Kind == Choose {
			box, ok := first.FirstChild().(*extast.TaskCheckBox)
			if !ok {
				r.failDoc(r.place(first), "an answer is written - [x] right or - [ ] wrong")
				continue
			}
			o.Right = box.IsChecked
			if o.Right {
				rights++
			}
		}
		// A list with blank lines has paragraphs, one without has not: an answer is the same.
		o.HTML = strings.TrimSuffix(strings.TrimPrefix(r.lab.fragment(first), "<p>"), "</p>")
		var why strings.Builder
		for n := first.NextSibling(); n != nil; n = first.NextSibling() {
			why.WriteString(r.lab.fragment(n))
			item.RemoveChild(item, n) // the page's text is not to hold it
		}
		o.Why = why.String()
		q.Options = append(q.Options, o)
	}
	if len(q.Options) < 2 {
		r.failDoc(d.offset, "a question has at least two answers")
	}
	if q.Kind == Choose && rights == 0 && len(q.Options) > 0 {
		r.failDoc(d.offset, "no answer is marked right with - [x]")
	}
	if q.Kind != Order {
		return
	}
	if !list.IsOrdered() {
		r.failDoc(d.offset, "the things to put in order are a numbered list, in the right order")
	}
	q.Shown = shuffle(len(q.Options), q.ID)
	items := make([]ast.Node, 0, len(q.Options))
	for n := list.FirstChild(); n != nil; n = list.FirstChild() {
		list.RemoveChild(list, n)
		items = append(items, n)
	}
	for _, i := range q.Shown {
		list.AppendChild(list, items[i])
	}
}

// shuffle is an order of n things that is not 0, 1, 2; the same for the same word.
func shuffle(n int, word string) []int {
	h := fnv.New64a()
	h.Write([]byte(word))
	order := rand.New(rand.NewPCG(h.Sum64(), uint64(n))).Perm(n)
	if n > 1 && slices.IsSorted(order) {
		slices.Reverse(order)
	}
	return order
}
