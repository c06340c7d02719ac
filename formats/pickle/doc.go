// Package pickle inspects pickles: it runs the machine of package opcodes, which executes nothing, and judges what a
// reader would do by the lists of package globals.
//
// Everything that happens before STOP counts when it happens, whether or not its result is used and whether or not the
// stream breaks later, since a reader executes as it parses:
//
//   - a name that is resolved: dangerous, unknown, or made at run time;
//   - a call of something that no enabled preset allows, or with arguments that its rule does not admit;
//   - a change (BUILD, SETITEM(S), APPEND(S), ADDITEMS) of what this stream did not make: a name's value, or a shared
//     object; and attributes that would make a later opcode call something else;
//   - extension codes, persistent ids that are no torch storages, bytes after STOP that some loader would read on.
//
// Containers of pickles (torch, joblib, numpy) call Inspect with Options that say how their loaders read the bytes.
package pickle
