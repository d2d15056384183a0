package maps_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"skep/vm/maps"
)

// prefixes is an LPM trie the slow way.
type prefixes map[string]string

func (p prefixes) lookup(key []byte) (string, bool) {
	best, val := -1, ""
	limit := binary.LittleEndian.Uint32(key)
	for k, v := range p {
		n := binary.LittleEndian.Uint32([]byte(k[:4]))
		if n > limit || int(n) <= best {
			continue
		}
		same := true
		for i := uint32(0); i < n; i++ {
			same = same && (k[4+i/8]^key[4+i/8])>>(7-i%8)&1 == 0
		}
		if same {
			best, val = int(n), v
		}
	}
	return val, best >= 0
}

// masked is a key with the bits behind its prefix cleared: what names it.
func masked(key []byte) string {
	k := bytes.Clone(key)
	for i := binary.LittleEndian.Uint32(k); i < uint32(8*(len(k)-4)); i++ {
		k[4+i/8] &^= 1 << (7 - i%8)
	}
	return string(k)
}

func TestTrieModel(t *testing.T) {
	for seed, data := range []int{1, 4, 16} {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		s := set(t, 1)
		m := create(t, s, maps.Spec{Name: "t", Type: maps.LPMTrie, KeySize: uint32(4 + data), ValueSize: 8, MaxEntries: 40, Flags: maps.FlagNoPrealloc})
		ref := prefixes{}
		key := func() []byte {
			k := u32(r.Uint32N(uint32(8*data) + 1))
			for range data {
				k = append(k, []byte{0, 0x80, 0xc0, 0xff, 1}[r.IntN(5)])
			}
			return k
		}
		for i := range 6000 {
			k := key()
			name := masked(k)
			switch r.IntN(4) {
			case 0, 1:
				v, flags := u64(r.Uint64()), uint64(r.IntN(4))
				_, there := ref[name]
				want := maps.Errno(0)
				switch {
				case flags > 2:
					want = maps.EINVAL
				case there && flags == maps.NoExist:
					want = maps.EEXIST
				case !there && flags == maps.Exist:
					want = maps.ENOENT
				case !there && len(ref) == 40:
					want = maps.ENOSPC
				default:
					ref[name] = string(v)
				}
				if e := m.Update(k, v, flags, 0); e != want.Ret() {
					t.Fatalf("%d: update of %x with flags %d: %d, want %v", i, k, flags, e, want)
				}
			case 2:
				_, there := ref[name]
				delete(ref, name)
				if e := m.Delete(k); (e == 0) != there {
					t.Fatalf("%d: delete of %x: %d, there %v", i, k, e, there)
				}
			case 3:
				binary.LittleEndian.PutUint32(k, r.Uint32N(uint32(8*data)+1))
				v, there := ref.lookup(k)
				at := m.Lookup(k, 0)
				if (at != 0) != there || there && string(s.Arena.Bytes(uint32(at), 8)) != v {
					t.Fatalf("%d: lookup of %x: %x, there %v", i, k, at, there)
				}
			}
			if m.Len() != len(ref) {
				t.Fatalf("%d: %d entries, want %d", i, m.Len(), len(ref))
			}
		}
		seen := nextKeys(t, m)
		if len(seen) != len(ref) {
			t.Errorf("iteration found %d keys, want %d", len(seen), len(ref))
		}
		for k := range seen {
			if _, ok := ref[masked([]byte(k))]; !ok {
				t.Errorf("iteration found %x", k)
			}
		}
		checkTree(t, m.(maps.Trie).Nodes(1000))
	}
}

// checkTree holds the trie to its shape: prefixes grow, intermediate nodes
// have two children, every node but the root has one parent before it.
func checkTree(t *testing.T, nodes []maps.TrieNode) {
	parents := make([]int, len(nodes))
	for i, n := range nodes {
		if n.Middle && (n.Left < 0 || n.Right < 0) {
			t.Errorf("intermediate node /%d without two children", n.Bits)
		}
		for _, c := range []int{n.Left, n.Right} {
			if c < 0 {
				continue
			}
			parents[c]++
			if c <= i || nodes[c].Bits <= n.Bits {
				t.Errorf("node %d /%d below %d /%d", c, nodes[c].Bits, i, n.Bits)
			}
		}
	}
	for i, n := range parents {
		if n != min(i, 1) {
			t.Errorf("node %d has %d parents", i, n)
		}
	}
}

// The order of the kernel's documentation: children before parents.
func TestTrieOrder(t *testing.T) {
	m := create(t, set(t, 1), maps.Spec{Type: maps.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 8, Flags: maps.FlagNoPrealloc})
	for _, k := range [][]byte{{16, 0, 0, 0, 192, 168, 0, 0}, {24, 0, 0, 0, 192, 168, 0, 0}, {24, 0, 0, 0, 192, 168, 128, 0}, {24, 0, 0, 0, 192, 168, 1, 0}} {
		m.Set(k, u32(1), 0)
	}
	want := [][]byte{{24, 0, 0, 0, 192, 168, 0, 0}, {24, 0, 0, 0, 192, 168, 1, 0}, {24, 0, 0, 0, 192, 168, 128, 0}, {16, 0, 0, 0, 192, 168, 0, 0}}
	var k []byte
	for i, w := range want {
		next, e := m.NextKey(k)
		if e != 0 || !bytes.Equal(next, w) {
			t.Fatalf("key %d: %v %v, want %v", i, next, e, w)
		}
		k = next
	}
	if _, e := m.NextKey(k); e != maps.ENOENT {
		t.Errorf("after the last: %v", e)
	}
}
