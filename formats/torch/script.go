package torch

import (
	"bufio"
	"io"
	"strings"

	"trustfs/formats"
)

// A scriptScanner reads TorchScript source and gives its dotted names: an operator is always written in full
// (torch.NAME for aten, ops.NAMESPACE.NAME for others, __torch__.torch.classes.NAMESPACE.NAME for classes).
//
// It skips neither strings nor comments: telling where they end means parsing as torch does, and a difference there would
// hide code. The serializer writes no comments, and strings that spell an operator out are rare.
type scriptScanner struct {
	r    *bufio.Reader
	off  int64
	last byte // the last byte before the name that is no blank
}

// fileOperators are operators of torch itself that read or write files, talk to other hosts or unpickle.
// torch/csrc/jit/runtime/register_special_ops.cpp, aten/src/ATen/native/native_functions.yaml.
var fileOperators = map[string]string{
	"save": "writes a file", "from_file": "maps a file", "_pickle_save": "pickles", "_pickle_load_obj": "unpickles",
	"_load_for_lite_interpreter": "reads a file", "rpc_async": "calls another host", "rpc_sync": "calls another host", "rpc_remote": "calls another host",
}

// ownNamespaces are the operators and classes that come with torch and stay inside the process. Everything else needs a
// library that the loading program has loaded.
var ownNamespaces = map[string]bool{
	"aten": true, "prim": true, "quantized": true, "quantized_decomposed": true, "prepacked": true, "xnnpack": true, "mkldnn": true,
	"mkldnn_prepacked": true, "onednn": true, "sparse": true, "_quantized": true, "vulkan_prepack": true, "vulkan": true, "metal": true,
	"metal_prepack": true, "static_runtime": true, "profiler": true, "torchvision": true, "nn": true, "rnn": true,
}

// fileNamespaces are libraries' operators that read or write files.
var fileNamespaces = map[string]string{
	"image": "torchvision's image files", "video_reader": "torchvision's video files", "torchaudio": "torchaudio's files",
	"c10d": "other hosts", "rpc": "other hosts", "_caffe2": "Caffe2's operators", "caffe2": "Caffe2's operators",
}

// scanScript reports what the source in s does. text is false if it is no text: then it is for other inspectors too.
func scanScript(c *formats.Context, s *formats.Source) (text bool) {
	sc := &scriptScanner{r: bufio.NewReaderSize(io.NewSectionReader(s.R, 0, s.Size), 64<<10)}
	for {
		name, off, err := sc.name()
		if err != nil {
			return err == io.EOF
		}
		if (name == "torch" || name == "ops") && strings.IndexByte("=(,[{:", sc.last) >= 0 {
			c.Addf(formats.RuleTorchScriptCode, s.At(off), "TorchScript hands the module %s around, so that its operators are called by other names", name)
		}
		judgeOperator(c, s.At(off), name)
	}
}

// judgeOperator says what one dotted name means.
func judgeOperator(c *formats.Context, where, name string) {
	parts := strings.Split(name, ".")
	switch {
	case len(parts) == 2 && parts[0] == "torch" || len(parts) == 3 && parts[0] == "ops" && (parts[1] == "aten" || parts[1] == "prim"):
		if does, ok := fileOperators[parts[len(parts)-1]]; ok {
			c.Addf(formats.RuleTorchScriptCode, where, "TorchScript calls %s, which %s", name, does)
		}
	case len(parts) >= 3 && parts[0] == "ops":
		judgeNamespace(c, where, name, parts[1])
	case strings.HasPrefix(name, "__torch__.torch.classes.") && len(parts) >= 4:
		judgeNamespace(c, where, name, parts[3])
	}
}

func judgeNamespace(c *formats.Context, where, name, namespace string) {
	if does, ok := fileNamespaces[namespace]; ok {
		c.Addf(formats.RuleTorchScriptCode, where, "TorchScript uses %s, which reaches %s", name, does)
	} else if !ownNamespaces[namespace] {
		c.Addf(formats.RuleCustomOps, where, "TorchScript uses %s of a library that is not torch's", name)
	}
}

// maxName is the longest dotted name that is kept; torch's own are far shorter, and mangled class names cut here have
// shown their namespace by then.
const maxName = 1024

// name gives the next dotted name and where it begins. The error is io.EOF at the end of the text, another for bytes that
// are no text.
func (sc *scriptScanner) name() (string, int64, error) {
	sc.last = '\n'
	for {
		b, err := sc.byte()
		switch {
		case err != nil:
			return "", 0, err
		case b == 0:
			return "", 0, io.ErrNoProgress // a NUL: not source
		case identifier(b):
			start := sc.off - 1
			return sc.rest(b), start, nil
		case !blank(b):
			sc.last = b
		}
	}
}

// rest reads a dotted name on from its first byte. Blanks, continued lines and comments may stand around the dots.
func (sc *scriptScanner) rest(first byte) string {
	name := []byte{first}
	for {
		b, err := sc.byte()
		switch {
		case err != nil:
			return string(name)
		case identifier(b):
			if len(name) < maxName {
				name = append(name, b)
			}
			continue
		}
		sc.unread()
		if !sc.dot() {
			return string(name)
		}
		if len(name) < maxName {
			name = append(name, '.')
		}
		sc.blanks()
	}
}

// dot takes a dot and the blanks before it; if none follows, only the blanks.
func (sc *scriptScanner) dot() bool {
	sc.blanks()
	b, err := sc.byte()
	if err != nil {
		return false
	}
	if b != '.' {
		sc.unread()
	}
	return b == '.'
}

func (sc *scriptScanner) blanks() {
	for {
		b, err := sc.byte()
		if err != nil {
			return
		}
		if b == '#' {
			for err == nil && b != '\n' {
				b, err = sc.byte()
			}
		} else if !blank(b) && b != '\\' {
			sc.unread()
			return
		}
	}
}

func (sc *scriptScanner) unread() {
	if sc.r.UnreadByte() == nil {
		sc.off--
	}
}

func blank(b byte) bool {
	return b == ' ' || b == '\t' || b == '\r' || b == '\n' || b == '\f' || b == '\v'
}

func (sc *scriptScanner) byte() (byte, error) {
	b, err := sc.r.ReadByte()
	if err == nil {
		sc.off++
	}
	return b, err
}

func identifier(b byte) bool {
	return b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b >= 0x80
}
