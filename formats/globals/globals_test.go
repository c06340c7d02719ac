package globals

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func TestDataLoads(t *testing.T) {
	if err := loaded().err; err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(data, "presets/*.txt")
	if err != nil || len(files) != len(presetTable) {
		t.Fatalf("%d preset files for %d rows: %v", len(files), len(presetTable), err)
	}
	for _, p := range Presets() {
		if len(p.Entries) == 0 || p.About == "" {
			t.Errorf("preset %s is empty or unexplained", p.Name)
		}
		for _, e := range p.Entries {
			if canonical(e.Module) != e.Module {
				t.Errorf("%s.txt:%d: %s is Python 2's spelling of %s, and would never be found", p.Name, e.Line, e.Module, canonical(e.Module))
			}
		}
	}
	for _, e := range DangerousList() {
		if canonical(e.Module) != e.Module {
			t.Errorf("dangerous.txt:%d: %s is Python 2's spelling of %s, and would never be found", e.Line, e.Module, canonical(e.Module))
		}
	}
	if want := []string{"torch", "numpy", "python"}; !slices.Equal(Defaults(), want) {
		t.Errorf("presets on by default: %v, want %v", Defaults(), want)
	}
}

// An exact allowlist entry below a wholly dangerous module is a decision, and each such decision stands here.
func TestAllowedWithinDangerousModules(t *testing.T) {
	want := map[string]bool{
		"signal Signals":                                          true,
		"torch.jit._pickle build_intlist":                         true,
		"torch.jit._pickle build_tensorlist":                      true,
		"torch.jit._pickle build_doublelist":                      true,
		"torch.jit._pickle build_boollist":                        true,
		"torch.jit._pickle build_tensor_from_id":                  true,
		"torch.jit._pickle restore_type_tag":                      true,
		"sklearn.externals.joblib.numpy_pickle NumpyArrayWrapper": true,
		"sklearn.externals.joblib.numpy_pickle NDArrayWrapper":    true,
		"sklearn.externals.joblib.numpy_pickle ZNDArrayWrapper":   true,
		"sklearn.datasets.base Bunch":                             true,
	}
	tab := loaded()
	for k, e := range tab.allowed {
		if tab.convictsPlain(k.module, k.name) != "" && !want[k.module+" "+k.name] {
			t.Errorf("%s.txt:%d: %s %s is in a dangerous module", e.Preset, e.Line, k.module, k.name)
		}
		delete(want, k.module+" "+k.name)
	}
	for k := range want {
		t.Errorf("%s is no longer both: drop it here", k)
	}
}

func TestLookup(t *testing.T) {
	def := Defaults()
	tests := []struct {
		module, name string
		presets      []string
		status       Status
		use          Use
		preset       string
	}{
		{"collections", "OrderedDict", def, Allowed, UseCall, "python"},
		{"collections", "OrderedDict", nil, Unknown, UseNone, "python"},
		{"__builtin__", "set", def, Allowed, UseCall, "python"},
		{"builtins", "set", def, Allowed, UseCall, "python"},
		{"copy_reg", "_reconstructor", def, Allowed, UseArgs, "python"},
		{"torch._utils", "_rebuild_tensor_v2", def, Allowed, UseArgs, "torch"},
		{"torch", "FloatStorage", def, Allowed, UseValue, "torch"},
		{"torch", "_utils", def, Unknown, UseNone, ""},
		{"torch", "hub", def, Dangerous, UseNone, ""},
		{"torch", "hub.load", def, Dangerous, UseNone, ""},
		{"torch", "os.system", def, Dangerous, UseNone, ""},
		{"random", "_os.system", def, Dangerous, UseNone, ""},
		{"random", "_os", def, Dangerous, UseNone, ""},
		{"numpy", "os", def, Dangerous, UseNone, ""},
		{"numpy", "size", def, Unknown, UseNone, ""},
		{"numpy", "__builtins__", def, Dangerous, UseNone, ""},
		{"collections", "OrderedDict.__init__.__globals__", def, Dangerous, UseNone, ""},
		{"sklearn.tree._classes", "DecisionTreeClassifier", def, Unknown, UseNone, "sklearn"},
		{"sklearn.tree._classes", "DecisionTreeClassifier", []string{"sklearn"}, Allowed, UseArgs, "sklearn"},
		{"os", "system", def, Dangerous, UseNone, ""},
		{"os.path", "join", def, Dangerous, UseNone, ""},
		{"osx", "system", def, Unknown, UseNone, ""},
		{"posix", "system", def, Dangerous, UseNone, ""},
		{"__builtin__", "eval", def, Dangerous, UseNone, ""},
		{"commands", "getoutput", def, Dangerous, UseNone, ""},
		{"httplib", "HTTPSConnection", def, Dangerous, UseNone, ""},
		{"asyncio.unix_events", "_UnixSubprocessTransport._start", def, Dangerous, UseNone, ""},
		{"uuid", "UUID", def, Allowed, UseCall, "python"},
		{"uuid", "_get_command_stdout", def, Dangerous, UseNone, ""},
		{"signal", "Signals", def, Allowed, UseArgs, "python"},
		{"signal", "Signals", nil, Unknown, UseNone, "python"},
		{"signal", "signal", def, Dangerous, UseNone, ""},
		{"functools", "partial", def, Allowed, UseArgs, "python"},
		{"functools", "partial", nil, Unknown, UseNone, "python"},
		{"x.y", "Z.from_pretrained", def, Dangerous, UseNone, ""},
		{"", "system", def, Dangerous, UseNone, ""},
		{".os", "system", def, Dangerous, UseNone, ""},
		{"my.module", "Net", def, Unknown, UseNone, ""},
		{"my.module", "", def, Unknown, UseNone, ""},
		{"my.module", "test.code", def, Unknown, UseNone, ""},
		{"my.module", strings.Repeat("a", 5000), def, Dangerous, UseNone, ""},
		{"my.module", strings.Repeat("a.", 100), def, Dangerous, UseNone, ""},
	}
	for _, tc := range tests {
		v := Lookup(tc.module, tc.name, tc.presets)
		if v.Status != tc.status || v.Use != tc.use || v.Preset != tc.preset {
			t.Errorf("Lookup(%q, %q, %v) = %+v, want status %d, use %v, preset %q",
				tc.module, tc.name, tc.presets, v, tc.status, tc.use, tc.preset)
		}
		if v.Reason == "" {
			t.Errorf("Lookup(%q, %q): no reason", tc.module, tc.name)
		}
	}
}

