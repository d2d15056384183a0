package btf

import (
	"math"
	"testing"
)

func TestAppendFloat(t *testing.T) {
	for _, c := range []struct {
		f      float64
		digits int
		want   string
	}{
		{0, 15, "0"}, {1, 15, "1"}, {-1.5, 7, "-1.5"}, {0.25, 15, "0.25"}, {0.001, 15, "0.001"}, {100, 15, "100"}, {1234567, 7, "1234567"},
		{3.14159265358979, 15, "3.14159265358979"}, {float64(float32(3.14)), 7, "3.14"}, {0.1, 15, "0.1"}, {999999.96, 7, "1000000"},
		{1e20, 15, "100000000000000000000"}, {1e22, 15, "1e+22"}, {2.5e-7, 15, "2.5e-7"}, {1e-5, 15, "1e-5"}, {0.0001, 15, "0.0001"},
		{math.Inf(1), 15, "+Inf"}, {math.Inf(-1), 15, "-Inf"}, {math.NaN(), 15, "NaN"},
		{math.MaxFloat64, 15, "1.79769313486232e+308"}, {math.SmallestNonzeroFloat32, 7, "1.401298e-45"},
	} {
		if got := string(appendFloat(nil, c.f, c.digits)); got != c.want {
			t.Errorf("%v: %s, want %s", c.f, got, c.want)
		}
	}
}
