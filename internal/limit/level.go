package limit

import "time"

// Level is a step of the overload ladder.
//
//	step          from   what it means
//	Normal
//	Shorten       0.85   timeouts of what is idle shrink, until 0.95
//	NoKeepAlive   0.92   connections of strangers end after their answer
//	Shed          0.95   no new connections; requests of strangers are refused
//	Refuse        0.98   all new requests are refused
//
// A stranger is a connection on which nobody has yet been let in; so callers
// who are known and connected come before whoever may be attacking, and their
// connections are kept, because new ones would not be taken. What has begun
// goes on at every step.
type Level uint32

// Levels, in the order of the ladder.
const (
	Normal Level = iota
	Shorten
	NoKeepAlive
	Shed
	Refuse
)

// thresholds are the pressures from which levels hold; those of Envoy's
// overload manager at the edge, and Refuse above them.
var thresholds = [...]float64{Normal: 0, Shorten: 0.85, NoKeepAlive: 0.92, Shed: 0.95, Refuse: 0.98}

// String is the level's name in documents and metrics.
func (l Level) String() string {
	switch l {
	case Normal:
		return "normal"
	case Shorten:
		return "shorten"
	case NoKeepAlive:
		return "no-keep-alive"
	case Shed:
		return "shed"
	}
	return "refuse"
}

// levelOf is the highest level whose threshold is reached.
func levelOf(pressure float64) Level {
	for l := Refuse; l > Normal; l-- {
		if pressure >= thresholds[l] {
			return l
		}
	}
	return Normal
}

// shorten scales a timeout: whole up to Shorten, floor from Shed on, and in
// proportion between them. A timeout below floor stays.
func shorten(timeout, floor time.Duration, pressure float64) time.Duration {
	low, high := thresholds[Shorten], thresholds[Shed]
	if timeout <= floor || pressure <= low {
		return timeout
	}
	part := min(1, (pressure-low)/(high-low))
	return timeout - time.Duration(part*float64(timeout-floor))
}
