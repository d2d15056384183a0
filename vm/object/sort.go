package object

import "sort"

// by sorts a list by a comparison of its elements. Why not sort.SliceStable or
// slices.SortStableFunc: the first brings reflection into the engine, the
// second a copy of itself for each type.
type by[T any] struct {
	list []T
	less func(a, b *T) bool
}

func (s by[T]) Len() int           { return len(s.list) }
func (s by[T]) Swap(i, j int)      { s.list[i], s.list[j] = s.list[j], s.list[i] }
func (s by[T]) Less(i, j int) bool { return s.less(&s.list[i], &s.list[j]) }

// sortBy sorts stably.
func sortBy[T any](list []T, less func(a, b *T) bool) { sort.Stable(by[T]{list, less}) }
