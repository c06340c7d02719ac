package globals

// aliases maps Python 2's module names to Python 3's, for the modules that the lists name. The lists hold one spelling;
// a loader of either Python resolves the other's through its compatibility tables.
var aliases = map[string]string{
	"__builtin__":      "builtins",
	"__builtins__":     "builtins",
	"future_builtins":  "builtins",
	"exceptions":       "builtins",
	"copy_reg":         "copyreg",
	"cPickle":          "_pickle",
	"cStringIO":        "io",
	"StringIO":         "io",
	"UserDict":         "collections",
	"UserList":         "collections",
	"UserString":       "collections",
	"Queue":            "queue",
	"repr":             "reprlib",
	"thread":           "_thread",
	"dummy_thread":     "_dummy_thread",
	"commands":         "subprocess",
	"urllib2":          "urllib.request",
	"urlparse":         "urllib.parse",
	"robotparser":      "urllib.robotparser",
	"httplib":          "http.client",
	"BaseHTTPServer":   "http.server",
	"SimpleHTTPServer": "http.server",
	"CGIHTTPServer":    "http.server",
	"Cookie":           "http.cookies",
	"cookielib":        "http.cookiejar",
	"xmlrpclib":        "xmlrpc.client",
	"SocketServer":     "socketserver",
	"ConfigParser":     "configparser",
	"Tkinter":          "tkinter",
	"_winreg":          "winreg",
	"anydbm":           "dbm",
	"whichdb":          "dbm",
	"os2":              "os",
	"_multiprocessing": "multiprocessing",
	"_socket":          "socket", // the same functions
}

// canonical is the module's name in the spelling of the lists.
func canonical(module string) string {
	if m, ok := aliases[module]; ok {
		return m
	}
	return module
}
