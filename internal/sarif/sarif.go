// Package sarif writes reports as a SARIF 2.1.0 log (OASIS Standard, March 2020), which code hosts show beside files.
package sarif

import (
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"trustfs/gatekeeper"
)

const schema = "https://json.schemastore.org/sarif-2.1.0.json"

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool    tool     `json:"tool"`
	Results []result `json:"results"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Rules   []rule `json:"rules"`
}

type rule struct {
	ID               string `json:"id"`
	ShortDescription text   `json:"shortDescription"`
}

type result struct {
	RuleID     string            `json:"ruleId"`
	Level      string            `json:"level"` // error, warning, note
	Message    text              `json:"message"`
	Locations  []location        `json:"locations"`
	Properties map[string]string `json:"properties,omitempty"`
}

type text struct {
	Text string `json:"text"`
}

type location struct {
	Physical physical `json:"physicalLocation"`
}

type physical struct {
	Artifact artifact `json:"artifactLocation"`
}

type artifact struct {
	URI string `json:"uri"`
}

// refused is the rule of results about files that were refused without a finding (a worker died, a link leads out).
const refused = "refused"

// Write writes one log with a result for each finding, and one for each refused file that has none. Findings of refused
// files are errors, those of admitted ones notes.
func Write(w io.Writer, version string, rules []gatekeeper.Rule, reports []*gatekeeper.Report) error {
	r := run{Tool: tool{driver{Name: "trustfs", Version: version}}, Results: []result{}}
	for _, x := range rules {
		r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, rule{x.Name, text{x.Doc}})
	}
	r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, rule{refused, text{"the file is refused"}})
	for _, report := range reports {
		r.Results = append(r.Results, results(report)...)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(log{schema, "2.1.0", []run{r}})
}

func results(r *gatekeeper.Report) []result {
	level := "note"
	if r.Verdict != gatekeeper.Allow {
		level = "error"
	}
	at := []location{{physical{artifact{uri(r.Path)}}}}
	var out []result
	for _, f := range r.Findings {
		x := result{RuleID: f.Rule, Level: level, Message: text{message(f)}, Locations: at}
		if r.SHA256 != "" {
			x.Properties = map[string]string{"sha256": r.SHA256}
		}
		out = append(out, x)
	}
	if len(out) == 0 && r.Verdict != gatekeeper.Allow {
		out = append(out, result{RuleID: refused, Level: level, Message: text{strings.Join(r.Reasons, "; ")}, Locations: at})
	}
	return out
}

func message(f gatekeeper.Finding) string {
	m := f.Rule
	if f.Detail != "" {
		m += ": " + f.Detail
	}
	if f.Where != "" {
		m += " (" + f.Where + ")"
	}
	return m
}

// uri gives a relative reference as RFC 3986 wants it; names of any bytes come out percent-encoded.
func uri(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
