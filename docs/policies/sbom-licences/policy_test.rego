package trustfs_test

import data.trustfs

with_sbom(document) := {
	"report": {"class": "model"},
	"file": {"sha256": "abcd"},
	"sbom": {"status": "match", "document": document},
}

spdx(licence) := {"packages": [
	{"checksums": [{"algorithm": "SHA256", "checksumValue": "ABCD"}], "licenseConcluded": licence, "licenseDeclared": "NOASSERTION"},
	{"checksums": [{"algorithm": "SHA256", "checksumValue": "0000"}], "licenseConcluded": "Proprietary"},
]}

cyclonedx(licence) := {"components": [{"hashes": [{"alg": "SHA-256", "content": "abcd"}], "licenses": [{"license": {"id": licence}}]}]}

test_spdx_approved if count(trustfs.deny) == 0 with input as with_sbom(spdx("Apache-2.0"))

test_spdx_refused if trustfs.deny == {"licence GPL-3.0 is not approved"} with input as with_sbom(spdx("GPL-3.0"))

test_spdx_unknown if trustfs.deny == {"the SBOM names no licence for this file"} with input as with_sbom(spdx("NOASSERTION"))

test_cyclonedx_approved if count(trustfs.deny) == 0 with input as with_sbom(cyclonedx("MIT"))

test_cyclonedx_refused if trustfs.deny == {"licence OpenRAIL is not approved"} with input as with_sbom(cyclonedx("OpenRAIL"))

test_cyclonedx_expression if {
	document := {"metadata": {"component": {"hashes": [{"content": "abcd"}], "licenses": [{"expression": "MIT"}]}}}
	count(trustfs.deny) == 0 with input as with_sbom(document)
}

test_no_sbom if {
	trustfs.deny == {"no SBOM names this file's digest"} with input as object.union(with_sbom(null), {"sbom": {"status": "none", "document": null}})
}

test_document_needs_none if {
	count(trustfs.deny) == 0 with input as {"report": {"class": "document"}, "file": {"sha256": "x"}, "sbom": {"status": "none", "document": null}}
}
