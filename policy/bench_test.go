package policy

import (
	"context"
	"testing"
)

// BenchmarkNewPolicy is what each file costs after a policy has changed: the input made and the policy evaluated.
func BenchmarkNewPolicy(b *testing.B) {
	p, err := Load([]string{"../docs/policies/production-signed"}, "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Eval(context.Background(), example()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpener is what a policy on the opener adds to an open of a file that it has answered for before.
func BenchmarkOpener(b *testing.B) {
	p, err := Load([]string{"../docs/policies/reserved-family"}, "")
	if err != nil {
		b.Fatal(err)
	}
	f, err := p.ForFile(example())
	if err != nil {
		b.Fatal(err)
	}
	o := example().Opener
	for b.Loop() {
		if _, err := f.Eval(context.Background(), o); err != nil {
			b.Fatal(err)
		}
	}
}
