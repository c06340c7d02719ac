//go:build !lean

package lean

// Build says that this is the lean program.
const Build = false
