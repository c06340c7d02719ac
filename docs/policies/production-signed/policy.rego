# In production only models that a trusted publisher has signed; elsewhere a warning.
package trustfs

is_model if input.report.class in {"model", "opaque", "code"}

signed if input.provenance.signature.status == "valid"

deny contains msg if {
	input.context.environment == "production"
	is_model
	not signed
	msg := sprintf("%s: production opens signed models only; its signature is: %s", [input.file.path, input.provenance.signature.status])
}

# A policy that cannot tell where it runs must not take that for "not production".
deny contains "the configuration names no environment (context.environment)" if input.context.environment == null

warn contains msg if {
	input.context.environment != "production"
	is_model
	not signed
	msg := "unsigned: production would refuse it"
}
