package views

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Kind says what a view's name stands for.
type Kind int

// The kinds of views.
const (
	KindTensors Kind = iota // a safetensors file
	KindIndex               // model.safetensors.index.json, rewritten from the pickles' index
)

// A Name is one view of a folder.
type Name struct {
	Name   string // as it appears: "model.safetensors"
	Source string // beside it: "pytorch_model.bin"
	Kind   Kind
}

var shard = regexp.MustCompile(`^pytorch_model-(\d{5}-of-\d{5})\.bin$`)

// index names of Hugging Face: where the pickles' shards are listed, and where a loader looks for those of safetensors.
const (
	pickleIndex = "pytorch_model.bin.index.json"
	safeIndex   = "model.safetensors.index.json"
)

// sources are the extensions under which tensors are found in something that is no safetensors file.
var sources = []string{".pt", ".pth", ".ckpt", ".bin", ".pkl", ".npz", ".npy", ".joblib", ".msgpack"}

// stateOnly says of files beside a model that they hold no weights: a view of them would be a name that leads nowhere. Every
// listing asks, for each of its names.
func stateOnly(name string) bool {
	switch name {
	case "training_args.bin", "scheduler.pt", "scaler.pt":
		return true
	}
	return strings.HasPrefix(name, "rng_state") && strings.HasSuffix(name, ".pth") || strings.HasPrefix(name, "trainer_state.")
}

// ViewOf gives the view that a file's name has, if it is one of a source.
func ViewOf(name string) (Name, bool) {
	n := Name{Source: name}
	var m []string
	if strings.HasPrefix(name, "pytorch_model-") {
		m = shard.FindStringSubmatch(name)
	}
	switch {
	case name == "pytorch_model.bin":
		n.Name = "model.safetensors"
	case m != nil:
		n.Name = "model-" + m[1] + ".safetensors"
	case name == pickleIndex:
		n.Name, n.Kind = safeIndex, KindIndex
	case slices.Contains(sources, path.Ext(name)) && !stateOnly(name) && len(name) > len(path.Ext(name)):
		n.Name = strings.TrimSuffix(name, path.Ext(name)) + ".safetensors"
	default:
		return Name{}, false
	}
	return n, true
}

// SourcesOf gives the names of the files that a view's name may stand for, in a fixed order.
func SourcesOf(view string) []string {
	if view == safeIndex {
		return []string{pickleIndex}
	}
	stem, ok := strings.CutSuffix(view, ".safetensors")
	if !ok || stem == "" {
		return nil
	}
	candidates := []string{"pytorch_" + stem + ".bin"}
	for _, ext := range sources {
		candidates = append(candidates, stem+ext)
	}
	return slices.DeleteFunc(candidates, func(s string) bool {
		n, ok := ViewOf(s)
		return !ok || n.Name != view
	})
}

// Beside gives the views of a folder that holds the given names: those that one source alone claims and no real file
// has. claimed lists the names that several sources claim: they are not shown, and are an error to report.
func Beside(names []string) (shown []Name, claimed []string) {
	real := make(map[string]bool, len(names))
	for _, n := range names {
		real[n] = true
	}
	by := map[string][]Name{}
	for n := range real {
		if v, ok := ViewOf(n); ok && !real[v.Name] {
			by[v.Name] = append(by[v.Name], v)
		}
	}
	for name, vs := range by {
		if len(vs) == 1 {
			shown = append(shown, vs[0])
		} else {
			claimed = append(claimed, name)
		}
	}
	slices.SortFunc(shown, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(claimed)
	return shown, claimed
}
