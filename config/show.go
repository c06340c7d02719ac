package config

import (
	"encoding/json"
	"slices"
)

// A Row is one setting as `config show` prints it.
type Row struct {
	Key   string
	Value string // as JSON, which is YAML too
	From  string // "default", "FILE:LINE" or "--KEY"
}

// Rows lists every setting with where it came from, in the table's order.
func (c *Config) Rows() []Row {
	var rows []Row
	for _, o := range slices.Concat(options, fileOnly) {
		value, err := json.Marshal(o.value(c))
		if err != nil {
			value = []byte(err.Error())
		}
		rows = append(rows, Row{Key: o.key, Value: string(value), From: c.Origin(o.key)})
	}
	return rows
}
