package jail

// Names of the layers, as Probe, Missing and the configuration's errors use them.
const (
	LayerSeccomp    = "seccomp"
	LayerNamespaces = "namespaces"
	LayerLandlock   = "landlock"
)
