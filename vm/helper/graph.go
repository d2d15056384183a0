package helper

// Lists and trees of objects. A list is a ring through its head, as the
// kernel's; a tree is kept as a list in the order of its callback, which no
// program can tell from a tree. Words of a node: next, previous, owner (list)
// or next, previous, unused, owner (tree).

// objectRoom is the memory of an allocated object: programs know the size
// from their BTF, which is not asked here.
const objectRoom = 1024

// objNew: (type id, meta) is a fresh zeroed object.
func objNew(e Env, c *Call) {
	c.R0 = e.Object(ObjectAlloc, NewObject, objectRoom)
	if c.R0 == 0 {
		return
	}
	write(e, c.R0, make([]byte, objectRoom))
}

const (
	nodeNext  = 0
	nodePrev  = 8
	listOwner = 16
	treeOwner = 24
)

// link puts node between prev and next, which may be the head.
func linkNode(e Env, node, prev, next uint64) {
	writeWord(e, node+nodeNext, next)
	writeWord(e, node+nodePrev, prev)
	writeWord(e, prev+nodeNext, node)
	writeWord(e, next+nodePrev, node)
}

func unlinkNode(e Env, node uint64) {
	next := word(e, node+nodeNext)
	prev := word(e, node+nodePrev)
	writeWord(e, prev+nodeNext, next)
	writeWord(e, next+nodePrev, prev)
	writeWord(e, node+nodeNext, node)
	writeWord(e, node+nodePrev, node)
}

// head makes the ring of a head that is still zero, and gives its first node.
func head(e Env, at uint64) uint64 {
	next := word(e, at)
	if next == 0 {
		next = at
		writeWord(e, at+nodeNext, at)
		writeWord(e, at+nodePrev, at)
	}
	return next
}

func listPushFront(e Env, c *Call) { listPush(e, c, false) }

func listPushBack(e Env, c *Call) { listPush(e, c, true) }

// listPush: (head, node, meta, off). A node that is in a list already is
// refused.
func listPush(e Env, c *Call, back bool) {
	h, node := c.Args[0], c.Args[1]
	next := head(e, h)
	owner := word(e, node+listOwner)
	if owner != 0 {
		c.set(einval)
		return
	}
	prev := h
	if back {
		prev = word(e, h+nodePrev)
		next = h
	}
	c.set(0)
	writeWord(e, node+listOwner, h)
	linkNode(e, node, prev, next)
}

func listPopFront(e Env, c *Call) { listPop(e, c, nodeNext) }

func listPopBack(e Env, c *Call) { listPop(e, c, nodePrev) }

// listPop: (head) gives the node taken out, or NULL.
func listPop(e Env, c *Call, side uint64) {
	head(e, c.Args[0])
	node := word(e, c.Args[0]+side)
	c.R0 = 0
	if node == c.Args[0] {
		return
	}
	c.R0 = node
	unlinkNode(e, node)
	writeWord(e, node+listOwner, 0)
}

// rbtreeAdd: (root, node, less, meta, off). State 0 is the node that the new
// one is compared with.
func rbtreeAdd(e Env, c *Call) {
	root, node := c.Args[0], c.Args[1]
	if c.Round == 0 {
		owner := word(e, node+treeOwner)
		if owner != 0 {
			c.set(einval)
			return
		}
		c.State[0] = head(e, root)
	} else if c.Returned&0xff == 0 { // less is a bool
		next := word(e, c.State[0]+nodeNext)
		c.State[0] = next
	}
	at := c.State[0]
	if at != root && (c.Round == 0 || c.Returned&0xff == 0) {
		c.Callback, c.CallbackArgs = c.Args[2], [5]uint64{node, at}
		return
	}
	prev := word(e, at+nodePrev)
	c.set(0)
	writeWord(e, node+treeOwner, root)
	linkNode(e, node, prev, at)
}

func rbtreeFirst(e Env, c *Call) {
	next := head(e, c.Args[0])
	c.R0 = 0
	if next != c.Args[0] {
		c.R0 = next
	}
}

// rbtreeRemove: (root, node) gives the node, or NULL when it is not in the
// tree.
func rbtreeRemove(e Env, c *Call) {
	owner := word(e, c.Args[1]+treeOwner)
	c.R0 = 0
	if owner != c.Args[0] {
		return
	}
	c.R0 = c.Args[1]
	unlinkNode(e, c.Args[1])
	writeWord(e, c.Args[1]+treeOwner, 0)
}
