// Package views shows the tensors of a pickle, an archive of arrays or the like as a safetensors file, without running
// anything and without copying a tensor.
//
// In the jail, Build interprets the source with a closed set of constructors and answers with a Plan: a safetensors header
// and, for each tensor, where its bytes lie in the source. In the daemon, a Reader serves the Plan's bytes from the source
// through its verified reader, so that a view's bytes are judged bytes too. A Plan comes from a worker that read hostile
// bytes: Validate checks every number in it before a byte is served, and a Plan can name no bytes but the source's own.
//
// The same source gives the same view, byte for byte.
package views
