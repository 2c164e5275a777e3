package main

import (
	"time"
)

// attack is one row of the table.
type attack struct {
	name string
	// byDefault is what a plain net/http server does, as measured on one.
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
	// memory is the ceiling of the gateway's resident memory in MiB.
	memory int
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
