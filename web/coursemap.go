package web

import (
	"fmt"
	"slices"
	"strings"

	"skep/labs/plan"
)

// courseMap is the plan as a drawing: a lane for each track, and a lab to the
// right of everything that it needs. Measures are in pixels.
type courseMap struct {
	Width, Height int
	Lanes         []mapLane
	Nodes         []mapNode
	Edges         []mapEdge
}

type mapLane struct {
	Title string
	Y     int
}

type mapNode struct {
	entry
	X, Y  int
	Lines []string // the title, in at most two
}

type mapEdge struct {
	From, To, Path string
	Near           bool // within a lane: shown although nobody points at it
}

// Measures of the map.
const (
	mapNodeWidth  = 102
	mapNodeHeight = 54
	mapColumn     = 112
	mapRow        = 60
	mapLaneTitle  = 28
	mapTextWidth  = 12 // characters of a node's first line; the second has room for some more
)

func (m *Manifest) courseMap() courseMap {
	var c courseMap
	at := map[string]*mapNode{}
	y := 0
	nodes := make([]mapNode, 0, len(plan.Labs()))
	for _, t := range plan.Tracks() {
		list := m.entries(t.In())
		if len(list) == 0 {
			continue
		}
		c.Lanes = append(c.Lanes, mapLane{t.Title, y})
		y += mapLaneTitle
		filled := map[int]int{} // rows used, by column
		rows := 0
		for _, e := range list {
			col := plan.Depth(e.plan.Code)
			nodes = append(nodes, mapNode{entry: e, X: col * mapColumn, Y: y + filled[col]*mapRow, Lines: wrap(e.plan.Title, mapTextWidth)})
			filled[col]++
			rows = max(rows, filled[col])
			c.Width = max(c.Width, col*mapColumn+mapNodeWidth)
		}
		y += rows*mapRow + 8
	}
	c.Height, c.Nodes = y, nodes
	for i := range nodes {
		at[nodes[i].plan.Code] = &nodes[i]
	}
	for i := range nodes {
		to := &nodes[i]
		for _, code := range to.plan.After {
			if around(&to.plan, code) {
				continue
			}
			from := at[code]
			x1, y1, x2, y2 := from.X+mapNodeWidth, from.Y+mapNodeHeight/2, to.X, to.Y+mapNodeHeight/2
			bend := max(8, min(40, (x2-x1)/2))
			near := from.plan.Track == to.plan.Track
			c.Edges = append(c.Edges, mapEdge{From: code, To: to.plan.Code, Near: near, Path: fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)})
		}
	}
	return c
}

// around says whether another lab that l needs has that one before it anyway.
func around(l *plan.Lab, code string) bool {
	return slices.ContainsFunc(l.After, func(other string) bool { return other != code && plan.Needs(other, code) })
}

// wrap breaks a title into two lines of about width characters.
func wrap(s string, width int) []string {
	if len(s) <= width {
		return []string{s}
	}
	cut := strings.LastIndexByte(s[:width+1], ' ')
	if cut < 0 {
		cut = strings.IndexByte(s, ' ')
	}
	if cut < 0 {
		return []string{s}
	}
	return []string{s[:cut], s[cut+1:]}
}

// words is what a screen reader says of a node.
func (n *mapNode) words() string {
	s := n.plan.Code + " " + n.title()
	if len(n.plan.After) > 0 {
		s += ", after " + strings.Join(n.plan.After, ", ")
	}
	if n.lab == nil {
		s += ", planned"
	}
	return s
}
