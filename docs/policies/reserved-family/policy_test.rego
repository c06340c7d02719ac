package trustfs_test

import data.trustfs

by(path, links, uid) := {"file": {"path": path, "links": links}, "opener": {"uid": uid}}

test_service if count(trustfs.deny) == 0 with input as by("restricted/m.gguf", [], 990)

test_root if count(trustfs.deny) == 0 with input as by("restricted/m.gguf", [], 0)

test_stranger if {
	trustfs.deny == {"restricted/m.gguf is reserved for user 990; user 1000 asked"} with input as by("restricted/m.gguf", [], 1000)
}

test_link if count(trustfs.deny) == 1 with input as by("blobs/ab", ["open/m.gguf", "restricted/m.gguf"], 1000)

test_elsewhere if count(trustfs.deny) == 0 with input as by("open/restricted/m.gguf", [], 1000)
