package lab

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// Attempt is one thing that was tried with real packets.
type Attempt struct {
	// What was tried: "connect", "rules", "name", "spoof", "tls" or "answer".
	What string `json:"what"`
	// From and To are hosts by name, or addresses; of a name To is the name.
	From string `json:"from"`
	To   string `json:"to"`
	Port int    `json:"port"`
	// Protocol is "tcp", "udp" or "icmp".
	Protocol string `json:"protocol"`
	// Expected is what network/reachability.yaml says, or, of names and of what
	// stands outside, what private endpoints are for. Seen is what happened.
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	// Rule is what decided, as GROUP/RULE; empty: no rule was asked.
	Rule string `json:"rule"`
	OK   bool   `json:"ok"`
	// Host is whose rules alone were asked, for what is "rules", and Inbound
	// which of them.
	Host    string `json:"host,omitempty"`
	Inbound bool   `json:"inbound,omitempty"`
}

// The words of what is expected and seen.
const (
	seenAllowed = "allowed"
	seenDenied  = "denied"
)

func allowedWord(ok bool) string {
	if ok {
		return seenAllowed
	}
	return seenDenied
}

// name says what was tried.
func (a *Attempt) name() string {
	to := a.To
	if a.Port != 0 {
		to += ":" + strconv.Itoa(a.Port)
	}
	name := fmt.Sprintf("%s %s -> %s %s", a.What, a.From, to, a.Protocol)
	if a.Host != "" {
		name += " at " + a.Host + " " + direction(a.Inbound)
	}
	return name
}

func direction(inbound bool) string {
	if inbound {
		return "inbound"
	}
	return "outbound"
}

// Report is what [Lab.Verify] found.
type Report struct {
	Attempts []Attempt `json:"attempts"`
}

// Failed are the attempts that went otherwise than expected.
func (r *Report) Failed() (out []Attempt) {
	for _, a := range r.Attempts {
		if !a.OK {
			out = append(out, a)
		}
	}
	return out
}

// WriteText writes a table: every attempt from host to host, and of those that
// asked single rules the ones that went wrong.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rules, wrong := 0, 0
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.What == whatRules {
			rules++
		}
		if !a.OK {
			wrong++
		}
		if a.What == whatRules && a.OK {
			continue
		}
		mark, seen := "ok", a.Seen
		if !a.OK {
			mark, seen = "WRONG", fmt.Sprintf("%s, expected %s", a.Seen, a.Expected)
		}
		to := a.To
		if a.Port != 0 {
			to += ":" + strconv.Itoa(a.Port)
		}
		rule := a.Rule
		if a.Host != "" {
			rule += " (" + a.Host + " " + direction(a.Inbound) + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, a.What, a.From, to, a.Protocol, seen, rule)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d attempts, %d of them at single rules: %d went otherwise than network/reachability.yaml says\n", len(r.Attempts), rules, wrong)
	return err
}

// WriteJUnit writes the report for build systems.
func (r *Report) WriteJUnit(w io.Writer, took time.Duration) error {
	type failure struct {
		Message string `xml:"message,attr"`
	}
	type testCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *failure `xml:"failure,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: "cloister lab verify", Tests: len(r.Attempts), Failures: len(r.Failed()), Time: strconv.FormatFloat(took.Seconds(), 'f', 3, 64)}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		c := testCase{Class: "network", Name: a.name()}
		if !a.OK {
			c.Failure = &failure{Message: fmt.Sprintf("expected %s, seen %s by %s", a.Expected, a.Seen, a.Rule)}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// The kinds of attempts.
const (
	whatConnect = "connect"
	whatRules   = "rules"
	whatName    = "name"
	whatSpoof   = "spoof"
	whatTLS     = "tls"
	whatAnswer  = "answer"
)
