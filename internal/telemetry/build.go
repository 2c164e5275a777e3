package telemetry

import (
	"crypto/fips140"
	"runtime"
	"runtime/debug"
)

// Build says which program this is.
type Build struct {
	// Version is a semantic version, or "devel".
	Version string `json:"version"`
	// Commit is the revision that was built, with "+dirty" behind it when
	// the work tree had changes; empty where it is not known.
	Commit string `json:"commit"`
	// GoVersion is the toolchain's version.
	GoVersion string `json:"goVersion"`
	// Platform is GOOS/GOARCH.
	Platform string `json:"platform"`
	// FIPS: the Go Cryptographic Module runs in FIPS 140-3 mode.
	FIPS bool `json:"fips"`
}

// ReadBuild completes what the linker was told with what the toolchain noted.
// Both arguments may be empty.
func ReadBuild(version, commit string) Build {
	b := Build{
		Version: version, Commit: commit,
		GoVersion: runtime.Version(),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
		FIPS:      fips140.Enabled(),
	}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	if ok && b.Commit == "" {
		b.Commit = revision(info.Settings)
	}
	return b
}

func revision(settings []debug.BuildSetting) string {
	var commit string
	dirty := false
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if commit != "" && dirty {
		commit += "+dirty"
	}
	return commit
}
