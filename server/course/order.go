package course

import (
	"cmp"
	"slices"
	"strconv"

	"skep/labs"
)

// sortLabs puts labs into the course's order: by track, F2 before F10.
func sortLabs(all []*labs.Lab) {
	slices.SortFunc(all, func(a, b *labs.Lab) int {
		la, na := code(a)
		lb, nb := code(b)
		return cmp.Or(cmp.Compare(slices.Index(labs.Tracks, a.Track), slices.Index(labs.Tracks, b.Track)), cmp.Compare(la, lb), cmp.Compare(na, nb), cmp.Compare(a.ID, b.ID))
	})
}

// code splits "H13" into its letter and its number.
func code(l *labs.Lab) (letter string, number int) {
	if l.Code == "" {
		return "~", 0 // behind the others
	}
	number, _ = strconv.Atoi(l.Code[1:])
	return l.Code[:1], number
}
