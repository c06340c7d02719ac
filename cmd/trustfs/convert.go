//go:build !lean

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"trustfs/config"
	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/internal/term"
	"trustfs/internal/walk"
	"trustfs/views"
)

func (a *app) convertCommand() *cobra.Command {
	var verify, disarm bool
	c := &cobra.Command{
		Use:   "convert IN OUT.safetensors",
		Short: "Write the tensors of a pickle, a torch file or a numpy file as safetensors",
		Long: "Nothing of IN is run or unpickled: OUT is what a mount with --views shows. OUT must itself be admitted; its origin is\n" +
			"IN's. It appears whole or not at all.\n" +
			"Exit status: 0 OUT is in place, 1 IN is refused or has nothing that safetensors can hold, 2 it could not be written.",
		Args: cobra.ExactArgs(2),
	}
	flags := config.Bind(c.Flags(), config.Judging)
	c.Flags().BoolVar(&verify, "verify", false, "read OUT again and compare every byte before it is put in place")
	c.Flags().BoolVar(&disarm, "disarm", false, "convert a refused IN too: its tensors only, its code stays behind")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := flags.Load()
		if err != nil {
			return err
		}
		cfg.ViewsFrom = string(gatekeeper.ViewsFromClean)
		if disarm {
			cfg.ViewsFrom = string(gatekeeper.ViewsFromDisarm)
		}
		return a.convert(c.Context(), cfg, args[0], args[1], verify)
	}
	return c
}

// A conversion is one run of the convert command.
type conversion struct {
	*app
	in, out string
	source  *os.File
	view    *gatekeeper.View
	content *gatekeeper.ViewContent
}

