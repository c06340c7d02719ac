// Package gatekeeper decides. It runs the fixed pipeline over one file (format, provenance, threat score, policy; the
// analysis in the jail), and it is the only place where a weight is given or a verdict made.
//
// The way of a judgement: the identity of the descriptor is looked up in the cache; else one pass over the bytes makes the
// Manifest (integrity), a jailed worker states Findings (jail, formats), the evidence for the digest is gathered
// (provenance), the score is added up from one rule table, the policy is asked (policy), and decide writes the Verdict.
// The zero Verdict denies; a step that fails, times out or is skipped leaves a denial with its reason.
//
// Not defended here: what root on the host does, and what a reader does with bytes that it was given.
package gatekeeper
