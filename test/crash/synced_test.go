//go:build linux

package crash

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSyncedBeforeAnswer: the gateway's own system calls, one act after the
// other, from its first start on. When the door answers, a loss of power could
// take nothing that the answer depends on: neither data nor a file's name.
func TestSyncedBeforeAnswer(t *testing.T) {
	given(t)
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed %t", sealed), func(t *testing.T) { syncedBeforeAnswer(t, siteOptions{sealed: sealed}) })
	}
}

func syncedBeforeAnswer(t *testing.T, opt siteOptions) {
	strace := tracer(t)
	s := newSite(t, opt)
	trace := s.file("trace")
	g := s.start(t, strace, "-D", "-f", "-y", "-s", "24", "-o", trace,
		"-e", "trace=write,pwrite64,ftruncate,openat,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync")
	const many = 5
	answers := 0
	for i := range many {
		name := fmt.Sprintf("s-%d", i)
		for _, a := range []act{{action: create}, {rotate, primary}, {action: suspend}, {action: activate}, {action: remove}} {
			if _, err := perform(t.Context(), g.door, name, a); err != nil {
				t.Fatal(err)
			}
			answers++
		}
		if _, err := g.door.RotateState(t.Context()); err != nil {
			t.Fatal(err)
		}
		answers++
	}
	g.stop(t)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	d := newDisk(s.state())
	problems := d.replay(string(text))
	for _, p := range problems {
		t.Error(p)
	}
	if d.answers != answers || d.syncs < 2*answers {
		t.Errorf("%d answers and %d syncs were seen, want %d and at least twice as many", d.answers, d.syncs, answers)
	}
	// What must have been seen, or the test looks at the wrong calls.
	seen := map[string]bool{}
	for path := range d.written {
		if filepath.Dir(path) == filepath.Join(s.audit(), "journal") {
			path = "journal"
		}
		seen[filepath.Base(path)] = true
	}
	if !seen["state.db-wal"] || !seen["journal"] || !d.known[filepath.Join(s.state(), "audit.key")] || !d.known[filepath.Join(s.state(), "keyring")] {
		t.Errorf("written were %v, and made or moved %v", d.written, d.known)
	}
	say(t, "%d answers of the door, %d syncs: nothing that an answer depends on was still in memory alone", d.answers, d.syncs)
}

// disk follows what of a state directory would survive a loss of power, by the
// lines of strace.
type disk struct {
	state string
	// data are files with bytes that are not synced, names those whose entry in
	// the directory is not.
	data, names map[string]bool
	// known are files that were there before, written those that were written.
	known, written map[string]bool
	// begun are calls of threads that have not returned.
	begun          map[string]string
	answers, syncs int
}

func newDisk(state string) *disk {
	return &disk{state: state, data: map[string]bool{}, names: map[string]bool{}, known: map[string]bool{}, written: map[string]bool{}, begun: map[string]string{}}
}

// counts says whether answers depend on a file. Tiles and the checkpoint are
// made from the journal, the rest is made anew at every start.
func (d *disk) counts(path string) bool {
	in, ok := strings.CutPrefix(path, d.state+"/")
	return ok && (in == "state.db" || in == "state.db-wal" || in == "state.db-journal" || in == "keyring" || in == "audit.key" || strings.HasPrefix(in, "audit/journal/"))
}

var (
	lineForm    = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumedForm = regexp.MustCompile(`^<\.\.\. (\w+) resumed>(.*)$`)
	callForm    = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+)`)
	fileForm    = regexp.MustCompile(`^\d+<([^>]*)>`)
	textForm    = regexp.MustCompile(`"([^"]*)"`)
)

// replay follows the lines and returns what was wrong when the door answered.
func (d *disk) replay(text string) (problems []string) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		m := lineForm.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		thread, call := m[1], m[2]
		if r := resumedForm.FindStringSubmatch(call); r != nil {
			call = d.begun[thread] + r[2]
			delete(d.begun, thread)
		} else if head, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			d.begun[thread] = head
			// What is written counts from the beginning of the call, what is
			// synced from its end.
			d.write(head)
			problems = append(problems, d.answer(head)...)
			continue
		} else {
			d.write(call)
			problems = append(problems, d.answer(call)...)
		}
		if c := callForm.FindStringSubmatch(call); c != nil && c[3] != "-1" {
			d.done(c[1], c[2])
		}
	}
	return problems
}

