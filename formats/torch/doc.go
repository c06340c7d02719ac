// Package torch inspects what torch.load, torch.jit.load, torch.package and torch.export read: zip archives around a
// data.pkl, the older files of pickles and raw storages one after another, TorchScript, packages with Python sources, and
// archives with compiled code.
//
// Pickles are judged by package pickle. What this package adds is what torch makes of the rest: which members are tensor
// storages, that never become objects and are not read byte by byte, and whether the sizes and views that the pickle
// states fit them (CVE-2026-24747); which members are code.
package torch
