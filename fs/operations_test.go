package fs

import (
	"reflect"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// what an operation may do.
type class int

const (
	gated   class = iota // gives content, or words of the gate: asks the gate
	checked              // gives content that was admitted at open, checked byte by byte
	guarded              // gives names, attributes or links, resolved below the root and compared with the node
	benign               // gives nothing of the tree
	refused              // would change something, or is not asked: always the same errno
)

// operations classifies all that the tree answers. A row is a decision; a method without a row fails the test.
var operations = map[string]class{
	"Open": gated, "GetXAttr": gated,
	"Read":   checked,
	"Lookup": guarded, "GetAttr": guarded, "Statx": guarded, "Readlink": guarded, "OpenDir": guarded, "ReadDir": guarded,
	"ListXAttr": guarded, "Lseek": guarded,
	"String": benign, "SetDebug": benign, "Init": benign, "OnUnmount": benign, "Forget": benign,
	"Release": benign, "ReleaseDir": benign, "StatFs": benign, "Flush": benign, "Fsync": benign,
	"FsyncDir": benign,
	"SetAttr":  refused, "Mknod": refused, "Mkdir": refused, "Unlink": refused, "Rmdir": refused, "Rename": refused,
	"Link": refused, "Symlink": refused, "SetXAttr": refused, "RemoveXAttr": refused, "Create": refused,
	"Tmpfile": refused, "Write": refused, "Writev": refused, "CopyFileRange": refused, "Fallocate": refused,
	"Access": refused, "GetLk": refused, "SetLk": refused, "SetLkw": refused, "Ioctl": refused, "ReadDirPlus": refused,
}

// refusals are the errnos of what is not EROFS.
var refusals = map[string]syscall.Errno{
	"Access": syscall.EACCES, "GetLk": syscall.EOPNOTSUPP, "SetLk": syscall.EOPNOTSUPP, "SetLkw": syscall.EOPNOTSUPP,
	"Ioctl": syscall.ENOTTY, "ReadDirPlus": syscall.EOPNOTSUPP,
}

func TestEveryOperationIsClassified(t *testing.T) {
	asked := reflect.TypeFor[fuse.RawFileSystem]()
	for i := range asked.NumMethod() {
		if _, ok := operations[asked.Method(i).Name]; !ok {
			t.Errorf("%s: the kernel may ask for it, and nobody has decided what the answer may be", asked.Method(i).Name)
		}
	}
	has := reflect.TypeFor[*tree]()
	for i := range has.NumMethod() {
		if _, ok := operations[has.Method(i).Name]; !ok {
			t.Errorf("%s: an exported method of the tree that is no operation", has.Method(i).Name)
		}
	}
	if has.NumMethod() != asked.NumMethod() || len(operations) != asked.NumMethod() {
		t.Errorf("tree has %d methods, the kernel asks for %d, %d are classified", has.NumMethod(), asked.NumMethod(), len(operations))
	}
}

// An embedded type would answer for whatever the tree itself does not.
func TestNothingIsEmbedded(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[tree](), reflect.TypeFor[node](), reflect.TypeFor[handle](), reflect.TypeFor[version]()} {
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Anonymous {
				t.Errorf("%s embeds %s", typ, f.Type)
			}
		}
	}
}

// What is refused is refused whatever the arguments are: with none at all, each answers its one errno.
func TestRefusedOperations(t *testing.T) {
	tr := reflect.ValueOf(&tree{})
	for name, c := range operations {
		if c != refused {
			continue
		}
		m := tr.MethodByName(name)
		args := make([]reflect.Value, m.Type().NumIn())
		for i := range args {
			args[i] = reflect.Zero(m.Type().In(i))
		}
		out := m.Call(args)
		want := syscall.EROFS
		if e, ok := refusals[name]; ok {
			want = e
		}
		if got := out[len(out)-1].Interface().(fuse.Status); got != fuse.Status(want) {
			t.Errorf("%s answers %v, want %v", name, got, want)
		}
	}
}

func TestPanicRefuses(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Status = func() []byte { panic("on purpose") } })
	r.put("a", "x")
	_, err := readFileRaw(r.in(".trustfs/status.json"))
	wantErrno(t, "open whose handler panics", err, syscall.EACCES)
	if got := r.read("a"); got != "x" {
		t.Errorf("after the panic: read %q", got)
	}
}
