package verifier

// ExactScalars makes cfg compare the ranges of all scalars before a path is
// taken to be covered, also of those that no decision hangs on: the ranges of
// the states at an instruction then hold of all values that get there.
func ExactScalars(cfg Config) Config {
	cfg.exactScalars = true
	return cfg
}

// PktRange is the range of a packet pointer.
func PktRange(r *RegState) int { return r.pktRange() }

// MapOf is the map that r points into, as the how-manieth that the program's
// loads name; it takes that no map holds maps.
func MapOf(r *RegState) int { return int(r.mapHandle()) - 1 }
