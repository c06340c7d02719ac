package policy

// An Input is the document that a policy sees as "input". Every key is always there, null where a thing is not known, so
// that a comparison with it is never silently undefined; a policy that names another key does not compile.
type Input struct {
	Report     Report     `json:"report"`
	Provenance Provenance `json:"provenance"`
	SBOM       SBOM       `json:"sbom"`
	File       File       `json:"file"`
	Context    Context    `json:"context"`
	Opener     Opener     `json:"opener"`
}

// A Report is what the judgement found before the policy was asked.
type Report struct {
	Format    string         `json:"format"`
	Formats   []string       `json:"formats"` // all that some loader would accept, when more than one
	Class     string         `json:"class"`   // model, code, document, opaque
	Score     int            `json:"score"`
	Level     string         `json:"level"` // SAFE, LOW, MEDIUM, HIGH, CRITICAL
	Breakdown map[string]int `json:"breakdown"`
	Findings  []Finding      `json:"findings"`
	Facts     Facts          `json:"facts"`
}

// A Finding is one fact that counts against the file.
type Finding struct {
	Rule   string `json:"rule"`
	Score  int    `json:"score"`
	Fatal  bool   `json:"fatal"`
	Where  string `json:"where"`
	Detail string `json:"detail"`
	Preset string `json:"preset"`
}

// Facts are what the format's inspector saw, findings or not.
type Facts struct {
	Globals    []string          `json:"globals"`
	Calls      []string          `json:"calls"`
	Tensors    int64             `json:"tensors"`
	Parameters int64             `json:"parameters"`
	Dtypes     []string          `json:"dtypes"`
	ViewOf     string            `json:"view_of"`
	Extra      map[string]string `json:"extra"`
}

// Provenance is who vouches for the file.
type Provenance struct {
	Pinned          bool      `json:"pinned"`
	Accepts         []string  `json:"accepts"` // rules that the pin accepts
	Checksum        string    `json:"checksum"`
	ChecksumTrusted bool      `json:"checksum_trusted"`
	ChecksumList    *string   `json:"checksum_list"`
	Signature       Signature `json:"signature"`
}

// A Signature is the state of the file's signature; see provenance.Signature.
type Signature struct {
	Status   string  `json:"status"`
	Kind     *string `json:"kind"`
	Identity *string `json:"identity"`
	Issuer   *string `json:"issuer"`
}

// SBOM is what a bill of materials says of the file.
type SBOM struct {
	Status   string  `json:"status"` // none, match, unrelated, malformed
	File     *string `json:"file"`
	Trusted  bool    `json:"trusted"`  // the configuration names it; else it is the supplier's own word
	Document any     `json:"document"` // null unless the SBOM names the file's digest
}

// File is the file itself.
type File struct {
	Path   string   `json:"path"`  // below the tree's root
	Links  []string `json:"links"` // other names in the tree that lead to it
	SHA256 string   `json:"sha256"`
	Size   int64    `json:"size"` // bytes
	UID    *uint32  `json:"uid"`
	GID    *uint32  `json:"gid"`
	Mode   *string  `json:"mode"` // permissions in octal, "0644"
}

// Context is what the configuration says about this place.
type Context struct {
	Environment *string           `json:"environment"`
	Host        *string           `json:"host"`
	Labels      map[string]string `json:"labels"`
}

// Opener is who opens the file. FUSE names a thread: uid and gid are boundaries, the executable is a hint.
type Opener struct {
	UID        *uint32   `json:"uid"`
	GID        *uint32   `json:"gid"`
	Groups     *[]uint32 `json:"groups"`
	PID        *uint32   `json:"pid"`
	Executable *string   `json:"executable"`
	Cgroup     *string   `json:"cgroup"`
}

// openerFields are the keys of input.opener, in the order of the struct.
var openerFields = []string{"uid", "gid", "groups", "pid", "executable", "cgroup"}

// value gives a field by its key, nil when it is not known.
func (o *Opener) value(field string) any {
	switch {
	case field == "uid" && o.UID != nil:
		return *o.UID
	case field == "gid" && o.GID != nil:
		return *o.GID
	case field == "groups" && o.Groups != nil:
		return *o.Groups
	case field == "pid" && o.PID != nil:
		return *o.PID
	case field == "executable" && o.Executable != nil:
		return *o.Executable
	case field == "cgroup" && o.Cgroup != nil:
		return *o.Cgroup
	}
	return nil
}
