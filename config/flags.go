package config

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/pflag"
)

// Flags are the settings that a command line may make.
type Flags struct {
	set    *pflag.FlagSet
	values *Config
	file   string
}

// Bind adds to a command the flags of the given sets, and --config.
func Bind(set *pflag.FlagSet, sets Set) *Flags {
	f := &Flags{set: set, values: Default()}
	set.StringVar(&f.file, "config", "", "read the configuration from `FILE` (default "+DefaultFile+", if there)")
	for _, o := range options {
		if o.sets&sets == 0 {
			continue
		}
		switch p := o.value(f.values).(type) {
		case *string:
			set.StringVar(p, o.key, *p, o.usage)
		case *int:
			set.IntVar(p, o.key, *p, o.usage)
		case *bool:
			set.BoolVar(p, o.key, *p, o.usage)
		case *[]string:
			set.StringArrayVar(p, o.key, *p, o.usage)
		default:
			panic("config: option " + o.key + " has a type that no flag has")
		}
	}
	return f
}

// Load reads the configuration file and lays the flags over it. The command line must be parsed already.
func (f *Flags) Load() (*Config, error) {
	c, err := f.loadFile()
	if err != nil {
		return nil, err
	}
	if err := c.remember(f.file); err != nil {
		return nil, err
	}
	for _, o := range options {
		if flag := f.set.Lookup(o.key); flag == nil || !flag.Changed {
			continue
		}
		assign(o.value(c), o.value(f.values))
		c.origin[o.key] = "--" + o.key
	}
	if err := c.absolute("", "--"); err != nil {
		return nil, err
	}
	return c, c.validate()
}

func (f *Flags) loadFile() (*Config, error) {
	if f.file != "" {
		return LoadFile(f.file)
	}
	c, err := LoadFile(DefaultFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	return c, err
}

// assign copies the value behind one option pointer to that of another Config.
func assign(dst, src any) {
	switch d := dst.(type) {
	case *string:
		*d = *src.(*string)
	case *int:
		*d = *src.(*int)
	case *bool:
		*d = *src.(*bool)
	case *[]string:
		*d = append([]string(nil), *src.(*[]string)...)
	default:
		panic(fmt.Sprintf("config: no assignment for %T", dst))
	}
}
