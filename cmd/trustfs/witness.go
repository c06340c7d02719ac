package main

import (
	"cmp"
	"context"
	"errors"
	"os"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/internal/lean"
	"trustfs/jail"
	"trustfs/provenance"
)

// The witnesses stand between a gate and what it asks, and keep what the gate would take for a reason to refuse: that this
// program lacks what an answer needs.

// An examinerWitness is a gatekeeper.Examiner.
type examinerWitness struct {
	*provenance.Verifier
	j *judges
}

// Evidence implements gatekeeper.Examiner.
func (w *examinerWitness) Evidence(ctx context.Context, tree provenance.Tree, s provenance.Subject) (*provenance.Evidence, error) {
	e, err := w.Verifier.Evidence(ctx, tree, s)
	w.j.note(err)
	return e, err
}

// An analystWitness is a gatekeeper.Analyst, and one that takes content.
type analystWitness struct {
	*gatekeeper.Jailed
	j *judges
}

// Analyse implements gatekeeper.Analyst.
func (w *analystWitness) Analyse(ctx context.Context, f *os.File, m *integrity.Manifest, names []string) (*formats.Result, error) {
	r, err := w.Jailed.Analyse(ctx, f, m, names)
	w.j.note(err)
	return r, err
}

// AnalyseContent is Jailed's.
func (w *analystWitness) AnalyseContent(ctx context.Context, f *os.File, m *integrity.Manifest, content []byte, names []string) (*formats.Result, error) {
	r, err := w.Jailed.AnalyseContent(ctx, f, m, content, names)
	w.j.note(err)
	return r, err
}

// note looks whether an error is a lack. The name of the system call that a worker was killed for is one: libseccomp has the
// names.
func (j *judges) note(err error) {
	if dead := (*jail.WorkerError)(nil); errors.As(err, &dead) && dead.Reason == jail.ReasonViolation {
		err = lean.Beyond("the names of system calls")
	}
	if errors.Is(err, lean.ErrBeyond) {
		j.beyond.Store(&err)
	}
}

// lack is the ErrBeyond that was met, if any.
func (j *judges) lack() error {
	if err := j.beyond.Load(); err != nil {
		return *err
	}
	return nil
}

// whole says that everything was judged, by a program that has what it takes and in the jail that was asked for.
func (j *judges) whole() error {
	if err := j.lack(); err != nil {
		return err
	}
	return j.pool.Settled()
}

// before gives what the engine would have said before err: it waits for the jail at the first tree.
func (j *judges) before(err error) error {
	if !lean.Build || len(j.trees) == 0 || errors.Is(err, lean.ErrBeyond) {
		return err
	}
	return cmp.Or(j.pool.Settled(), err)
}
