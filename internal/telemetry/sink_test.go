package telemetry

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestOpenSink(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	write := func(name string) {
		t.Helper()
		w, err := OpenSink(name, dir, &out, &errs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "x\n"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	write("stdout")
	write("stderr")
	write("access.log")
	write(filepath.Join(dir, "access.log"))
	if out.String() != "x\nx\n" || errs.String() != "x\n" {
		t.Errorf("stdout %q, stderr %q", &out, &errs)
	}
	got, err := os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil || string(got) != "x\nx\n" {
		t.Errorf("file %q, %v", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, "access.log"))
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := OpenSink("no/such/dir/x", dir, &out, &errs); err == nil {
		t.Error("a sink in a directory that is not there was opened")
	}
}
