package telemetry

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of sinks in telemetry.accessLog that are not files.
const (
	SinkStdout = "stdout"
	SinkStderr = "stderr"
)

// OpenSink opens where telemetry.accessLog or network.flowLog points to:
// "stdout", "stderr", or a file that is appended to, relative to dir, made with
// mode 0640. Closing the two streams does nothing.
func OpenSink(name, dir string, stdout, stderr io.Writer) (io.WriteCloser, error) {
	switch name {
	case SinkStdout, "":
		return keepOpen{stdout}, nil
	case SinkStderr:
		return keepOpen{stderr}, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return f, nil
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
