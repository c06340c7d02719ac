// Package policy asks the operator's OPA policy (Rego) about one file: what it denies, and what it warns of.
//
// A policy is trusted input: its operator wrote it. It is compiled once, has no built-in that reaches a network, a file, a
// clock or a source of chance, so that its answer is a function of the input document, and a time limit, because a mistake
// in it must not hold an open. Whatever goes wrong (a built-in's error, no answer in time, an answer of the wrong shape) is
// an error, and refuses. Memory inside the process cannot be bounded: a policy can still spend it.
package policy
