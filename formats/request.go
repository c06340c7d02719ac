package formats

// TaskInspect is the worker's task that inspects one file. Its request is a Request, its answer a Result.
const TaskInspect = "inspect"

// A Request is what the worker is told about the file beside its bytes. Its JSON goes through the pipe to the worker.
type Request struct {
	Names   [][]byte `json:"names"` // base names under which loaders meet the file: any bytes, so base64 in JSON
	Presets []string `json:"presets"`
	Budget  Budget   `json:"budget"` // the zero value means DefaultBudget
}
