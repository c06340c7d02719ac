package keras

import (
	"errors"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/cursor"
	"trustfs/formats/internal/hdf5"
)

// H5 inspects HDF5 files: Keras models and weights, and others, whose links out of the file count all the same.
type H5 struct{}

// Name implements formats.Inspector.
func (H5) Name() string { return formats.FormatHDF5 }

// Detect implements formats.Inspector.
func (H5) Detect(_ *formats.Context, s *formats.Source) bool { return hdf5.Find(s.R, s.Size) >= 0 }

// Inspect implements formats.Inspector.
func (H5) Inspect(c *formats.Context, s *formats.Source) {
	v := &visitor{c: c, s: s}
	err := hdf5.Walk(s.R, s.Size, hdf5.Find(s.R, s.Size), hdf5.Visitor{
		Attribute: v.attribute, External: v.external, Filter: v.filter, Unknown: v.unknown,
	})
	var e *cursor.Error
	if err != nil && !(errors.As(err, &e) && e.Err != nil) { // failed reads are reported by the door
		c.Addf(formats.RuleFormatMalformed, s.Where, "HDF5: %v", err)
	}
	if v.keras {
		c.SetFormat(s, formats.FormatKerasH5)
	}
}

type visitor struct {
	c     *formats.Context
	s     *formats.Source
	keras bool
}

// key renders the place of an attribute.
func (v *visitor) key(object, name string) string { return v.s.Key("/" + object + "@" + name) }

// configAttributes hold JSON from which Keras builds objects.
var configAttributes = map[string]bool{"model_config": true, "training_config": true}

// attribute inspects configurations, under their usual names and under any other that reads like one.
func (v *visitor) attribute(object, name, value string, isText bool) {
	isConfig := configAttributes[name]
	v.keras = v.keras || isConfig || name == "keras_version" || name == "layer_names"
	switch {
	case isConfig && !isText:
		v.c.Addf(formats.RuleFormatMalformed, v.key(object, name), "the configuration is no string: it is not inspected")
	case isConfig, isText && strings.HasPrefix(strings.TrimLeft(value, " \t\r\n"), "{") && strings.Contains(value, `"class_name"`):
		InspectConfig(v.c, v.key(object, name), strings.NewReader(value))
	}
}

// external convicts what a reader would take from another file: CVE-2026-1669.
func (v *visitor) external(object, kind, target string) {
	v.c.Addf(formats.RuleGraphFileAccess, v.s.Key("/"+object), "external %s: a reader opens another file %.200s", kind, target)
}

// builtinFilters are compiled into HDF5 or h5py; any other is a shared library that HDF5 loads by number.
var builtinFilters = map[uint16]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 32000: true}

func (v *visitor) filter(object string, id uint16) {
	if !builtinFilters[id] {
		v.c.Addf(formats.RuleCustomOps, v.s.Key("/"+object), "filter %d is a library that HDF5 would load", id)
	}
}

// unknown says what could not be read: what is not inspected is not admitted silently.
func (v *visitor) unknown(object, what string) {
	v.c.Addf(formats.RuleFormatMalformed, v.s.Key("/"+object), "%s: it is not inspected", what)
}
