package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A viewStage is a mount with views over the pair of large files: pickled/pytorch_model.bin, safe/model.safetensors, and
// texts, a folder of as many names as pickled shows.
type viewStage struct {
	servers
	plain, trusted, state string
	source, view, real    string // names below them; the view is in trusted alone
	size                  int64
}

func (r *run) viewStage() (*viewStage, error) {
	dir, err := r.large()
	if err != nil {
		return nil, err
	}
	s := &viewStage{
		plain: dir, trusted: filepath.Join(r.work, "viewed"), state: filepath.Join(r.work, "state-views"),
		source: "pickled/pytorch_model.bin", view: "pickled/model.safetensors", real: "safe/model.safetensors",
	}
	if err := os.MkdirAll(filepath.Join(dir, "texts"), 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"model.bin.txt", "model.safetensors.txt"} {
		if err := os.WriteFile(filepath.Join(dir, "texts", name), []byte(name), 0o644); err != nil {
			return nil, err
		}
	}
	st, err := os.Stat(filepath.Join(dir, s.real))
	if err != nil {
		return nil, err
	}
	s.size = st.Size()
	time.Sleep(settled)
	err = s.start(s.trusted, exec.Command(r.bin, "mount", "--profile", "content", "--views", "beside", "--state", s.state, dir, s.trusted))
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// viewRows measures a view of the large pickle through a mount.
func viewRows(r *run) error {
	s, err := r.viewStage()
	if err != nil {
		return err
	}
	defer s.close()
	for _, measure := range []func(*viewStage, *run) ([]row, error){(*viewStage).listing, (*viewStage).firstLooks, (*viewStage).opening, (*viewStage).reading, (*viewStage).holding} {
		rows, err := measure(s, r)
		if err != nil {
			return err
		}
		r.add(rows...)
	}
	return nil
}

// listings is how often a folder is listed in one round.
const listings = 2000

// listing measures the listing of the folder with the large pickle, which nobody has judged yet.
func (s *viewStage) listing(r *run) ([]row, error) {
	ways := [3]string{filepath.Join(s.plain, "pickled"), filepath.Join(s.trusted, "texts"), filepath.Join(s.trusted, "pickled")}
	best, err := alternate(ways, r.rounds, func(dir string) (time.Duration, error) {
		start := time.Now()
		for range listings {
			if _, err := os.ReadDir(dir); err != nil {
				return 0, err
			}
		}
		return time.Since(start) / listings, nil
	})
	if err != nil {
		return nil, err
	}
	return []row{{
		What: fmt.Sprintf("listing the folder of a pickle of %d MiB, its view in it", r.size>>20), Trusted: micro(best[2]),
		Beside: fmt.Sprintf("directory %s, a folder of texts in the mount %s", micro(best[0]), micro(best[1])),
		Ratio:  fmt.Sprintf("%.2f of any folder", ratio(best[2], best[1])), Goals: []goal{atMost(ratio(best[2], best[1]), 1.2, "")},
	}}, nil
}

// looks is how often the source is made a new version, which is hashed again.
const looks = 3

// firstLooks measures what a look at the view's name and its opening cost after the source was hashed: its analysis and the
// laying of the view in workers, by themselves; then stat and open through the mount where the source is judged and the view
// is not known.
func (s *viewStage) firstLooks(r *run) ([]row, error) {
	a, err := r.analysed(filepath.Join(s.plain, s.source), true)
	if err != nil {
		return nil, err
	}
	if a.Error != "" || a.View == 0 {
		return nil, fmt.Errorf("the source has no view: %s", a.Error)
	}
	stat, err := s.first(func(view string) error { _, err := os.Stat(view); return err })
	if err != nil {
		return nil, err
	}
	open, err := s.first(func(view string) error {
		f, err := os.Open(view)
		if err == nil {
			f.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := a.Inspect + stat
	return []row{{
		What:    fmt.Sprintf("first stat of the view of %d MiB, hashing aside", r.size>>20),
		Trusted: fmt.Sprintf("%.1f ms: analysis %.1f, then stat %.1f", ms(all), ms(a.Inspect), ms(stat)),
		Ratio:   fmt.Sprintf("a worker laying the view, by itself: %.1f ms", ms(a.View)), Goals: []goal{atMost(ms(all), 50, " ms")},
	}, {
		What:    "first open of the view, its source judged",
		Trusted: fmt.Sprintf("%.1f ms", ms(open)), Goals: []goal{atMost(ms(open), 20, " ms")},
	}}, nil
}

// first makes the source a new version a few times, opens it, and takes the least time that look then takes at the view.
func (s *viewStage) first(look func(view string) error) (best time.Duration, err error) {
	view, source := filepath.Join(s.trusted, s.view), filepath.Join(s.plain, s.source)
	for range looks {
		now := time.Now()
		if err := os.Chtimes(source, now, now); err != nil {
			return 0, err
		}
		f, err := os.Open(filepath.Join(s.trusted, s.source))
		if err != nil {
			return 0, err
		}
		f.Close()
		start := time.Now()
		if err := look(view); err != nil {
			return 0, err
		}
		best = least(best, time.Since(start))
	}
	if best < 500*time.Microsecond {
		return 0, fmt.Errorf("%s: known before anybody looked (%s)", view, best)
	}
	return best, nil
}

// opening measures open and close of the view and of the real file, both judged.
func (s *viewStage) opening(r *run) ([]row, error) {
	ways := [3]string{filepath.Join(s.plain, s.real), filepath.Join(s.trusted, s.real), filepath.Join(s.trusted, s.view)}
	best, err := alternate(ways, r.rounds, openMany)
	if err != nil {
		return nil, err
	}
	return []row{{
		What: "cached open and close of the view", Beside: fmt.Sprintf("directory %s, a real file in the mount %s", micro(best[0]), micro(best[1])),
		Trusted: micro(best[2]), Ratio: fmt.Sprintf("%.2f of a real file", ratio(best[2], best[1])), Goals: []goal{atMost(ms(best[2]), 20, " ms")},
	}}, nil
}

// reading measures the whole view beside the real file through the same mount: read by the kernel for the first time, so
// that the daemon serves and checks every byte out of the page cache of the file beneath; and again, from the mount's own.
func (s *viewStage) reading(r *run) ([]row, error) {
	buf := make([]byte, 1<<20)
	var rows []row
	for _, way := range []struct {
		what  string
		fresh bool
		read  func(string) (time.Duration, error)
	}{
		{"sequential read of the view, every byte served", true, func(path string) (time.Duration, error) { return readAll(path, buf) }},
		{"mmap read of the view, every byte served", true, func(path string) (time.Duration, error) { return mapAll(path, s.size) }},
		{"sequential read of the view again", false, func(path string) (time.Duration, error) { return readAll(path, buf) }},
		{"mmap read of the view again", false, func(path string) (time.Duration, error) { return mapAll(path, s.size) }},
	} {
		row, err := s.readRow(r, way.what, way.fresh, way.read)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.what, err)
		}
		rows = append(rows, *row)
	}
	return rows, nil
}

func (s *viewStage) readRow(r *run, what string, fresh bool, read func(string) (time.Duration, error)) (*row, error) {
	beneath := map[string]string{s.view: s.source, s.real: s.real}
	best := map[string]time.Duration{}
	for round := range r.rounds + 1 {
		for _, name := range []string{s.real, s.view} {
			path := filepath.Join(s.trusted, name)
			if fresh {
				if err := forget(path, filepath.Join(s.plain, beneath[name])); err != nil {
					return nil, err
				}
			}
			took, err := read(path)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				best[name] = least(best[name], took)
			}
		}
	}
	share := ratio(best[s.real], best[s.view])
	return &row{
		What: what, Beside: "a real file in the mount " + rate(s.size, best[s.real]), Trusted: rate(s.size, best[s.view]),
		Ratio: fmt.Sprintf("%.2f of a real file", share), Goals: []goal{atLeast(share, 0.8, "")},
	}, nil
}

// forget has the kernel drop what it holds of a file in a mount, and hold the file beneath, which may be another.
func forget(path, beneath string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return err
	}
	_, err = readAll(beneath, make([]byte, 1<<20))
	return err
}

// holding tells what the daemon holds in memory and on the disk, after all of the above.
func (s *viewStage) holding(*run) ([]row, error) {
	rows, err := memoryOf(s.daemon(), "memory of the daemon that serves views", 100)
	if err != nil {
		return nil, err
	}
	var bytes int64
	err = filepath.WalkDir(s.state, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if os.IsNotExist(err) {
		err = nil
	}
	return append(rows, row{What: "what views keep on the disk", Trusted: fmt.Sprintf("%d bytes", bytes), Goals: []goal{atMost(float64(bytes)/1e6, 1, " MB")}}), err
}
