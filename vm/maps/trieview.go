package maps

// TrieNode is a node of an LPM trie.
type TrieNode struct {
	Bits        uint32 // prefix length
	Data        []byte // as in a key, behind the prefix length
	Left, Right int    // children by the next bit, as numbers of nodes; -1 for none
	Middle      bool   // it joins two others and has no value
}

// Trie is what an LPM trie shows of itself.
type Trie interface {
	Map
	// Nodes lists at most limit nodes, parents before their children and the
	// left child first; the root is number 0.
	Nodes(limit int) []TrieNode
}

func (m *trie) Nodes(limit int) []TrieNode {
	type todo struct {
		node   uint32
		parent int
		right  bool
	}
	var out []TrieNode
	for stack := []todo{{node: m.a.U32(m.root), parent: -1}}; len(stack) > 0 && len(out) < limit; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at.node == 0 {
			continue
		}
		n := len(out)
		out = append(out, TrieNode{Bits: m.bits(at.node), Data: append([]byte(nil), m.bytes(at.node)...), Left: -1, Right: -1, Middle: m.middle(at.node)})
		if at.parent >= 0 && at.right {
			out[at.parent].Right = n
		} else if at.parent >= 0 {
			out[at.parent].Left = n
		}
		stack = append(stack, todo{m.child(at.node, 1), n, true}, todo{m.child(at.node, 0), n, false})
	}
	return out
}
