package pickle

import (
	"slices"
	"strings"

	"trustfs/formats/globals"
	"trustfs/opcodes"
)

const noOwnState = "no form of its own"

// ownState judges a state by the form that the class of n reads: "" if it is that form and harmless.
func (j *judge) ownState(m *opcodes.Machine, n *name, state opcodes.Value) string {
	items := m.Items(state)
	switch {
	case !n.allowed():
	case state.Kind() == opcodes.KindTuple && !m.Whole(state):
	case n.is("torch.nn.parameter:Parameter"): // before torch 0.4: (requires_grad, volatile, hooks)
		if state.Kind() == opcodes.KindTuple && len(items) == 3 && plain(m, items[0], 0) && plain(m, items[1], 0) &&
			(items[2].Kind() == opcodes.KindNone || j.made(m, items[2]).is("collections:OrderedDict")) {
			return ""
		}
	case strings.HasPrefix(n.module, "tokenizers"): // JSON
		if !state.Unknown() && state.Kind() != opcodes.KindDict && plain(m, state, 0) || j.made(m, state).is("_codecs:encode") {
			return ""
		}
	case n.verdict.Preset == "pandas" && state.Kind() == opcodes.KindCall: // a frame's blocks
		if j.made(m, state).is("pandas.core.internals.managers:BlockManager", "pandas.core.internals.managers:SingleBlockManager") {
			return ""
		}
	case state.Kind() == opcodes.KindTuple && readsTuple(n):
		return j.tupleObjection(m, items)
	}
	return noOwnState
}

// readsTuple: classes of compiled code, and of the library, whose state is a tuple of fields.
func readsTuple(n *name) bool {
	switch n.rule() {
	case globals.RuleClass, globals.RulePyx, globals.RuleBitgen, globals.RuleNewobj:
		return true
	case "":
		return n.is("random:Random", "_io:BytesIO", "_io:StringIO", "io:BytesIO", "io:StringIO") ||
			slices.Contains([]string{"numpy", "scipy", "pandas", "sklearn"}, n.verdict.Preset)
	}
	return n.verdict.Preset == "pandas" || n.is("numpy.random:__RandomState_ctor") ||
		strings.HasPrefix(n.module, "scipy.spatial.") || strings.HasPrefix(n.module, "sklearn.neighbors.") ||
		strings.HasPrefix(n.module, "sklearn.metrics._dist_metrics")
}

// tupleObjection: of the fields of a tuple each that could hold attributes is None or a dict of this stream.
func (j *judge) tupleObjection(m *opcodes.Machine, items []opcodes.Value) string {
	for _, v := range items {
		switch v.Kind() {
		case opcodes.KindDict:
			if why := j.keysObjection(m, v); why != "" {
				return why
			}
		case opcodes.KindCall:
			if !j.fieldOf(j.made(m, v)) {
				return "a field that may hold attributes: " + describe(m, v)
			}
		default:
			if v.Unknown() && v.Kind() != opcodes.KindGlobal {
				return "a field that exists only at run time: " + describe(m, v)
			}
		}
	}
	return ""
}

// fieldOf says that an object made by n is an array, a type, a number or bytes, and no mapping.
func (j *judge) fieldOf(n *name) bool {
	switch n.rule() {
	case globals.RuleClass, globals.RulePyx, globals.RuleBytes, globals.RuleDtype, globals.RuleBitgen, globals.RuleNewobj, globals.RuleEncode, globals.RuleScalar, globals.RuleShared, globals.RuleSideFile:
		return true
	case globals.RuleNew: // arrays of joblib; pandas' types and arrays; metrics inside of trees
		return n.isWrapper() || n.verdict.Preset == "pandas" && !strings.HasSuffix(n.text, "Frame") && !strings.HasSuffix(n.text, "Series") ||
			strings.Contains(n.module, "dist_metrics")
	}
	return n.allowed() && n.verdict.Use == globals.UseCall && slices.Contains([]string{"numpy", "scipy", "pandas", "sklearn"}, n.verdict.Preset)
}
