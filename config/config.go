package config

import (
	"os"
	"path/filepath"
)

// DefaultFile is read when no --config names another; it may be absent.
const DefaultFile = "/etc/trustfs/trustfs.yaml"

// Config holds every setting. Field tags are the keys of the file; those that are flags too stand in the option table.
type Config struct {
	// What is admitted.
	Profile          string   `yaml:"profile"`           // strict, content or audit
	MaxScore         int      `yaml:"max-score"`         // the highest score that is admitted
	RequireSignature bool     `yaml:"require-signature"` // a model without a valid signature is refused unread
	TrustedPublisher []string `yaml:"trusted-publisher"`
	TrustKey         []string `yaml:"trust-key"`    // files with public keys
	TrustedRoot      string   `yaml:"trusted-root"` // file, Sigstore's trusted_root.json
	Policy           []string `yaml:"policy"`       // rego files
	PolicyQuery      string   `yaml:"policy-query"`
	SBOM             []string `yaml:"sbom"` // files
	RequireSBOM      bool     `yaml:"require-sbom"`
	AllowPreset      []string `yaml:"allow-preset"`
	Checksums        []string `yaml:"checksums"` // lists that may acquit
	RequireChecksums bool     `yaml:"require-checksums"`
	// KeyNames gives keys a publisher's name in reports: file (as in trust-key) to name.
	KeyNames map[string]string `yaml:"key-names"`
	Sigstore Sigstore          `yaml:"sigstore"`
	Weights  map[string]int    `yaml:"weights"` // rule to weight, in place of the rule table's
	// Context is handed to policies as it stands: environment, host labels.
	Context map[string]string `yaml:"context"`

	// How a mount serves.
	Serve      string `yaml:"serve"`
	Seal       string `yaml:"seal"`
	Prescan    string `yaml:"prescan"`
	Views      string `yaml:"views"`
	ViewsFrom  string `yaml:"views-from"`
	ViewsSpool int    `yaml:"views-spool"` // MiB below State that compressed sources of views are inflated into; 0: none
	AllowOther bool   `yaml:"allow-other"`
	Guard      bool   `yaml:"guard"`

	State     string   `yaml:"state"` // directory: pins and caches
	Quantizer string   `yaml:"quantizer"`
	Jail      Jail     `yaml:"jail"`
	Quantize  Quantize `yaml:"quantize"`

	origin map[string]string // key to where its value came from; absent: default
	file   string            // see File
	named  bool              // by --config: it must be there
}

// Jail says what the analysis of a file is held by.
type Jail struct {
	Require string `yaml:"require"` // full, or seccomp where the host has no user namespaces
	Cgroup  string `yaml:"cgroup"`  // directory, a delegated cgroup v2 in which each worker gets a leaf; empty: none
	Worker  string `yaml:"worker"`  // file, the worker binary; empty: beside trustfs, else /usr/lib/trustfs
	// Budgets of one judgement; 0 means the built-in ones. Time and memory grow with the file from there.
	Wall    int `yaml:"wall"`    // seconds on the clock
	CPU     int `yaml:"cpu"`     // seconds of processor time
	Memory  int `yaml:"memory"`  // MiB
	Workers int `yaml:"workers"` // judgements at one time
}

// Sigstore says how much evidence a bundle must bring.
type Sigstore struct {
	LogEntries   int `yaml:"log-entries"`  // entries in transparency logs
	Timestamps   int `yaml:"timestamps"`   // times that an authority or a log vouches for; at least 1
	Certificates int `yaml:"certificates"` // signed certificate timestamps
}

// Quantize says what trustfs quantize may be asked for.
type Quantize struct {
	Types   []string `yaml:"types"`   // quantisation types
	Timeout int      `yaml:"timeout"` // seconds
	SHA256  string   `yaml:"sha256"`  // of the quantizer program, hexadecimal; empty: any
}

// Default is what holds when nobody says anything.
func Default() *Config {
	return &Config{
		Profile:    "strict",
		MaxScore:   20,
		Serve:      "auto",
		Seal:       "none",
		Prescan:    "off",
		Views:      "off",
		ViewsFrom:  "clean",
		ViewsSpool: 8 << 10,
		AllowOther: os.Geteuid() == 0, // others than root cannot, unless /etc/fuse.conf lets them
		State:      defaultState(),
		Jail:       Jail{Require: "full"},
		Sigstore:   Sigstore{LogEntries: 1, Timestamps: 1, Certificates: 1},
		Quantize:   Quantize{Types: []string{"Q4_K_M", "Q5_K_M", "Q8_0"}, Timeout: 7200},
		origin:     map[string]string{},
	}
}

// defaultState is /var/lib/trustfs for root, and a folder of the user's own for others. See the XDG base directory
// specification.
func defaultState() string {
	if os.Geteuid() == 0 {
		return "/var/lib/trustfs"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "trustfs")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "trustfs")
	}
	return "/var/lib/trustfs"
}

// Origin says where the value of a key came from: "default", "FILE:LINE" or "--KEY".
func (c *Config) Origin(key string) string {
	if from, ok := c.origin[key]; ok {
		return from
	}
	return "default"
}