func (a *app) convert(ctx context.Context, cfg *config.Config, in, out string, verify bool) error {
	kind, err := kindOf(in, out)
	if err != nil {
		return err
	}
	j, err := newJudges(cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer j.close()
	dir, rel, err := walk.Split(in)
	if err != nil {
		return err
	}
	if rel == "" {
		return fmt.Errorf("%s: is a folder; convert one file", in)
	}
	t, err := j.tree(dir)
	if err != nil {
		return err
	}
	c := &conversion{app: a, in: in, out: out}
	if c.source, err = t.root.Regular(rel); err != nil {
		return err
	}
	defer c.source.Close()
	room := spoolFor(cfg, t.gate)
	defer room.Close()
	if err := c.look(ctx, t, rel, kind); err != nil {
		return err
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	defer c.content.Close()
	return c.write(ctx, verify)
}

// kindOf says what a conversion gives, and that the name of what it gives says so too.
func kindOf(in, out string) (views.Kind, error) {
	kind, want := views.KindTensors, ".safetensors"
	if v, ok := views.ViewOf(filepath.Base(in)); ok && v.Kind == views.KindIndex {
		kind, want = v.Kind, ".json"
	}
	if filepath.Ext(out) != want {
		return 0, fmt.Errorf("%s: what becomes of %s is named *%s", out, filepath.Base(in), want)
	}
	from, err := os.Stat(in)
	if err != nil {
		return 0, err
	}
	if to, err := os.Stat(out); err == nil && os.SameFile(from, to) {
		return 0, fmt.Errorf("%s and %s are one file", in, out)
	}
	return kind, nil
}

// look judges the source and its view.
func (c *conversion) look(ctx context.Context, t *tree, rel string, kind views.Kind) error {
	st, err := c.source.Stat()
	if err != nil {
		return err
	}
	bar := c.stderr.Progress("judging", st.Size())
	steps := &steps{bar: bar}
	s := gatekeeper.Subject{File: c.source, Path: rel, Tree: t.root, Progress: steps.to}
	c.view, err = t.gate.View(ctx, s, path.Join(path.Dir(rel), filepath.Base(c.out)), kind)
	bar.Done()
	if err != nil {
		return c.none(err)
	}
	if r := c.view.Judgement.Report; !c.view.Judgement.Allowed() {
		return no("%s: not converted: %s\n  see: trustfs explain %[1]s", c.in, strings.Join(r.Reasons, "; "))
	}
	return nil
}

// open opens the view; where its tensors lie compressed in the source they are inflated now.
func (c *conversion) open(ctx context.Context) (err error) {
	if c.content, err = c.view.Open(ctx, uint32(os.Geteuid()), c.source, c.source); err != nil {
		return c.none(err)
	}
	return nil
}

// none says why there is no view.
func (c *conversion) none(err error) error {
	if none, ok := errors.AsType[*gatekeeper.NoViewError](err); ok {
		return no("%s: not converted: %s", c.in, none.Reason)
	}
	if refused, ok := errors.AsType[*gatekeeper.RefusedError](err); ok {
		return no("%s: not converted: %s", c.in, strings.Join(refused.Report.Reasons, "; "))
	}
	return fmt.Errorf("%s: %w", c.in, err)
}

// write puts the view in place of OUT in one step, or leaves nothing.
func (c *conversion) write(ctx context.Context, verify bool) error {
	tmp, err := temporary(c.out)
	if err != nil {
		return err
	}
	defer tmp.Close()
	err = c.fill(ctx, tmp, verify)
	if err == nil {
		err = os.Rename(tmp.Name(), c.out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	if err = errors.Join(syncFolder(filepath.Dir(c.out)), c.say(verify)); err != nil {
		return fmt.Errorf("%s is written, but: %w", c.out, err)
	}
	return nil
}

// fill writes the view to the disk.
func (c *conversion) fill(ctx context.Context, tmp *os.File, verify bool) error {
	if err := c.copy(ctx, tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if verify {
		return c.compare(ctx, tmp)
	}
	return nil
}

// syncFolder makes a name in dir last.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // whoever may write a folder need not be able to read it
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: a filesystem that syncs no folders
		return err
	}
	return nil
}

// say prints what was written.
func (c *conversion) say(verify bool) error {
	r := c.view.Judgement.Report
	for _, w := range r.Warnings {
		fmt.Fprintf(c.stderr, "%s: %s\n", term.Escape(c.out), term.Escape(w))
	}
	what := "an index of shards"
	if r.Format == formats.FormatSafetensors {
		what = fmt.Sprintf("%d tensors", r.Facts.Tensors)
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %s, %d bytes%s\n", term.Escape(c.out), what, c.view.Size(), map[bool]string{true: ", verified"}[verify])
	return err
}

// temporary makes a file beside out, with the mode that any new file of the user's gets.
func temporary(out string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(out), ".trustfs-convert-"+rand.Text())
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

const (
	// convertChunk is how much is copied at once: views gather and check by the 128 KiB.
	convertChunk = 4 << 20
	// convertReaders bounds the goroutines that check and write, and so the memory: the disk is slower than a few of them.
	convertReaders = 4
	// convertWindow is how much of what was written the page cache keeps. See copy.
	convertWindow = 64 << 20
)

// each gives the view's bytes from the judged source, in parts and from several goroutines: checking them is what takes
// time. scratch has room bytes, and is use's own.
func (c *conversion) each(ctx context.Context, label string, room int64, use func(part, scratch []byte, off int64) error) error {
	bar := c.stderr.Progress(label, c.view.Size())
	defer bar.Done()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), convertReaders) {
		group.Go(func() error {
			buf := make([]byte, convertChunk+room)
			for ctx.Err() == nil {
				off := next.Add(convertChunk) - convertChunk
				n := min(convertChunk, c.view.Size()-off)
				if n <= 0 {
					return nil
				}
				part := buf[:n]
				if k, err := c.content.ReadAt(part, off); k < len(part) {
					return fmt.Errorf("%s: %w", c.in, err)
				}
				if err := use(part, buf[convertChunk:], off); err != nil {
					return err
				}
				bar.Add(n)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// copy writes the view, and hands each part to the disk at once. The page cache keeps a window of the file only: its pages
// are used again and again, which costs a fraction of what it costs to find new ones for a whole model, and the sync at the
// end finds next to nothing left to do.
func (c *conversion) copy(ctx context.Context, out *os.File) error {
	fd := int(out.Fd())
	return c.each(ctx, "writing", 0, func(part, _ []byte, off int64) error {
		if _, err := out.WriteAt(part, off); err != nil {
			return err
		}
		_ = unix.SyncFileRange(fd, off, int64(len(part)), unix.SYNC_FILE_RANGE_WRITE) // advice: losing it loses time
		if off < convertWindow {
			return nil
		}
		return settle(fd, off-convertWindow, convertChunk)
	})
}

// settle waits until a range is on the disk, and lets the page cache forget it. An error in writing is told once for each
// descriptor, to whoever asks first: passed over here, it would be missing from the sync at the end.
func settle(fd int, off, length int64) error {
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	err := unix.SyncFileRange(fd, off, length, wait)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // not here: the sync at the end does it all
		return nil
	}
	_ = unix.Fadvise(fd, off, length, unix.FADV_DONTNEED)
	return err
}

// compare reads the output again, past what the kernel still holds of it, beside the view.
func (c *conversion) compare(ctx context.Context, out *os.File) error {
	_ = unix.Fadvise(int(out.Fd()), 0, 0, unix.FADV_DONTNEED) // it is on the disk: the second reading means the disk
	err := c.each(ctx, "verifying", convertChunk, func(part, scratch []byte, off int64) error {
		got := scratch[:len(part)]
		if n, err := out.ReadAt(got, off); n < len(got) {
			return fmt.Errorf("%s: reading it again: %w", c.out, err)
		}
		if !bytes.Equal(got, part) {
			return fmt.Errorf("%s: what was written is not what is read: the disk or its memory is at fault", c.out)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n, err := out.ReadAt(make([]byte, 1), c.view.Size()); n > 0 || err != io.EOF {
		return fmt.Errorf("%s: it does not end where the view ends", c.out)
	}
	return nil
}
