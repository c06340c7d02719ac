package fs

import "testing"

func TestLinksThatDisguiseCode(t *testing.T) {
	const repo = "hub/models--o--n"
	tests := []struct {
		link, target, leads string
		disguises           bool
	}{
		{"modeling_x.py", "notes.txt", "notes.txt", true},
		{"modeling_x.py", "blob", "blob", true},
		{"MODELING.PY", "notes.txt", "notes.txt", true},
		{"modeling_x.py", "other.py", "other.py", false},
		{"libx.so", "libx.so.1.2", "libx.so.1.2", false},
		{"libx.so", "data.bin", "data.bin", true},
		{"model.gguf", "blobs/sha256-0", "blobs/sha256-0", false},
		{"notes.txt", "x.py", "x.py", false},
		{repo + "/snapshots/r/m.py", "../../blobs/01", repo + "/blobs/01", false},
		{repo + "/snapshots/r/sub/m.py", "../../../blobs/01", repo + "/blobs/01", false},
		{repo + "/snapshots/r/m.py", "/tree/" + repo + "/blobs/01", repo + "/blobs/01", true},
		{repo + "/snapshots/r/m.py", "../../../other/blobs/01", "hub/other/blobs/01", true},
		{repo + "/m.py", "blobs/01", repo + "/blobs/01", true},
		{repo + "/snapshots/r/m.py", "../../../../x/blobs/01", "x/blobs/01", true},
	}
	for _, tt := range tests {
		if got := disguises(tt.link, tt.target, components(tt.leads)); got != tt.disguises {
			t.Errorf("%s -> %s: %v, expected %v", tt.link, tt.target, got, tt.disguises)
		}
	}
}
