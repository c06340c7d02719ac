package trustfs_test

import data.trustfs

model(environment, status) := {
	"report": {"class": "model"},
	"provenance": {"signature": {"status": status}},
	"file": {"path": "bert/model.bin"},
	"context": {"environment": environment},
}

test_unsigned_in_production if {
	trustfs.deny == {"bert/model.bin: production opens signed models only; its signature is: none"} with input as model("production", "none")
}

test_untrusted_in_production if count(trustfs.deny) == 1 with input as model("production", "untrusted")

test_signed_in_production if {
	count(trustfs.deny) == 0 with input as model("production", "valid")
	count(trustfs.warn) == 0 with input as model("production", "valid")
}

test_unsigned_elsewhere if {
	count(trustfs.deny) == 0 with input as model("staging", "none")
	count(trustfs.warn) == 1 with input as model("staging", "none")
}

test_unknown_environment if count(trustfs.deny) == 1 with input as model(null, "valid")

test_document if {
	doc := object.union(model("production", "none"), {"report": {"class": "document"}})
	count(trustfs.deny) == 0 with input as doc
}
