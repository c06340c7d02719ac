// Package globals knows the names that pickles may ask for: the allowlist presets, exact (module, name) pairs with what
// may be done with each, and the dangerous list, names that convict a file by being resolved at all.
//
// Both are plain data files beside this code, so that a reviewer reads one line a name: presets/*.txt and dangerous.txt.
// An allowlist knows no wildcards: "torch.*" is not safe, "torch._utils _rebuild_tensor_v2" is. The dangerous list may
// name whole modules, since it can only convict. A name on neither list is unknown, which is not harmless.
//
// What an entry claims was reviewed for three moments: importing the module, calling the name with any arguments the
// attacker chooses (or with those that its rule admits), and BUILD on the result (__setstate__, or __dict__ updates).
package globals
