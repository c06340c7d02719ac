package views

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	tests := map[string]string{
		"pytorch_model.bin":                "model.safetensors",
		"pytorch_model-00002-of-00011.bin": "model-00002-of-00011.safetensors",
		"pytorch_model.bin.index.json":     "model.safetensors.index.json",
		"adapter_model.bin":                "adapter_model.safetensors",
		"diffusion_pytorch_model.bin":      "diffusion_pytorch_model.safetensors",
		"consolidated.00.pth":              "consolidated.00.safetensors",
		"open_clip_pytorch_model.bin":      "open_clip_pytorch_model.safetensors",
		"yolo.pt":                          "yolo.safetensors",
		"epoch=1.ckpt":                     "epoch=1.safetensors",
		"w.npz":                            "w.safetensors",
		"w.pkl":                            "w.safetensors",
		"optimizer.pt":                     "optimizer.safetensors",
		"training_args.bin":                "",
		"scheduler.pt":                     "",
		"scaler.pt":                        "",
		"rng_state_0.pth":                  "",
		"rng_state.pth":                    "",
		"trainer_state.pt":                 "",
		"pytorch_model-1-of-2.bin":         "pytorch_model-1-of-2.safetensors",
		"model.safetensors":                "",
		"model.gguf":                       "",
		"config.json":                      "",
		".pt":                              "",
		"x.PT":                             "",
	}
	for source, want := range tests {
		v, ok := ViewOf(source)
		if v.Name != want || ok != (want != "") {
			t.Errorf("ViewOf(%q) = %q, expected %q", source, v.Name, want)
		}
		if ok && !slices.Contains(SourcesOf(v.Name), source) {
			t.Errorf("SourcesOf(%q) = %q lacks %q", v.Name, SourcesOf(v.Name), source)
		}
	}
	if got := SourcesOf("model.gguf"); got != nil {
		t.Errorf("a view that is no view has sources %q", got)
	}
}

func TestBeside(t *testing.T) {
	shown, claimed := Beside([]string{"pytorch_model.bin", "a.pt", "a.ckpt", "b.pt", "b.safetensors", "config.json", "c.npz"})
	var names []string
	for _, n := range shown {
		names = append(names, n.Name+"<"+n.Source)
	}
	if !slices.Equal(names, []string{"c.safetensors<c.npz", "model.safetensors<pytorch_model.bin"}) || !slices.Equal(claimed, []string{"a.safetensors"}) {
		t.Errorf("shown %q, claimed %q", names, claimed)
	}
	// pytorch_model.bin and model.bin both claim model.safetensors: neither is shown.
	shown, claimed = Beside([]string{"pytorch_model.bin", "model.bin"})
	if len(shown) != 0 || !slices.Equal(claimed, []string{"model.safetensors"}) {
		t.Errorf("shown %v, claimed %q", shown, claimed)
	}
}
