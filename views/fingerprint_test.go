package views

import "testing"

// Whatever changes what is shown changes the fingerprint.
func TestFingerprint(t *testing.T) {
	fresh := func() *Answer {
		return &Answer{Plan: &Plan{Header: []byte("header"), Tensors: []Extent{
			{At: 6, Len: 8, Source: 2, Item: 4, Shape: []int64{2}, Strides: []int64{1}}}, Members: []Member{{Size: 3, Method: "deflate"}}}}
	}
	seen := map[[32]byte]string{fresh().Fingerprint(): "the plan itself"}
	for name, change := range map[string]func(*Answer){
		"header":  func(a *Answer) { a.Plan.Header[0]++ },
		"source":  func(a *Answer) { a.Plan.Tensors[0].Source++ },
		"length":  func(a *Answer) { a.Plan.Tensors[0].Len++ },
		"swap":    func(a *Answer) { a.Plan.Tensors[0].Swap = 4 },
		"member":  func(a *Answer) { a.Plan.Tensors[0].Member = 1 },
		"shape":   func(a *Answer) { a.Plan.Tensors[0].Shape[0]++ },
		"stride":  func(a *Answer) { a.Plan.Tensors[0].Strides[0] = -1 },
		"tensor":  func(a *Answer) { a.Plan.Tensors = append(a.Plan.Tensors, Extent{}) },
		"members": func(a *Answer) { a.Plan.Members[0].Packed++ },
		"CRC":     func(a *Answer) { a.Plan.Members[0].CRC++ },
		"method":  func(a *Answer) { a.Plan.Members[0].Method = "bzip2" },
		"index":   func(a *Answer) { a.Index, a.Plan = []byte("index"), nil },
	} {
		a := fresh()
		change(a)
		if before, there := seen[a.Fingerprint()]; there {
			t.Errorf("a changed %s leaves the fingerprint of %s", name, before)
		}
		seen[a.Fingerprint()] = name
	}
	if again := fresh().Fingerprint(); again != fresh().Fingerprint() {
		t.Error("the same plan, two fingerprints")
	}
}
