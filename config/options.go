package config

// A Set is a group of commands that share flags.
type Set uint

// The groups. A command binds one or several.
const (
	Judging    Set = 1 << iota // mount, audit, explain, verify, pin, convert, quantize: what a verdict depends on
	Mounting                   // mount
	Quantizing                 // quantize
)

// An option is a setting that is both a key of the file and a flag.
type option struct {
	key     string
	sets    Set
	usage   string
	value   func(*Config) any // *string, *int, *bool or *[]string
	choices []string          // what a string may be; nil: anything
	path    bool              // names files or directories: made absolute
}

// options is the table. Its order is the order of `config show`.
var options = []option{
	{key: "profile", sets: Judging, usage: "what a verdict rests on: `strict|content|audit`",
		value: func(c *Config) any { return &c.Profile }, choices: []string{"strict", "content", "audit"}},
	{key: "max-score", sets: Judging, usage: "admit files with a score of at most `N`",
		value: func(c *Config) any { return &c.MaxScore }},
	{key: "require-signature", sets: Judging, usage: "refuse models without a valid signature",
		value: func(c *Config) any { return &c.RequireSignature }},
	{key: "trusted-publisher", sets: Judging, usage: "trust signatures of this `identity` or @domain (repeat for more)",
		value: func(c *Config) any { return &c.TrustedPublisher }},
	{key: "trust-key", sets: Judging, usage: "trust signatures by the public key in `FILE` (repeat for more)",
		value: func(c *Config) any { return &c.TrustKey }, path: true},
	{key: "trusted-root", sets: Judging, usage: "Sigstore's trusted_root.json in `FILE`",
		value: func(c *Config) any { return &c.TrustedRoot }, path: true},
	{key: "policy", sets: Judging, usage: "ask the policy in `FILE` (repeat for more)",
		value: func(c *Config) any { return &c.Policy }, path: true},
	{key: "policy-query", sets: Judging, usage: "the policy's package, as in `data.mine`",
		value: func(c *Config) any { return &c.PolicyQuery }},
	{key: "sbom", sets: Judging, usage: "an SBOM in `FILE` (repeat for more)",
		value: func(c *Config) any { return &c.SBOM }, path: true},
	{key: "require-sbom", sets: Judging, usage: "count a missing SBOM against a model",
		value: func(c *Config) any { return &c.RequireSBOM }},
	{key: "allow-preset", sets: Judging, usage: "allow the globals of preset `NAME` too, see rules --presets (repeat for more)",
		value: func(c *Config) any { return &c.AllowPreset }},
	{key: "checksums", sets: Judging, usage: "a list in `FILE` that may vouch for files (repeat for more)",
		value: func(c *Config) any { return &c.Checksums }, path: true},
	{key: "require-checksums", sets: Judging, usage: "refuse models that no such list names",
		value: func(c *Config) any { return &c.RequireChecksums }},
	{key: "state", sets: Judging, usage: "keep pins and caches in `DIR`",
		value: func(c *Config) any { return &c.State }, path: true},
	{key: "serve", sets: Mounting, usage: "how admitted bytes are served: `auto|verified|passthrough`",
		value: func(c *Config) any { return &c.Serve }, choices: []string{"auto", "verified", "passthrough"}},
	{key: "seal", sets: Mounting, usage: "protect admitted files from writers: `none|immutable`",
		value: func(c *Config) any { return &c.Seal }, choices: []string{"none", "immutable"}},
	{key: "prescan", sets: Mounting, usage: "judge files before they are opened: `off|new|all`",
		value: func(c *Config) any { return &c.Prescan }, choices: []string{"off", "new", "all"}},
	{key: "views", sets: Mounting, usage: "show pickles as safetensors: `off|beside|only`",
		value: func(c *Config) any { return &c.Views }, choices: []string{"off", "beside", "only"}},
	{key: "views-from", sets: Mounting, usage: "which pickles have views: `clean|disarm`",
		value: func(c *Config) any { return &c.ViewsFrom }, choices: []string{"clean", "disarm"}},
	{key: "views-spool", sets: Mounting, usage: "inflate compressed sources of views into at most `MiB` of the state directory; 0: they have none",
		value: func(c *Config) any { return &c.ViewsSpool }},
	{key: "allow-other", sets: Mounting, usage: "let other users in (file permissions still hold)",
		value: func(c *Config) any { return &c.AllowOther }},
	{key: "guard", sets: Mounting, usage: "leave an unreadable directory in the mount's place when it stops",
		value: func(c *Config) any { return &c.Guard }},
	{key: "quantizer", sets: Quantizing, usage: "the quantizer program, `FILE`",
		value: func(c *Config) any { return &c.Quantizer }, path: true},
}

// fileOnly are the keys that no flag sets.
var fileOnly = []option{
	{key: "jail.require", value: func(c *Config) any { return &c.Jail.Require }, choices: []string{"full", "seccomp"}},
	{key: "jail.cgroup", value: func(c *Config) any { return &c.Jail.Cgroup }, path: true},
	{key: "jail.worker", value: func(c *Config) any { return &c.Jail.Worker }, path: true},
	{key: "jail.wall", value: func(c *Config) any { return &c.Jail.Wall }},
	{key: "jail.cpu", value: func(c *Config) any { return &c.Jail.CPU }},
	{key: "jail.memory", value: func(c *Config) any { return &c.Jail.Memory }},
	{key: "jail.workers", value: func(c *Config) any { return &c.Jail.Workers }},
	{key: "key-names", value: func(c *Config) any { return &c.KeyNames }},
	{key: "sigstore.log-entries", value: func(c *Config) any { return &c.Sigstore.LogEntries }},
	{key: "sigstore.timestamps", value: func(c *Config) any { return &c.Sigstore.Timestamps }},
	{key: "sigstore.certificates", value: func(c *Config) any { return &c.Sigstore.Certificates }},
	{key: "quantize.types", value: func(c *Config) any { return &c.Quantize.Types }},
	{key: "quantize.timeout", value: func(c *Config) any { return &c.Quantize.Timeout }},
	{key: "quantize.sha256", value: func(c *Config) any { return &c.Quantize.SHA256 }},
	{key: "weights", value: func(c *Config) any { return &c.Weights }},
	{key: "context", value: func(c *Config) any { return &c.Context }},
}
