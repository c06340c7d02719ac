package keras

import (
	"io"

	"trustfs/formats"
	"trustfs/formats/archive"
)

// Names of members of a .keras archive (keras/src/saving/saving_lib.py).
const (
	configName   = "config.json"
	metadataName = "metadata.json"
	weightsName  = "model.weights.h5"
)

// Zip is the flavor of zip archives that Keras 3 writes.
type Zip struct{}

// Accepts implements archive.Flavor.
func (Zip) Accepts(z *archive.Zip) bool {
	have := map[string]bool{}
	for _, m := range z.Members {
		have[m.Name] = true
	}
	return have[configName] && (have[metadataName] || have[weightsName])
}

// Inspect implements archive.Flavor. The configuration must be JSON in UTF-8: Keras gives the bytes to Python's json,
// which takes UTF-16 too, and that is not inspected, so it convicts. The members stay for the other inspectors.
func (Zip) Inspect(c *formats.Context, s *formats.Source, z *archive.Zip) []*archive.Member {
	c.SetFormat(s, formats.FormatKerasZip)
	for _, m := range z.Members {
		if m.Name != configName || c.Stopped() {
			continue
		}
		if src, ok := z.Source(c, m); ok {
			InspectConfig(c, src.Where, io.NewSectionReader(src.R, 0, src.Size))
		}
	}
	return nil
}