func (d *disk) write(call string) {
	name, args, _ := strings.Cut(call, "(")
	f := fileForm.FindStringSubmatch(args)
	if f != nil && (name == "write" || name == "pwrite64" || name == "ftruncate") && d.counts(f[1]) {
		d.data[f[1]], d.written[f[1]] = true, true
	}
}

// answer looks at an answer of the door, in the moment in which it leaves.
func (d *disk) answer(call string) (problems []string) {
	if !strings.HasPrefix(call, "write(") || !strings.Contains(call, `"HTTP/1.1 200 OK`) {
		return nil
	}
	d.answers++
	for path := range d.data {
		problems = append(problems, fmt.Sprintf("answer %d was sent before what was written to %s was synced", d.answers, path))
	}
	for path := range d.names {
		problems = append(problems, fmt.Sprintf("answer %d was sent before the name of %s was synced", d.answers, path))
	}
	return problems
}

// done follows a call that has succeeded.
func (d *disk) done(name, args string) {
	switch name {
	case "fsync", "fdatasync":
		d.syncs++
		f := fileForm.FindStringSubmatch(args)
		if f == nil {
			return
		}
		delete(d.data, f[1])
		for path := range d.names {
			if filepath.Dir(path) == f[1] {
				delete(d.names, path)
			}
		}
	case "openat":
		if path := lastText(args); strings.Contains(args, "O_CREAT") && d.counts(path) && !d.known[path] {
			d.known[path], d.names[path] = true, true
		}
	case "rename", "renameat", "renameat2":
		if to := lastText(args); d.counts(to) {
			d.known[to], d.names[to] = true, true
		}
	case "unlink", "unlinkat":
		path := lastText(args)
		delete(d.data, path)
		delete(d.names, path)
		delete(d.known, path)
	}
}

// lastText is the last string among the arguments: a path.
func lastText(args string) string {
	all := textForm.FindAllStringSubmatch(args, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// TestDisk: what the test above would see of a gateway that answers too early.
func TestDisk(t *testing.T) {
	const file, answer = `7</s/state.db-wal>`, `1 write(9<socket:[5]>, "HTTP/1.1 200 OK\r\n"..., 80) = 80`
	for _, c := range []struct{ name, trace, want string }{
		{"synced", "1 pwrite64(" + file + `, "x"..., 9, 0) = 9` + "\n1 fdatasync(" + file + ") = 0\n" + answer, ""},
		{"not synced", "1 pwrite64(" + file + `, "x"..., 9, 0) = 9` + "\n" + answer, "written to /s/state.db-wal"},
		{"not yet synced", "1 pwrite64(" + file + `, "x"..., 9, 0) = 9` + "\n2 fsync(" + file + " <unfinished ...>\n" + answer + "\n2 <... fsync resumed>) = 0", "written to /s/state.db-wal"},
		{"synced by another thread", "1 write(" + file + `, "x"..., 9) = 9` + "\n2 fsync(" + file + " <unfinished ...>\n2 <... fsync resumed>) = 0\n" + answer, ""},
		{"the sync fails", "1 write(" + file + `, "x"..., 9) = 9` + "\n1 fsync(" + file + ") = -1 EIO (Input/output error)\n" + answer, "written to /s/state.db-wal"},
		{"a name", `1 openat(AT_FDCWD</>, "/s/audit/journal/0", O_WRONLY|O_CREAT|O_EXCL, 0600) = 7</s/audit/journal/0>` + "\n" + answer, "name of /s/audit/journal/0"},
		{"a name that is synced", `1 openat(AT_FDCWD</>, "/s/audit/journal/0", O_WRONLY|O_CREAT|O_EXCL, 0600) = 7</s/audit/journal/0>` + "\n1 fsync(8</s/audit/journal>) = 0\n" + answer, ""},
		{"renamed", `1 renameat(AT_FDCWD</>, "/s/keyring.1", AT_FDCWD</>, "/s/keyring") = 0` + "\n" + answer, "name of /s/keyring"},
	} {
		got := strings.Join(newDisk("/s").replay(c.trace), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
