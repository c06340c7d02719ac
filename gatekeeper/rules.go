package gatekeeper

import (
	"fmt"
	"maps"
	"slices"

	"trustfs/formats"
)

// A Rule is one row of the table that gives findings their weight.
type Rule struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"`        // what it adds to the score
	Max    int    `json:"max,omitempty"` // when set, each distinct finding adds Weight, up to Max; else the rule adds Weight once
	Fatal  bool   `json:"fatal"`         // refuses whatever the maximum; only an operator's pin that accepts the rule silences it
	Origin bool   `json:"origin"`        // about provenance: weightless under the content profile (never fatal)
	Doc    string `json:"doc"`
	Ref    string `json:"ref,omitempty"`
}

// The weights' spirit: 100 and fatal for code that a loader will run, 50 for code or escape that a loader may run, 25 to
// 35 for what widens the attack surface, 10 to 15 for oddities.
var ruleTable = []Rule{
	{Name: formats.RuleUnsignedModel, Weight: 40, Origin: true, Doc: "no trusted pin, checksum or signature vouches for the model", Ref: "OpenSSF model signing"},
	{Name: formats.RuleUnknownPublisher, Weight: 20, Origin: true, Doc: "the signature is good, the signer is not a trusted publisher"},
	{Name: formats.RuleProvenanceUnverifiable, Weight: 25, Origin: true, Doc: "a signature is there that cannot be checked with what is configured"},
	{Name: formats.RuleSignatureInvalid, Weight: 100, Fatal: true, Doc: "a signature does not fit the bytes, or is forged, expired or broken"},
	{Name: formats.RuleChecksumMismatch, Weight: 100, Fatal: true, Doc: "a checksum list names another digest for the file"},
	{Name: formats.RuleUnknownChecksum, Weight: 100, Fatal: true, Doc: "a checksum list is required and does not name the file"},
	{Name: formats.RuleSBOMMissing, Weight: 20, Origin: true, Doc: "an SBOM is required and none names the file's digest"},
	{Name: formats.RuleSBOMPolicyDenial, Weight: 30, Doc: "the policy objects to what the SBOM says"},

	{Name: formats.RuleGlobalDangerous, Weight: 100, Fatal: true, Doc: "unpickling resolves a name that runs code, reads files or reaches the network", Ref: "CWE-502; docs.python.org/3/library/pickle.html"},
	{Name: formats.RuleGlobalDynamic, Weight: 100, Fatal: true, Doc: "unpickling resolves a name that exists only at run time"},
	{Name: formats.RuleGlobalMutated, Weight: 100, Fatal: true, Doc: "unpickling changes a class, function or module of the program"},
	{Name: formats.RuleGlobalUnknown, Weight: 10, Max: 30, Doc: "unpickling resolves a name that is on no list"},
	{Name: formats.RuleReduce, Weight: 25, Doc: "unpickling calls something that is not allowed to be called"},
	{Name: formats.RuleInst, Weight: 10, Doc: "the INST opcode, which no current pickler writes"},
	{Name: formats.RulePickleExtension, Weight: 50, Doc: "EXT1, EXT2 or EXT4: what is called depends on the process's registry"},
	{Name: formats.RulePersistentID, Weight: 25, Doc: "a persistent id that is not a torch storage: the loader decides what it means"},
	{Name: formats.RulePickleMalformed, Weight: 50, Doc: "a pickle stream breaks before STOP"},
	{Name: formats.RulePickleCarried, Weight: 25, Doc: "a pickle kept as data, raw or spelled in text, that would resolve a dangerous name if some program unpickled it"},
	{Name: formats.RulePickleTrailing, Weight: 25, Doc: "bytes after a pickle's STOP that no known loader explains"},

	{Name: formats.RuleLimitExceeded, Weight: 100, Fatal: true, Doc: "the analysis would need more than its budget: what was not looked at is not admitted"},
	{Name: formats.RuleArchiveMalformed, Weight: 50, Doc: "a container that some readers cannot read"},
	{Name: formats.RuleArchiveAmbiguous, Weight: 50, Doc: "a container that two readers read differently", Ref: "CVE-2025-1944"},
	{Name: formats.RuleArchiveTraversal, Weight: 100, Fatal: true, Doc: "a member that is extracted outside its folder", Ref: "CWE-22; CVE-2025-12060"},
	{Name: formats.RuleArchiveEncrypted, Weight: 50, Doc: "a member that cannot be looked into", Ref: "CVE-2025-1945"},
	{Name: formats.RuleNativeCode, Weight: 50, Doc: "machine code inside a model"},
	{Name: formats.RuleTorchScriptCode, Weight: 50, Doc: "TorchScript that reads or writes files or loads native code"},
	{Name: formats.RulePythonSource, Weight: 50, Doc: "Python sources that the format's loader imports"},
	{Name: formats.RuleFormatMalformed, Weight: 50, Doc: "a file that breaks its format's specification"},
	{Name: formats.RuleFormatUnknown, Weight: 25, Doc: "a model's name on bytes of no known format"},
	{Name: formats.RulePolyglot, Weight: 50, Doc: "two unrelated formats in one file"},
	{Name: formats.RuleSafetensorsCode, Weight: 50, Doc: "code in a safetensors header's metadata"},
	{Name: formats.RuleHeaderOversized, Weight: 15, Doc: "a header of more than 100 MB", Ref: "safetensors format"},
	{Name: formats.RuleDtypeUnsafe, Weight: 35, Doc: "a data type that the format does not have"},
	{Name: formats.RuleTemplate, Weight: 100, Fatal: true, Doc: "a chat template that reaches Python's internals", Ref: "CVE-2024-34359"},
	{Name: formats.RuleRemoteCode, Weight: 100, Fatal: true, Doc: "a configuration that makes its loader import and run code", Ref: "CVE-2025-66448"},
	{Name: formats.RuleRemoteReference, Weight: 15, Doc: "a configuration that names Python code beside the model, run only by those who ask for it"},
	{Name: formats.RuleInspectorFailed, Weight: 100, Fatal: true, Doc: "an inspector failed: what was not looked at is not admitted"},
	{Name: formats.RuleKerasLambda, Weight: 100, Fatal: true, Doc: "a Keras Lambda layer or its like: code in the configuration", Ref: "CVE-2024-3660"},
	{Name: formats.RuleCustomOps, Weight: 30, Doc: "operators that need a native library"},
	{Name: formats.RuleGraphFileAccess, Weight: 100, Fatal: true, Doc: "a graph that reads or writes files or runs Python"},
	{Name: formats.RuleExternalData, Weight: 30, Doc: "ONNX external data outside its folder", Ref: "CVE-2024-27318"},
	{Name: formats.RuleONNXNested, Weight: 10, Doc: "nested graphs in an ONNX model"},
	{Name: formats.RuleONNXCode, Weight: 50, Doc: "code in an ONNX model's metadata"},
}

// Rules is a copy of the table, with operators' weights in place of the table's where overrides names them. A rule that no
// row has, or a negative weight, is an error. An override changes what a rule adds, never that it is fatal.
func Rules(overrides map[string]int) ([]Rule, error) {
	rules := slices.Clone(ruleTable)
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("weights: no rule is named %q (trustfs rules lists them)", name)
		case overrides[name] < 0:
			return nil, fmt.Errorf("weights: %s: %d is negative", name, overrides[name])
		}
		if rules[i].Max > 0 {
			rules[i].Max = rules[i].Max * overrides[name] / rules[i].Weight
		}
		rules[i].Weight = overrides[name]
	}
	return rules, nil
}
