# Only the inference service's user (and root, for upkeep) may open the models below restricted/.
package trustfs

service_uid := 990

reserved if startswith(input.file.path, "restricted/")

# In the Hugging Face cache a file has its name only in the links that lead to it.
reserved if {
	some link in input.file.links
	startswith(link, "restricted/")
}

may_open if input.opener.uid in {0, service_uid}

deny contains msg if {
	reserved
	not may_open
	msg := sprintf("%s is reserved for user %d; user %d asked", [input.file.path, service_uid, input.opener.uid])
}
