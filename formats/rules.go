package formats

// Names of the rules that inspectors can find. Weights, fatality and references stand in gatekeeper's rule table; a test
// there fails when a name here has no row.
const (
	RuleGlobalDangerous  = "global_dangerous"  // a name on the dangerous list is resolved
	RuleGlobalDynamic    = "global_dynamic"    // a name that exists only at run time is resolved
	RuleGlobalMutated    = "global_mutated"    // BUILD, SETITEM, APPEND... on the result of a GLOBAL
	RuleGlobalUnknown    = "global_unknown"    // a name on no list is resolved
	RuleReduce           = "reduce"            // a call of something not allowed (REDUCE, OBJ, NEWOBJ, NEWOBJ_EX, BUILD)
	RuleInst             = "inst"              // the INST opcode
	RulePickleExtension  = "pickle_extension"  // EXT1/2/4: the registry is process state
	RulePersistentID     = "persistent_id"     // a persistent id that is not a torch storage
	RulePickleMalformed  = "pickle_malformed"  // a stream that breaks
	RulePickleCarried    = "pickle_carried"    // a dangerous pickle kept as data, which loading does not run
	RulePickleTrailing   = "pickle_trailing"   // bytes after STOP that no known loader explains
	RuleLimitExceeded    = "limit_exceeded"    // a budget (bytes inflated, ratio, depth, opcodes, ...) is used up
	RuleArchiveMalformed = "archive_malformed" // a container that some readers cannot read
	RuleArchiveAmbiguous = "archive_ambiguous" // two readers would see two archives
	RuleArchiveTraversal = "archive_traversal" // a member that leaves the folder it is extracted to
	RuleArchiveEncrypted = "archive_encrypted" // a member that cannot be inspected
	RuleNativeCode       = "native_code"       // ELF, PE, Mach-O or the like inside a model
	RuleTorchScriptCode  = "torchscript_code"  // TorchScript code with file or native-code operators
	RulePythonSource     = "python_source"     // Python sources that a loader of the format imports (torch.package)
	RuleFormatMalformed  = "format_malformed"  // a recognised format that breaks its specification
	RuleFormatUnknown    = "format_unknown"    // a model's extension, bytes of no known format
	RulePolyglot         = "polyglot"          // two unrelated formats in one file
	RuleSafetensorsCode  = "safetensors_code_in_metadata"
	RuleHeaderOversized  = "header_oversized"
	RuleDtypeUnsafe      = "dtype_unsafe"
	RuleTemplate         = "template_injection"
	RuleRemoteCode       = "remote_code"           // a document that makes its loader run or fetch code
	RuleRemoteReference  = "remote_code_reference" // a document that names classes of its own folder's Python, run only by consent
	RuleInspectorFailed  = "inspector_failed"      // an inspector crashed or could not read: what it would have said is unknown
	RuleKerasLambda      = "keras_lambda"
	RuleCustomOps        = "custom_ops"
	RuleGraphFileAccess  = "graph_file_access" // a graph operator that reads or writes files or runs Python
	RuleExternalData     = "onnx_suspicious_external_data"
	RuleONNXNested       = "onnx_nested_graph"
	RuleONNXCode         = "onnx_code_in_metadata"

	// What provenance adds: emitted outside the inspectors, weighed in the same table.
	RuleChecksumMismatch       = "checksum_mismatch"       // a checksum list, or the file's own name, names another digest
	RuleUnknownChecksum        = "unknown_checksum"        // a trusted list is required and lacks the file
	RuleSignatureInvalid       = "signature_invalid"       // a signature that names a trusted signer does not fit the bytes
	RuleUnsignedModel          = "unsigned_model"          // nothing trusted vouches for the file
	RuleUnknownPublisher       = "unknown_publisher"       // a good signature by somebody who is not trusted
	RuleProvenanceUnverifiable = "provenance_unverifiable" // evidence that cannot be read or checked
	RuleSBOMMissing            = "sbom_missing"            // an SBOM is required and none names the file's digest
	RuleSBOMPolicyDenial       = "sbom_policy_denial"      // the policy denies the file
)
