// Package mono compiles and runs C# expressions with Debian's Mono: mcs, the
// runtime and Newtonsoft.Json, which "make deps" installs.
//
// Each expression becomes a class in a file of its own, so that one that does
// not parse leaves the others alone: those with errors are taken out with
// their CS codes, and the rest is compiled again. What compiles runs in one
// process in the invariant culture and UTC. An expression that hangs or brings
// the process down is named in Result.Trouble, and the rest goes on.
package mono

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/test/oracle"
)

//go:embed *.cs allowed.txt
var sources embed.FS

// newtonsoft is where the Debian package has it.
const newtonsoft = "/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll"

// references are what every compilation sees.
const references = "-r:System.dll,System.Core.dll,System.Numerics.dll,System.Xml.dll,System.Xml.Linq.dll," + newtonsoft

// Program is one expression with the context file's JSON, which may be nil.
type Program struct {
	Expression string
	Context    json.RawMessage
}

// Result is what came of a program. With Trouble the answer is not to be kept:
// the program hung, crashed, gave another answer the second time, or its
// context cannot be read.
type Result struct {
	Answer  oracle.Answer
	Trouble string
}

// Mono is an installed Mono with our part of the world compiled.
type Mono struct {
	mcs, mono string
	dir       string // the compiled parts
	// RowTimeout ends a program that gives no answer; 10 s by default.
	RowTimeout time.Duration
}

// New compiles the world of expressions unless cache holds it from before.
func New(ctx context.Context, mcs, mono, cache string) (*Mono, error) {
	if _, err := os.Stat(newtonsoft); err != nil {
		return nil, fmt.Errorf("Newtonsoft.Json is not installed; run: sudo make deps: %w", err)
	}
	m := &Mono{mcs: mcs, mono: mono, RowTimeout: 10 * time.Second}
	hash := sha256.New()
	names, err := fs.Glob(sources, "*.cs")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(sources, name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(text), text)
	}
	m.dir = filepath.Join(cache, hex.EncodeToString(hash.Sum(nil))[:16])
	if _, err := os.Stat(m.world()); err == nil {
		return m, nil
	}
	return m, m.build(ctx)
}

// Find returns the Mono of this machine. What it compiles of ours is kept in
// .cache/oracle below the working directory, the repository's root.
func Find(ctx context.Context) (*Mono, error) {
	mcs, err := exec.LookPath("mcs")
	if err != nil {
		return nil, fmt.Errorf("%w; run: sudo make deps", err)
	}
	runtime, err := exec.LookPath("mono")
	if err != nil {
		return nil, fmt.Errorf("%w; run: sudo make deps", err)
	}
	cache, err := filepath.Abs(filepath.Join(".cache", "oracle"))
	if err != nil {
		return nil, err
	}
	return New(ctx, mcs, runtime, cache)
}

func (m *Mono) world() string { return filepath.Join(m.dir, "world.exe") }

func (m *Mono) build(ctx context.Context) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(m.dir, "build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, sources); err != nil {
		return err
	}
	out := filepath.Join(tmp, "world.exe")
	world := []string{"harness.cs", "context.cs", "extensions.cs", "world.cs", "message.cs"}
	if text, err := m.compile(ctx, tmp, out, "exe", world...); err != nil {
		return fmt.Errorf("compiling the world: %w\n%s", err, text)
	}
	return os.Rename(out, m.world())
}

// compile runs mcs in dir and returns what it printed.
func (m *Mono) compile(ctx context.Context, dir, out, target string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	args = append([]string{"-warn:0", "-optimize-", "-target:" + target, "-out:" + out, references}, args...)
	cmd := exec.CommandContext(ctx, m.mcs, args...)
	cmd.Dir = dir
	cmd.Env = m.env()
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func (m *Mono) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + m.dir, "TMPDIR=" + os.TempDir(), "TZ=UTC", "LANG=C",
		"MONO_PATH=" + filepath.Dir(newtonsoft), "MONO_GC_PARAMS=max-heap-size=512m", "MONO_DEBUG=casts",
	}
}

// Members prints every member of the types that expressions may use, the text
// of ../members.txt.
func (m *Mono) Members(ctx context.Context) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, sources); err != nil {
		return nil, err
	}
	out := filepath.Join(tmp, "members.exe")
	if text, err := m.compile(ctx, tmp, out, "exe", "-r:"+m.world(), "members.cs"); err != nil {
		return nil, fmt.Errorf("compiling members.cs: %w\n%s", err, text)
	}
	cmd := exec.CommandContext(ctx, m.mono, out, "allowed.txt")
	cmd.Dir = tmp
	cmd.Env = append(m.env(), "MONO_PATH="+filepath.Dir(newtonsoft)+":"+m.dir)
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("members.exe: %w", err)
	}
	return text, nil
}

// usings are the namespaces that an expression sees without their names; see
// doc.go of package oracle for how they were chosen.
const usings = `using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using XmlNodeType = System.Xml.XmlNodeType;
`

// source is the file of program n.
func source(n int, expression string) string {
	body := strings.TrimPrefix(expression, "@")
	if strings.HasPrefix(body, "(") {
		body = "{ return\n" + body + "\n; }"
	}
	return fmt.Sprintf("%spublic static class R%d {\npublic static object Run(IContext context)\n%s\n}\n", usings, n, body)
}
