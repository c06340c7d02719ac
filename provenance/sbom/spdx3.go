//go:build !lean

package sbom

import "errors"

// spdx3 takes the digests of an SPDX 3.0 document (JSON-LD, as the specification's own serialization writes it): each
// element of @graph may have verifiedUsing, a list of hashes. The AI profile's fields (ai_...) stay in Raw for policies.
// Elements are read in place; no context is ever fetched.
func (d *Document) spdx3() error {
	top, ok := d.Raw.(map[string]any)
	if !ok {
		return errors.New("SPDX 3: not an object")
	}
	graph, ok := top["@graph"].([]any)
	if !ok {
		return errors.New("SPDX 3: no @graph")
	}
	d.Kind = SPDX3
	hashes := map[string]map[string]any{} // hashes that stand beside the elements, by their name
	for _, e := range graph {
		if el, ok := e.(map[string]any); ok && text(el, "type", "@type") == "Hash" {
			hashes[text(el, "@id", "spdxId")] = el
		}
	}
	for _, e := range graph {
		el, ok := e.(map[string]any)
		if !ok {
			continue
		}
		list, ok := el["verifiedUsing"].([]any)
		if !ok {
			list = []any{el["verifiedUsing"]}
		}
		for _, h := range list {
			hash, ok := h.(map[string]any)
			if name, isName := h.(string); isName {
				hash, ok = hashes[name]
			}
			if ok && text(hash, "algorithm") == "sha256" {
				d.add(text(hash, "hashValue"))
			}
		}
	}
	return nil
}

// text is the first of the keys that holds a string.
func text(m map[string]any, keys ...string) string {
	for _, k := range keys {
		if s, ok := m[k].(string); ok {
			return s
		}
	}
	return ""
}
