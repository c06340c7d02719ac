package jail

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestThousandWorkersKilled kills workers at random moments under load. Every job must end with the right answer or a
// refusal, and nothing may be left: no process, descriptor or directory.
func TestThousandWorkersKilled(t *testing.T) {
	kills := int64(1000)
	if testing.Short() {
		kills = 100
	}
	before := descriptors(t)
	tmpBefore := entries(t, os.TempDir())
	p, err := NewPool(Config{WorkerPath: hostileWorker, PoolSize: 4, MaxWorkers: 4})
	if err != nil {
		t.Fatal(err)
	}
	f, m := testFile(t, []byte("model"))
	var killed, answered, refused atomic.Int64
	done := make(chan struct{})
	var readers, killer sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				b, err := p.Run(t.Context(), Job{Task: "read", File: f, Manifest: m, Reuse: killed.Load()%2 == 0})
				switch we, ok := errors.AsType[*WorkerError](err); {
				case err == nil && string(b) == "529":
					answered.Add(1)
				case ok && (we.Reason == ReasonKilled || we.Reason == ReasonStart || we.Reason == ReasonProtocol) && b == nil:
					refused.Add(1)
				default:
					t.Errorf("answer %q, error %v", b, err)
				}
			}
		})
	}
	killer.Go(func() {
		defer close(done)
		random := rand.New(rand.NewPCG(1, 2)) // a fixed seed; the moments depend on the machine all the same
		for end := time.Now().Add(2 * time.Minute); killed.Load() < kills; {
			if time.Now().After(end) {
				t.Errorf("only %d workers killed in two minutes", killed.Load())
				return
			}
			pids := children(t)
			if len(pids) > 0 && unix.Kill(pids[random.IntN(len(pids))], unix.SIGKILL) == nil {
				killed.Add(1)
			}
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		}
	})
	killer.Wait()
	readers.Wait()
	p.Close()
	t.Logf("%d killed, %d answered, %d refused", killed.Load(), answered.Load(), refused.Load())
	if answered.Load() == 0 {
		t.Error("no job was answered: the pool does not survive")
	}
	if pids := children(t); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
	if after := descriptors(t) - 1; after > before { // the test file is open
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if after := entries(t, os.TempDir()); after > tmpBefore+1 { // the test's own directory
		t.Errorf("%d entries in the temporary directory before, %d after", tmpBefore, after)
	}
}

// entries counts what this test binary could have left in dir.
func entries(t *testing.T, dir string) int {
	t.Helper()
	m, err := filepath.Glob(filepath.Join(dir, "*rustfs*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(m)
}
