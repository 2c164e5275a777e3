package main

import (
	"fmt"
	"time"
)

// attack is one row of the table.
type attack struct {
	name string
	// byDefault is what a plain net/http server does: measured on one where
	// there are figures.
	byDefault string
	// run attacks until it is over, at most attackTime, and notes what it saw.
	run    func(*trial)
	bounds bounds
	site   siteOptions
	// patient attacks mostly wait: they run at the same time, each on its own
	// gateway. The others come one by one.
	patient bool
	// quick attacks are those of "go test".
	quick bool
}

// bounds are what has to hold. What is zero is not looked at, calls excepted.
type bounds struct {
	// gone is how long the gateway may bear one of the attackers.
	gone time.Duration
	// streams is how many HTTP/2 streams an attacker may open.
	streams int
	// calls is how many requests of attackers may reach the backend;
	// unlimited: they are ordinary requests.
	calls int
	// memory is the ceiling of the gateway's resident memory in MiB, without the
	// pages of its program.
	memory int
	// refusesAll: the gateway has to refuse everybody for a while, so the
	// well-behaved client is not judged.
	refusesAll bool
}

const (
	unlimited = -1
	// attackTime bounds one attack.
	attackTime = 25 * time.Second
	// quietTime is how long connections and goroutines may take to come back.
	quietTime = 10 * time.Second
	// slowest is the p99 that the well-behaved client has to bear at most.
	slowest = 2 * time.Second
)

// report is what one attack came to.
type report struct {
	attack
	gone           time.Duration
	streams, calls int
	// countsStreams: streams is a figure, 0 included.
	countsStreams bool
	// note says what the attackers did and saw.
	note string
	good goodResult
	// peak is the gateway's resident memory in MiB.
	peak   int
	took   time.Duration
	broken []string
}

// breaches are the bounds that do not hold. Whether p99 counts depends on what
// else ran.
func (r report) breaches(p99 bool) []string {
	var out []string
	breach := func(is bool, format string, args ...any) {
		if is {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	b := r.bounds
	breach(b.gone > 0 && r.gone > b.gone, "attackers were borne for %.1f s, at most %v", r.gone.Seconds(), b.gone)
	breach(b.streams > 0 && r.streams > b.streams, "%d streams, at most %d", r.streams, b.streams)
	breach(b.calls != unlimited && r.calls > b.calls, "%d calls reached the backend, at most %d", r.calls, b.calls)
	breach(r.peak == 0 || r.peak > b.memory, "peak memory %d MiB, ceiling %d MiB", r.peak, b.memory)
	breach(r.good.Asked == 0, "the well-behaved client asked nothing")
	breach(r.good.Failed > 0 && !b.refusesAll, "the well-behaved client failed in %d of %d: %s", r.good.Failed, r.good.Asked, r.good.First)
	breach(p99 && !b.refusesAll && r.good.P99 > slowest, "the well-behaved client's p99 is %v, at most %v", r.good.P99, slowest)
	return out
}
