package jail

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"
)

// Require says how much of the jail the host must give.
type Require string

const (
	// RequireFull wants seccomp, the six namespaces, and Landlock as far as the kernel's ABI goes. It is the default.
	RequireFull Require = "full"
	// RequireSeccomp wants seccomp, no_new_privs and limits; the other layers are used where the host gives them, and
	// Pool.Missing names those that it does not. For containers without user namespaces.
	RequireSeccomp Require = "seccomp"
)

// Config says how a Pool works. The zero value is the strict default.
type Config struct {
	// WorkerPath is the trustfs-worker binary. Empty: beside the running executable, then /usr/lib/trustfs,
	// /usr/libexec/trustfs, then PATH.
	WorkerPath string
	// PoolSize is the number of workers kept ready. 0: twice the CPUs, 16 at most.
	PoolSize int
	// OnDemand starts a worker when a job finds none, one ahead at the beginning, for commands that judge a few files or
	// reuse workers: PoolSize is 1 then.
	OnDemand bool
	// MaxWorkers bounds the workers that judge at one time. 0: twice the CPUs.
	MaxWorkers int
	// Limits of one job.
	Limits Limits
	// Require is RequireFull if empty.
	Require Require
	// CgroupRoot is a delegated cgroup v2 directory in which the pool makes one leaf a worker slot. Empty: none.
	CgroupRoot string

	without layers // layers that a test leaves off
}

// Limits bound one job; the parts per byte scale it to the file.
type Limits struct {
	Wall       time.Duration // wall clock of any job; 0: 30 s
	WallPerGiB time.Duration // more for each GiB of the job's files; 0: 30 s
	CPU        time.Duration // CPU time, whole seconds; 0: 20 s
	CPUPerGiB  time.Duration // 0: 20 s
	Data       int64         // bytes of RLIMIT_DATA of any job; 0: 192 MiB (a 7z or xz dictionary may take 64 MiB, twice while it grows)
	DataRatio  int64         // more bytes for each byte of the job's files; 0: 4
	DataMax    int64         // never more than this, manifests aside; 0: 1 GiB
	Answer     int64         // bytes of the answer; 0: 16 MiB
}

// jobLimits are Limits worked out for one job.
type jobLimits struct {
	wall   time.Duration
	cpu    time.Duration
	data   int64
	answer int64
}

const (
	gib       = 1 << 30
	maxAnswer = 256 << 20 // bytes; no configuration may ask for more
)

// forJob scales the limits to size bytes of files and manifest bytes of manifests. Additions saturate.
func (l Limits) forJob(size, manifest int64) jobLimits {
	l = l.withDefaults()
	data := l.DataMax
	if size < l.DataMax/l.DataRatio {
		data = min(l.DataMax, l.Data+size*l.DataRatio)
	}
	return jobLimits{
		wall:   scaled(l.Wall, l.WallPerGiB, size),
		cpu:    scaled(l.CPU, l.CPUPerGiB, size),
		data:   data + 2*manifest, // once as it arrives, once more while the garbage collector lags
		answer: l.Answer,
	}
}

func scaled(base, perGiB time.Duration, size int64) time.Duration {
	d := float64(base) + float64(perGiB)*float64(size)/gib
	if d > math.MaxInt64/256 {
		return math.MaxInt64 / 256
	}
	return time.Duration(d)
}

func (l Limits) withDefaults() Limits {
	def := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	num := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Wall, 30*time.Second)
	def(&l.WallPerGiB, 30*time.Second)
	def(&l.CPU, 20*time.Second)
	def(&l.CPUPerGiB, 20*time.Second)
	num(&l.Data, 192<<20)
	num(&l.DataRatio, 4)
	num(&l.DataMax, 1<<30)
	num(&l.Answer, 16<<20)
	return l
}

func (l Limits) validate() error {
	if l.Wall < 0 || l.WallPerGiB < 0 || l.CPU < 0 || l.CPUPerGiB < 0 || l.Data < 0 || l.DataRatio < 0 || l.DataMax < 0 || l.Answer < 0 {
		return errors.New("jail limits: a negative limit")
	}
	d := l.withDefaults()
	switch {
	case d.CPU < time.Second:
		return fmt.Errorf("jail limits: cpu %s, expected at least 1s (the kernel counts whole seconds)", d.CPU)
	case d.Data < 32<<20:
		return fmt.Errorf("jail limits: data %d bytes, expected at least 32 MiB: a worker does not start in less", d.Data)
	case d.DataMax < d.Data:
		return fmt.Errorf("jail limits: data_max %d is less than data %d", d.DataMax, d.Data)
	case d.Answer > maxAnswer:
		return fmt.Errorf("jail limits: answer %d bytes, expected at most %d", d.Answer, maxAnswer)
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	if c.PoolSize < 0 || c.MaxWorkers < 0 {
		return c, errors.New("jail: a negative number of workers")
	}
	if c.OnDemand {
		c.PoolSize = 1
	}
	if c.PoolSize == 0 {
		c.PoolSize = min(16, 2*runtime.NumCPU())
	}
	if c.MaxWorkers == 0 {
		c.MaxWorkers = 2 * runtime.NumCPU()
	}
	if c.Require == "" {
		c.Require = RequireFull
	}
	if c.Require != RequireFull && c.Require != RequireSeccomp {
		return c, fmt.Errorf("jail.require: %q, expected %q or %q", c.Require, RequireFull, RequireSeccomp)
	}
	c.Limits = c.Limits.withDefaults()
	return c, c.Limits.validate()
}
