package mono

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/test/oracle"
)

// chunk is how many programs one compilation takes. mcs needs a second to
// start; a crash of it costs a search in the chunk.
const chunk = 250

// maxValue bounds what is recorded of one program: answers are read by people.
const maxValue = 8 << 10

// Run gives the results of the programs, in their order. The error is of the
// machinery, never of a program.
func (m *Mono) Run(ctx context.Context, programs []Program) ([]Result, error) {
	var out []Result
	for len(programs) > 0 {
		n := min(chunk, len(programs))
		results, err := m.chunk(ctx, programs[:n])
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
		programs = programs[n:]
	}
	return out, nil
}

func (m *Mono) chunk(ctx context.Context, programs []Program) ([]Result, error) {
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	results := make([]Result, len(programs))
	var contexts bytes.Buffer
	var all []int
	for i, p := range programs {
		if err := os.WriteFile(filepath.Join(dir, file(i)), []byte(source(i, p.Expression)), 0o644); err != nil {
			return nil, err
		}
		if p.Context != nil {
			if err := json.Compact(&contexts, p.Context); err != nil {
				return nil, fmt.Errorf("context: %w", err)
			}
		}
		contexts.WriteByte('\n')
		all = append(all, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "contexts"), contexts.Bytes(), 0o644); err != nil {
		return nil, err
	}
	c := &compilation{mono: m, dir: dir, results: results}
	good, err := c.narrow(ctx, all)
	if err != nil {
		return nil, err
	}
	return results, m.execute(ctx, dir, good, results)
}

func file(i int) string { return "R" + strconv.Itoa(i) + ".cs" }

// compilation finds the programs of a chunk that compile.
type compilation struct {
	mono    *Mono
	dir     string
	results []Result
}

// located is an error that mcs gives a place to. It counts columns to 255+.
var located = regexp.MustCompile(`^R(\d+)\.cs\(\d+,\d+\+?\): error (CS\d+): (.*)`)

