//go:build race

package verify

// raceEnabled: the race detector makes sync.Pool forget on purpose.
const raceEnabled = true