// What published bypasses of pickle scanners named, each an advisory or a talk; none may ever be less than dangerous.
func TestPublishedGadgets(t *testing.T) {
	for _, g := range strings.Fields(publishedGadgets) {
		module, name, _ := strings.Cut(g, ":")
		if v := Lookup(module, name, Defaults()); v.Status != Dangerous {
			t.Errorf("%s: %+v", g, v)
		}
	}
}

const publishedGadgets = `
nt:system posix:system os:system subprocess:Popen subprocess:check_output builtins:eval builtins:exec builtins:compile
builtins:__import__ builtins:open builtins:breakpoint __builtin__:apply __builtin__:execfile pty:spawn runpy:_run_code
runpy:run_module webbrowser:open socket:create_connection shutil:rmtree sys:exit pkgutil:resolve_name
importlib:import_module pydoc:locate pydoc:pipepager operator:attrgetter _operator:methodcaller operator:itemgetter
functools:reduce builtins:map types:CodeType types:FunctionType cloudpickle.cloudpickle:_make_function
cloudpickle.cloudpickle:subimport dill._dill:_create_function dill._dill:_import_module dill:loads marshal:loads
timeit:timeit trace:Trace.run trace:Trace.runctx profile:run profile:Profile.run profile:Profile.runctx cProfile:run
cProfile:runctx bdb:Bdb bdb:Bdb.run pdb:Pdb doctest:debug_script code:InteractiveInterpreter.runcode
idlelib.autocomplete:AutoComplete.get_entity idlelib.calltip:get_entity idlelib.debugobj:ObjectTreeItem.SetText
idlelib.pyshell:ModifiedInterpreter.runcode idlelib.run:Executive.runcode lib2to3.pgen2.grammar:Grammar.loads
lib2to3.pgen2.pgen:ParserGenerator.make_label ensurepip:_run_pip pip:main pip._internal:main venv:create
asyncio.unix_events:_UnixSubprocessTransport._start uuid:_get_command_stdout imaplib:IMAP4_stream
_osx_support:_read_output _aix_support:_read_cmd_output _pyrepl.pager:pipe_pager
test.support.script_helper:assert_python_ok ctypes:CDLL multiprocessing.util:spawnv_passfds commands:getoutput
distutils.file_util:write_file _io:FileIO urllib.request:urlopen logging:FileHandler ssl:get_server_certificate
http.client:HTTPSConnection httplib:HTTPSConnection aiohttp.client:ClientSession requests.api:get linecache:getlines
pandas.io.parsers.readers:read_csv pandas:read_pickle numpy.testing._private.utils:runstring
numpy.f2py.crackfortran:getlincoef numpy.f2py.crackfortran:_eval_length numpy:load numpy.ctypeslib:load_library
torch.utils.collect_env:run torch.utils.collect_env:run_and_read_all torch.utils.bottleneck.__main__:run_cprofile
torch.utils.bottleneck.__main__:run_autograd_prof torch._dynamo.guards:GuardBuilder.get
torch._inductor.codecache:compile_file torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression
torch.jit.unsupported_tensor_ops:execWrapper torch.hub:load torch.distributed.rpc:RemoteModule
torch.jit.annotations:parse_type_line torch.serialization:load torch:load torch.utils._config_module:ConfigModule.load_config
torch.utils.data.datapipes.utils.decoder:basichandlers mlflow.projects.backend.local:_run_entry_point joblib:load
sympy:sympify keras.models:load_model transformers:AutoModel.from_pretrained pickle:loads _pickle:loads cPickle:loads
fickling:load picklescan.scanner:scan modelscan.cli:main modelaudit:scan numpy:memmap builtins:filter
scipy.stats._distn_infrastructure:rv_continuous tensorflow:py_function keras.layers:Lambda numexpr:evaluate
antigravity:x atexit:register weakref:finalize omegaconf.omegaconf:OmegaConf.save logging:FileHandler.emit
pathlib:PosixPath.replace pathlib._local:Path.unlink pathlib:WindowsPath.write_bytes posixpath:expandvars ntpath:realpath
numpy.rec:fromfile numpy.lib.format:read_array numpy:ndarray.tofile numpy:ndarray.dump tokenize:open _sqlite3:connect
inspect:get_annotations inspect:signature enum:EnumMeta abc:ABCMeta uuid:_arp_getnode mailcap:findmatch pipes:Template.open
syslog:syslog test.support.script_helper:run_test_script weakref:ref heapq:nsmallest zoneinfo:reset_tzpath gettext:c2py
traitlets:import_item pydantic.utils:import_string transformers.utils.import_utils:_LazyModule._get_module
torch.nn.modules.module:register_module_forward_hook torch.func:vmap torch.futures:Future.then
torch.distributed.distributed_c10d:init_process_group pyarrow:PyExtensionType pyarrow.lib:foreign_buffer pyarrow.fs:LocalFileSystem`