// narrow compiles until no error is left and returns the programs that remain,
// now compiled to rows.dll.
func (c *compilation) narrow(ctx context.Context, rows []int) ([]int, error) {
	for len(rows) > 0 {
		text, err := c.try(ctx, rows)
		if err == nil {
			return rows, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		bad := c.refuseAll(text)
		if len(bad) == 0 {
			// The compiler itself broke, without a place: search for who did it.
			good, err := c.search(ctx, rows)
			if err != nil {
				return nil, err
			}
			if len(good) == len(rows) {
				return nil, fmt.Errorf("mcs fails on programs that it compiles one by one:\n%s", text)
			}
			rows = good
			continue
		}
		rows = without(rows, bad)
	}
	return nil, nil
}

// refuseAll notes every program that mcs names, with its first error.
func (c *compilation) refuseAll(text string) map[int]bool {
	bad := map[int]bool{}
	for _, line := range strings.Split(text, "\n") {
		m := located.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if old := c.results[n].Answer.Error; !bad[n] || summary[old.Code] {
			c.refuse(n, m[2], m[3])
		}
		bad[n] = true
	}
	return bad
}

// summary are errors that mcs gives before the one that says what is wrong,
// which is the only one of csc: CS1503 for an argument, for example.
var summary = map[string]bool{"CS1502": true, "CS1594": true, "CS1928": true}

func (c *compilation) refuse(n int, code, message string) {
	if code == "CS0589" {
		// What follows on the same line is a trace of the compiler's own.
		message, _, _ = strings.Cut(message, "System.")
	}
	c.results[n].Answer.Error = &oracle.Failure{Type: "compile", Code: code, Message: strings.TrimSpace(message)}
}

// search halves the rows until it has those that break the compiler alone.
func (c *compilation) search(ctx context.Context, rows []int) ([]int, error) {
	if _, err := c.try(ctx, rows); err == nil {
		return rows, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(rows) == 1 {
		return c.single(ctx, rows[0])
	}
	left, err := c.search(ctx, rows[:len(rows)/2])
	if err != nil {
		return nil, err
	}
	right, err := c.search(ctx, rows[len(rows)/2:])
	return append(left, right...), err
}

func (c *compilation) single(ctx context.Context, n int) ([]int, error) {
	text, err := c.try(ctx, []int{n})
	if err == nil {
		return []int{n}, nil
	}
	if c.refuseAll(text)[n] {
		return nil, nil
	}
	c.refuse(n, "CS0589", "internal compiler error")
	return nil, ctx.Err()
}

func (c *compilation) try(ctx context.Context, rows []int) (string, error) {
	var list strings.Builder
	for _, n := range rows {
		list.WriteString(file(n) + "\n")
	}
	if err := os.WriteFile(filepath.Join(c.dir, "files.rsp"), []byte(list.String()), 0o644); err != nil {
		return "", err
	}
	return c.mono.compile(ctx, c.dir, filepath.Join(c.dir, "rows.dll"), "library", "-r:"+c.mono.world(), "@files.rsp")
}

func without(rows []int, bad map[int]bool) []int {
	var out []int
	for _, n := range rows {
		if !bad[n] {
			out = append(out, n)
		}
	}
	return out
}

// execute runs the rows, again from behind each that ended the process.
func (m *Mono) execute(ctx context.Context, dir string, rows []int, results []Result) error {
	for len(rows) > 0 {
		done, trouble, err := m.process(ctx, dir, rows, results)
		if err != nil {
			return err
		}
		rows = rows[done:]
		if trouble != "" && len(rows) > 0 {
			results[rows[0]].Trouble = trouble
			rows = rows[1:]
		} else if len(rows) > 0 {
			return fmt.Errorf("the harness gave no answer for %d programs", len(rows))
		}
	}
	return nil
}

// process runs one harness from the first of rows on and says how many
// answered, and what became of the next.
func (m *Mono) process(ctx context.Context, dir string, rows []int, results []Result) (done int, trouble string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, m.mono, m.world(), filepath.Join(dir, "rows.dll"), filepath.Join(dir, "contexts"), strconv.Itoa(rows[0]))
	cmd.Dir = dir
	cmd.Env = m.env()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	watch := time.AfterFunc(m.RowTimeout, func() { trouble = "hangs"; cancel() })
	answers := bufio.NewReaderSize(stdout, 1<<16)
	for done < len(rows) {
		line, err := answers.ReadBytes('\n')
		if err != nil {
			break // the process has ended, by itself or by us
		}
		if !bytes.HasPrefix(line, []byte(`{"row":`)) {
			continue // the runtime's own words, or the program's
		}
		if !watch.Reset(m.RowTimeout) {
			break // it had fired: what came last came too late
		}
		if err := accept(line, rows[done], results); err != nil {
			cancel()
			cmd.Wait()
			return done, "", err
		}
		done++
	}
	watch.Stop()
	waited := cmd.Wait()
	if waited != nil && trouble == "" && done < len(rows) {
		trouble = "ends the process: " + waited.Error()
		if strings.Contains(stderr.String(), "Stack overflow") {
			trouble = "stack overflow"
		}
	}
	return done, trouble, nil
}

// accept reads one line of the harness into the results.
func accept(line []byte, want int, results []Result) error {
	var head struct {
		Row      int
		Unsteady bool
		Broken   string
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("the harness wrote %q: %w", line, err)
	}
	if head.Row != want {
		return fmt.Errorf("the harness answered program %d, want %d", head.Row, want)
	}
	r := &results[want]
	if head.Broken != "" {
		r.Trouble = head.Broken
		return nil
	}
	if err := json.Unmarshal(line, &r.Answer); err != nil {
		return err
	}
	r.Answer = asNET(r.Answer)
	if e := r.Answer.Error; e != nil && (e.Type == "System.StackOverflowException" || e.Type == "System.OutOfMemoryException") {
		r.Trouble = "runs into a limit of the machine: " + e.Type
	}
	if len(r.Answer.Value) > maxValue {
		r.Trouble = fmt.Sprintf("gives %d bytes, more than %d", len(r.Answer.Value), maxValue)
		r.Answer = oracle.Answer{}
	}
	if head.Unsteady {
		r.Trouble = "gives another answer the second time"
	}
	return nil
}

// Evaluator answers by this Mono. To programs with trouble it says nothing.
func (m *Mono) Evaluator() oracle.Evaluator {
	return func(ctx context.Context, questions []oracle.Question) ([]oracle.Answer, error) {
		programs := make([]Program, len(questions))
		for i, q := range questions {
			programs[i] = Program{Expression: q.Expression, Context: q.Context}
		}
		results, err := m.Run(ctx, programs)
		if err != nil {
			return nil, err
		}
		out := make([]oracle.Answer, len(results))
		for i, r := range results {
			if r.Trouble == "" {
				out[i] = r.Answer
			}
		}
		return out, nil
	}
}
