package term

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A Progress is a bar with rate and time left. It shows only on a terminal, and only when the work takes longer than a
// moment. Its methods may be called in parallel; a nil Progress does nothing.
type Progress struct {
	bar  *progressbar.ProgressBar
	done atomic.Int64
}

// moment is how long work may take without a bar.
const moment = 500 * time.Millisecond

// late drops what is written before its time.
type late struct {
	io.Writer
	from time.Time
}

func (l late) Write(b []byte) (int, error) {
	if time.Now().Before(l.from) {
		return len(b), nil
	}
	return l.Writer.Write(b)
}

// Progress starts a bar over total bytes. label must be the program's own words.
func (o *Output) Progress(label string, total int64) *Progress {
	if !o.terminal || total <= 0 {
		return nil
	}
	return &Progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(late{o.Writer, time.Now().Add(moment)}),
		progressbar.OptionSetDescription(label),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// Add says that n more bytes are done.
func (p *Progress) Add(n int64) {
	if p != nil {
		_ = p.bar.Set64(p.done.Add(n)) // an error would mean that the terminal is gone: nothing to tell it
	}
}

// Done takes the bar off the screen.
func (p *Progress) Done() {
	if p != nil {
		_ = p.bar.Finish()
	}
}
