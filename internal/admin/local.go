package admin

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// localTransport calls a door in this process, without a connection.
type localTransport struct {
	door  *Door
	actor Actor
}

func (t localTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body, out := io.Pipe()
	w := &localWriter{header: http.Header{}, out: out, begun: make(chan struct{})}
	go func() {
		out.CloseWithError(t.serve(w, r.WithContext(WithActor(r.Context(), t.actor))))
		w.WriteHeader(http.StatusOK)
	}()
	<-w.begun
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Header: w.sent, Body: body, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

// serve runs the door; an answer that it breaks off ends with an error.
func (t localTransport) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if e, ok := v.(error); !ok || !errors.Is(e, http.ErrAbortHandler) {
				panic(v)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	t.door.ServeHTTP(w, r)
	return nil
}

// localWriter is the door's side of an answer.
type localWriter struct {
	header, sent http.Header
	status       int
	out          *io.PipeWriter
	once         sync.Once
	begun        chan struct{}
}

func (w *localWriter) Header() http.Header { return w.header }

func (w *localWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *localWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.out.Write(p)
}
