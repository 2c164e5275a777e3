package gateway

import (
	"bytes"
	"io"

	"github.com/cloister-ai/cloister/internal/openai"
)

// usageEdit is how the body that leaves has to ask for its usage, where a policy
// counts tokens and the request does not ask by itself. It was scanned at the
// gate. Only chat completions and completions know the member; the Responses API
// reports without being asked.
func (t *trip) usageEdit(body []byte) (openai.UsageEdit, bool) {
	m := &t.model
	if !t.x.NeedsUsage || m.op == nil || m.info == nil || !m.info.Stream || m.info.IncludeUsage {
		return openai.UsageEdit{}, false
	}
	if m.op.Name != "chat/completions" && m.op.Name != "completions" {
		return openai.UsageEdit{}, false
	}
	return openai.AskUsage(body)
}

// withoutUsage is the answer to a request that the gateway made ask: the caller
// did not, and does not see it.
func (t *trip) withoutUsage(body io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{openai.NewUsageFilter(body), body}
}

// lentBody is a body in memory that is sent, and again where a pool goes on to
// its next member. It lets go of the bytes once an answer has begun: a stream
// may then go on for an hour.
type lentBody struct {
	bytes []byte
	// edit is made on the way, where edited says so.
	edit   openai.UsageEdit
	edited bool
}

// smallBody is what a reader may hold on to for as long as an answer lasts.
// net/http knows *bytes.Reader and sends head and body in one write.
const smallBody = 64 << 10

// length is how many bytes are sent.
func (l *lentBody) length() int64 {
	n := len(l.bytes)
	if l.edited {
		n += len(l.edit.Insert) - (l.edit.End - l.edit.At)
	}
	return int64(n)
}

func (l *lentBody) reader() (io.ReadCloser, error) {
	parts := [][]byte{l.bytes}
	if l.edited {
		parts = [][]byte{l.bytes[:l.edit.At], []byte(l.edit.Insert), l.bytes[l.edit.End:]}
	}
	switch {
	case len(l.bytes) > smallBody:
		return &releasingReader{left: parts}, nil
	case l.edited:
		return io.NopCloser(bytes.NewReader(bytes.Join(parts, nil))), nil
	}
	return io.NopCloser(bytes.NewReader(l.bytes)), nil
}

// releasingReader lets go of its bytes when they are read.
type releasingReader struct{ left [][]byte }

func (r *releasingReader) Read(p []byte) (int, error) {
	for len(r.left) > 0 && len(r.left[0]) == 0 {
		r.left[0] = nil
		r.left = r.left[1:]
	}
	if len(r.left) == 0 {
		r.left = nil
		return 0, io.EOF
	}
	n := copy(p, r.left[0])
	r.left[0] = r.left[0][n:]
	return n, nil
}

func (r *releasingReader) Close() error { return nil }
