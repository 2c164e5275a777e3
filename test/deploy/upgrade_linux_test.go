package deploy

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestUpgradeLosesNothing: one process takes the other's place on the same
// socket, while clients go on. No request is refused or lost, and a stream that
// is open ends as it would have.
func TestUpgradeLosesNothing(t *testing.T) {
	m := newMachine(t)
	old := m.serve(t, m.sockets(t)...)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answers [3]atomic.Int64
	for i, kind := range []struct{ keepAlive, http2 bool }{{false, false}, {true, false}, {true, true}} {
		clients.Go(func() {
			c := m.client(kind.keepAlive, kind.http2)
			defer c.CloseIdleConnections()
			for ctx.Err() == nil {
				if answer, err := call(t.Context(), c, "GET", "/models", ""); err != nil || answer != "ok" {
					t.Errorf("client %+v: %q, %v", kind, answer, err)
				}
				answers[i].Add(1)
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	for answers[0].Load() < 20 || answers[1].Load() < 20 || answers[2].Load() < 20 {
		time.Sleep(10 * time.Millisecond)
		if t.Failed() {
			break
		}
	}
	var stream sync.WaitGroup
	stream.Go(func() {
		answer, err := call(t.Context(), m.client(false, false), "POST", "/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"x"}]}`)
		if err != nil || strings.Count(answer, "data: ") != events+1 || !strings.HasSuffix(answer, "data: [DONE]\n\n") {
			t.Errorf("the stream: %v\n%s", err, answer)
		}
	})
	time.Sleep(3 * interval)
	end(t, old)
	fresh := m.serve(t, m.sockets(t)...)
	stream.Wait()
	before := answers[0].Load()
	for answers[0].Load() < before+50 && !t.Failed() {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	clients.Wait()
	t.Logf("answers: %d on new connections, %d over HTTP/1.1, %d over HTTP/2", answers[0].Load(), answers[1].Load(), answers[2].Load())
	end(t, fresh)
}
