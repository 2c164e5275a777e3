package policy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// MaxBuffered is how large a body may be that a policy reads, in bytes, where
// nothing else bounds it.
const MaxBuffered = 32 << 20

// bytes is the content of a body, which lies in memory from then on. request:
// it is the request's.
func (x *Exchange) bytes(b *Body, request bool) ([]byte, *Error) {
	if b == nil {
		return nil, nil
	}
	if b.Stream == nil {
		return b.Bytes, nil
	}
	if x.Buffer != nil {
		if e := x.Buffer(b, request); e != nil {
			return nil, e
		}
		return b.Bytes, nil
	}
	content, err := io.ReadAll(io.LimitReader(b.Stream, MaxBuffered+1))
	if closeErr := b.Stream.Close(); err == nil {
		err = closeErr
	}
	if err == nil && len(content) > MaxBuffered {
		err = errors.New("too large")
	}
	if err != nil {
		return nil, BodyError(request, len(content) > MaxBuffered, MaxBuffered, err)
	}
	b.Bytes, b.Stream, b.Length = content, nil, int64(len(content))
	return content, nil
}

// BodyError is the error of a body that a policy cannot read: one that breaks
// off, or is larger than most bytes.
func BodyError(request, tooLarge bool, most int64, cause error) *Error {
	of, status := "response", http.StatusInternalServerError
	if request {
		of, status = "request", http.StatusBadRequest
	}
	e := &Error{
		Reason: "BodyUnreadable", Status: status, Cause: cause,
		Message: fmt.Sprintf("The %s body could not be read.", of),
	}
	if tooLarge {
		e.Reason, e.Message = "BodyTooLarge", fmt.Sprintf("A policy reads the %s body, which is larger than %d MiB.", of, most>>20)
		if request {
			e.Status = http.StatusRequestEntityTooLarge
		}
	}
	if request {
		e.PublicMessage = e.Message
	}
	return e
}
