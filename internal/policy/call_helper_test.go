package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// callStub answers calls as a fixture says, and writes down what it was sent.
type callStub struct {
	t testing.TB

	mu      sync.Mutex // guards the rest
	answers map[string]string
	sent    []string
	// full: there is no room for what goes on in the background.
	full bool
}

func newCallStub(t testing.TB, text string) *callStub {
	s := &callStub{t: t, answers: map[string]string{}}
	for part := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n---\n") {
		line, answer, _ := strings.Cut(part, "\n")
		if line == "# full" {
			s.full = true
			continue
		}
		s.answers[line] = answer
	}
	return s
}

func (s *callStub) note(how string, r *CallRequest) string {
	line := r.Method + " " + r.URL.String()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s (timeout %v", how, line, r.Timeout)
	if r.Certificate != nil {
		b.WriteString(", with a certificate")
	}
	b.WriteString(")\n")
	var body *Body
	if r.Body != nil {
		body = &Body{Bytes: r.Body, Length: int64(len(r.Body))}
	}
	writeMessage(s.t, &b, r.Header, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, b.String())
	return s.answers[line]
}

func (s *callStub) Call(ctx context.Context, r *CallRequest) (*CallResponse, error) {
	answer := s.note("called", r)
	if answer == "" {
		return nil, &egress.RefusedError{Class: egress.Call, Host: r.URL.Hostname(), Code: egress.CodeNotListed}
	}
	line, rest, _ := strings.Cut(answer, "\n")
	if text, ok := strings.CutPrefix(line, "# error "); ok {
		return nil, errors.New(text)
	}
	switch line {
	case "# timeout":
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(ErrCallTimeout)
		return nil, context.Cause(ctx)
	case "# too large":
		return nil, ErrCallTooLarge
	case "# wait":
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	code, reason, _ := strings.Cut(line, " ")
	status, err := strconv.Atoi(code)
	if err != nil {
		s.t.Errorf("an answer of %q", line)
	}
	h, body := parseHead(s.t, rest)
	return &CallResponse{StatusCode: status, Reason: reason, Header: h, Body: []byte(body)}, nil
}

func (s *callStub) Later(r *CallRequest) bool {
	if s.full {
		return false
	}
	s.note("called in the background", r)
	return true
}

// String is what was sent, in an order that does not hang on who was first.
func (s *callStub) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.sent)
	return strings.Join(s.sent, "")
}

// loggerStub writes down what is logged.
type loggerStub struct {
	s    *surroundings
	full bool
}

func (l loggerStub) Log(logger string, m EventMessage) bool {
	if l.full {
		return false
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	body := m.Body
	if len(body) > 100 {
		body = append(body[:50:50], fmt.Sprintf("… of %d bytes", len(body))...)
	}
	fmt.Fprintf(&l.s.did, "logged to %s, partition %q, key %q: %s\n", logger, m.PartitionID, m.PartitionKey, body)
	return true
}
