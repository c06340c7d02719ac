package jail

import (
	"math"
	"testing"
	"time"
)

func TestLimitsScaleWithTheFile(t *testing.T) {
	l := Limits{Wall: time.Second, WallPerGiB: 10 * time.Second, CPU: 2 * time.Second, CPUPerGiB: time.Second, Data: 100 << 20, DataRatio: 2, DataMax: 300 << 20}
	for _, c := range []struct {
		size, manifest int64
		want           jobLimits
	}{
		{0, 0, jobLimits{wall: time.Second, cpu: 2 * time.Second, data: 100 << 20}},
		{50 << 20, 0, jobLimits{wall: time.Second + 10*time.Second*50/1024, cpu: 2*time.Second + time.Second*50/1024, data: 200 << 20}},
		{2 << 30, 1 << 20, jobLimits{wall: 21 * time.Second, cpu: 4 * time.Second, data: 302 << 20}},
		{math.MaxInt64, 0, jobLimits{wall: math.MaxInt64 / 256, cpu: math.MaxInt64 / 256, data: 300 << 20}},
	} {
		got := l.forJob(c.size, c.manifest)
		got.answer = 0
		near := func(a, b time.Duration) bool { return max(a-b, b-a) <= b/1000 }
		if !near(got.wall, c.want.wall) || !near(got.cpu, c.want.cpu) || got.data != c.want.data {
			t.Errorf("%d bytes: %+v, expected %+v", c.size, got, c.want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]Config{
		"require":        {Require: "none"},
		"pool size":      {PoolSize: -1},
		"workers":        {MaxWorkers: -1},
		"negative":       {Limits: Limits{Wall: -1}},
		"cpu":            {Limits: Limits{CPU: time.Millisecond}},
		"data":           {Limits: Limits{Data: 1 << 20}},
		"data max":       {Limits: Limits{Data: 2 << 30}},
		"answer":         {Limits: Limits{Answer: maxAnswer + 1}},
		"negative ratio": {Limits: Limits{DataRatio: -1}},
	} {
		if _, err := c.withDefaults(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if c, err := (Config{}).withDefaults(); err != nil || c.Require != RequireFull || c.PoolSize == 0 || c.MaxWorkers == 0 {
		t.Errorf("the zero value: %+v, %v", c, err)
	}
}
