package policy

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// bodyChange is what policies that change a body do with it: they read it whole,
// and put another one in its place.
type bodyChange struct {
	x      *Exchange
	header http.Header
	// answer: it is the answer's body, else the request's.
	answer bool
	// head: it is the answer to a HEAD, which says what the body would be and has
	// none. What a policy would make of it nobody knows, how long it is neither.
	head bool
}

// changeBody begins a change; nil where there is no body.
func (x *Exchange) changeBody(answer bool) *bodyChange {
	switch {
	case !answer && x.Request.Body != nil:
		return &bodyChange{x: x, header: x.Request.Header}
	case answer && x.Response != nil && x.Response.Body != nil:
		head := x.Request.Method == http.MethodHead && x.Response.FromBackend && x.Response.Body.Stream != nil
		return &bodyChange{x: x, header: x.Response.Header, answer: true, head: head}
	}
	return nil
}

func (b *bodyChange) body() *Body {
	if b.answer {
		return b.x.Response.Body
	}
	return b.x.Request.Body
}

// read gives the body, gzip undone. Other codings are an error, and so is a part
// of a body, which may end within what has to be found: a policy that changes
// nothing without a word would leave in what it has to take out.
func (b *bodyChange) read() ([]byte, *Error) {
	if b.head {
		dropBodyFields(b.header)
		b.body().Length = -1
		return nil, nil
	}
	if b.answer && b.x.Response.FromBackend && b.x.Response.StatusCode == http.StatusPartialContent {
		return nil, b.malformed("text that a policy can change: it is a part of a body", nil)
	}
	content, e := b.x.bytes(b.body(), !b.answer)
	if e != nil || len(content) == 0 {
		return nil, e
	}
	switch coding := strings.ToLower(strings.Join(b.header["Content-Encoding"], ",")); coding {
	case "", "identity":
		return content, nil
	case "gzip", "x-gzip":
		plain, e, err := b.unzipped(content)
		if e != nil {
			return nil, e
		}
		if errors.Is(err, errTooLong) {
			return nil, BodyError(!b.answer, true, MaxBuffered, err)
		}
		if err != nil {
			return nil, b.malformed("gzip", err)
		}
		return plain, nil
	default:
		return nil, b.malformed("text that a policy can change: its Content-Encoding is "+coding, nil)
	}
}

var errTooLong = errors.New("too long")

// unzipped undoes gzip. What comes out may be a thousand times as long, so its
// memory is asked for before it is taken.
func (b *bodyChange) unzipped(content []byte) ([]byte, *Error, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, nil, err
	}
	var plain []byte
	for {
		if len(plain) == cap(plain) {
			more := max(len(plain), 4*len(content), 512)
			if e := b.x.holdBody(len(plain)+more, b.answer); e != nil {
				return nil, e, nil
			}
			plain = slices.Grow(plain, more)
		}
		n, err := r.Read(plain[len(plain):cap(plain)])
		plain = plain[:len(plain)+n]
		switch {
		case len(plain) > MaxBuffered:
			return nil, nil, errTooLong
		case errors.Is(err, io.EOF):
			return plain, nil, nil
		case err != nil:
			return nil, nil, err
		}
	}
}

// put puts a body in the place of the one that was read.
func (b *bodyChange) put(content []byte) *Error {
	if b.head {
		return nil
	}
	if len(content) > MaxBuffered {
		return BodyError(!b.answer, true, MaxBuffered, errTooLong)
	}
	return b.x.putBody(content, b.answer)
}

// malformed is the error of a body that is not what it has to be.
func (b *bodyChange) malformed(what string, err error) *Error {
	return malformedBody(!b.answer, what, err)
}

// accepts reports whether the request's Accept names a kind of content.
func (x *Exchange) accepts(kind mediaKind) bool {
	for _, line := range x.Request.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			media, parameters, _ := strings.Cut(part, ";")
			if contentKind(media) == kind && !refused(parameters) {
				return true
			}
		}
	}
	return false
}

// refused reports q=0 among the parameters of a media type.
func refused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			return strings.Trim(strings.TrimSpace(v), "0.") == ""
		}
	}
	return false
}
