package text

import (
	"strings"

	"trustfs/formats"
)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

var (
	// stdlib are modules of Python's standard library that run, import, fetch, read or write; a configuration has no
	// reason to call them. The library's plain data types (collections, datetime, ...) are not here.
	stdlib = words("os posix nt posixpath sys subprocess builtins __builtin__ __main__ importlib imp runpy pkgutil pydoc code codeop " +
		"pty commands popen2 platform shutil socket socketserver ssl ctypes _ctypes cffi marshal pickle _pickle cPickle shelve dbm " +
		"types operator _operator functools asyncio multiprocessing concurrent threading _thread signal webbrowser http urllib " +
		"urllib2 httplib ftplib smtplib imaplib poplib telnetlib nntplib xmlrpc tempfile glob fileinput linecache io _io pathlib " +
		"logging timeit trace profile cProfile pdb bdb doctest idlelib lib2to3 test unittest venv ensurepip pip setuptools " +
		"distutils zipfile tarfile zipimport zipapp gzip bz2 lzma sqlite3 ast inspect gc atexit site sched cmd")
	// elsewhere are other packages whose use by name is running or fetching.
	elsewhere = words("dill cloudpickle joblib requests httpx aiohttp paramiko fabric sh plumbum pexpect invoke wget gdown execnet")
	// doers are functions of any package that run, import, load or fetch what they are given.
	doers = words("eval exec compile system popen Popen run call check_call check_output spawn open load loads load_library load_module " +
		"load_url load_state_dict_from_url import_module import_string __import__ get_method get_class get_object get_static_method " +
		"instantiate call locate resolve_name getattr attrgetter itemgetter methodcaller partial read_pickle runstring execfile " +
		"download download_url urlretrieve urlopen from_pretrained load_from_checkpoint restore_from literal_eval unpickle")
)

// callable judges a dotted name that a loader imports and calls: fatal where the name is known to run or load what it
// is given, or is no name at all; a milder finding for a class of some library.
func (r *rules) callable(v value, who string) {
	root, _, _ := strings.Cut(v.text, ".")
	leaf := v.text[strings.LastIndexByte(v.text, '.')+1:]
	switch {
	case strings.Contains(v.text, "${"):
		r.add(formats.RuleRemoteCode, v, "%s a name computed by interpolation: %.100q", who, v.text)
	case !dotted().MatchString(v.text) && !identifier().MatchString(v.text):
		r.add(formats.RuleRemoteCode, v, "%s %.100q, which is no dotted name", who, v.text)
	case stdlib[root] || elsewhere[root] || doers[leaf] || strings.Contains(v.text, "__"):
		r.add(formats.RuleRemoteCode, v, "%s %.100q, which runs or loads what it is given", who, v.text)
	default:
		r.add(formats.RuleRemoteReference, v, "%s %.100q", who, v.text)
	}
}
