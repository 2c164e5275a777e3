package cli

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/policy/simulate"
)

// junitReport is a report in JUnit's form.
type junitReport struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Suites   []junitFile `xml:"testsuite"`
}

type junitFile struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`

	took time.Duration
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *junitReport) suite(name string) *junitFile {
	if n := len(r.Suites); n == 0 || r.Suites[n-1].Name != name {
		r.Suites = append(r.Suites, junitFile{Name: name})
	}
	return &r.Suites[len(r.Suites)-1]
}

func (r *junitReport) add(t simulate.TestResult) {
	s := r.suite(t.File)
	k := junitCase{Name: t.Name, Class: t.File, Time: seconds(t.Took)}
	s.took += t.Took
	s.Time = seconds(s.took)
	s.Tests++
	r.Tests++
	if len(t.Failures) > 0 {
		s.Failures++
		r.Failures++
		k.Failure = &junitMessage{Message: t.Failures[0], Text: strings.Join(t.Failures, "\n")}
	}
	s.Cases = append(s.Cases, k)
}

func (r *junitReport) broken(file, why string) {
	s := r.suite(file)
	s.Tests, s.Errors = s.Tests+1, s.Errors+1
	r.Tests, r.Errors = r.Tests+1, r.Errors+1
	s.Cases = append(s.Cases, junitCase{Name: "documents", Class: file, Time: "0", Error: &junitMessage{Message: why}})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func (r *junitReport) write(file string) error {
	text, err := xml.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(file, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
