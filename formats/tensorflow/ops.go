package tensorflow

import "strings"

// fileOps are operators that run Python, or read, write or reach something by a name that the graph gives. A graph that
// only computes has none of them. Names are those of TensorFlow's op registry; V2 and later forms are listed as they are.
var fileOps = func() map[string]string {
	ops := map[string]string{}
	for what, names := range map[string]string{
		"runs Python":           "PyFunc PyFuncStateless EagerPyFunc",
		"reads files":           "ReadFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2 LMDBReader TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 MatchingFilesDataset ExperimentalMatchingFilesDataset LoadDataset LMDBDataset ExperimentalLMDBDataset CSVDataset CSVDatasetV2 ExperimentalCSVDataset LoadAndRemapMatrix GenerateVocabRemapping",
		"writes files":          "WriteFile SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 DatasetToTFRecord ExperimentalDatasetToTFRecord CreateSummaryFileWriter CreateSummaryDbWriter",
		"opens a database":      "SqlDataset ExperimentalSqlDataset",
		"reaches the network":   "RpcCall RpcClient RpcServer RpcServerStart DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2",
		"sends tensors to URLs": "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary DebugNumericSummaryV2",
		"configures files":      "FileSystemSetConfiguration",
	} {
		for _, name := range strings.Fields(names) {
			ops[name] = what
		}
	}
	return ops
}()

// checkpointOps read or write checkpoints. Every saved model has them; their file names come from the program at run
// time, not from the graph.
var checkpointOps = set("Save SaveV2 SaveSlices Restore RestoreV2 RestoreSlice MergeV2Checkpoints")

// nameOps are the operators through which a file name is followed back to a constant.
var nameOps = set("Const Identity StringJoin ShardedFilename ShardedFilespec Pack ConcatV2 Select SelectV2 PlaceholderWithDefault Reshape ExpandDims")

// engineOps carry a compiled engine or program that is not a graph.
var engineOps = set("TRTEngineOp _NeuronMain _DeepRecMain")

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// leavesFolder says whether a constant file name is absolute, an address or a way up.
func leavesFolder(name string) bool {
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") || strings.Contains(name, "..") ||
		strings.Contains(name, "://") || strings.Contains(name, `\`) || len(name) > 1 && name[1] == ':'
}
