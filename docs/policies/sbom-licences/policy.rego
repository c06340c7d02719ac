# Every model needs an SBOM that names its digest, and in it a licence that the legal department has approved. The SBOM may
# be SPDX 2 (licenseConcluded or licenseDeclared of the package) or CycloneDX (licenses of the component).
package trustfs

approved := {"Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0"}

is_model if input.report.class in {"model", "opaque"}

document := input.sbom.document

# SPDX: the packages that carry the file's digest.
licences contains licence if {
	some pkg in document.packages
	some sum in pkg.checksums
	lower(sum.checksumValue) == input.file.sha256
	some key in ["licenseConcluded", "licenseDeclared"] # one may be missing; [pkg.a, pkg.b] would then be nothing at all
	licence := pkg[key]
	not licence in {"NOASSERTION", "NONE", ""}
}

# CycloneDX: the components that carry the file's digest, the described one too.
components contains document.metadata.component

components contains c if some c in document.components

licences contains licence if {
	some c in components
	some sum in c.hashes
	lower(sum.content) == input.file.sha256
	some entry in c.licenses
	some licence in [object.get(entry, ["license", "id"], null), object.get(entry, ["license", "name"], null), object.get(entry, "expression", null)]
	licence != null
}

deny contains "no SBOM names this file's digest" if {
	is_model
	input.sbom.status != "match"
}

deny contains "the SBOM names no licence for this file" if {
	is_model
	input.sbom.status == "match"
	count(licences) == 0
}

deny contains sprintf("licence %s is not approved", [licence]) if {
	is_model
	some licence in licences
	not licence in approved
}
