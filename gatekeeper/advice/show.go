package advice

import (
	"trustfs/gatekeeper"
	"trustfs/policy"
)

// InputFor is the document that a policy sees when who opens the file that q is about, for people who write policies: of
// the opener it holds all that can be had, whether or not a policy refers to it.
func InputFor(q *gatekeeper.Question, c policy.Context, who *gatekeeper.Opener) policy.Input {
	in := (&Adviser{context: c}).input(q)
	in.Opener = Opener(who)
	return in
}

// Opener is everything that a policy can be told of who opens.
func Opener(who *gatekeeper.Opener) policy.Opener {
	return opener(who, []string{"groups", "executable", "cgroup"})
}
