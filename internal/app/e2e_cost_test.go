package app

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMadeBodiesAreHeld: what policies make of a small body counts as memory like
// a large one that came, so that many of them are refused before there is none
// left; and it is let go of when the answer begins.
func TestMadeBodiesAreHeld(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte("x"), 12<<20))
	_ = z.Close()
	const once = `<find-and-replace from="y" to="z" />`
	for _, tt := range []struct{ name, document, body, coding string }{
		{"find-and-replace", `<find-and-replace from="a" to="` + strings.Repeat("b", 1000) + `" />`, strings.Repeat("a", 20_000), ""},
		{"set-body", `<set-body>@(new string('a', 20000000))</set-body>`, "a", ""},
		{"gzip", once, zipped.String(), "gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arrived, goOn := make(chan bool, 4), make(chan bool)
			s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				arrived <- true
				<-goOn
			}), map[string]string{"apim/apis/openai/policy.xml": onlyInbound(tt.document)})
			s.write(t, "cloister.yaml", s.config("limits: {memoryBytes: 268435456}\n")) // an eighth of it is for bodies
			g := s.start(t)
			ask := func() int {
				resp, err := g.send(t, g.client, "POST", "/openai/x", strings.NewReader(tt.body), http.Header{"Content-Encoding": {tt.coding}})
				if err != nil {
					t.Error(err)
					return 0
				}
				defer resp.Body.Close()
				_, _ = io.Copy(io.Discard, resp.Body)
				return resp.StatusCode
			}
			var first sync.WaitGroup
			first.Go(func() {
				if got := ask(); got != http.StatusOK {
					t.Errorf("the first: %d", got)
				}
			})
			select {
			case <-arrived:
			case <-time.After(10 * time.Second):
				t.Fatal("the first does not arrive")
			}
			if got := ask(); got != http.StatusServiceUnavailable {
				t.Errorf("the second, beside the first: %d", got)
			}
			close(goOn)
			first.Wait()
			if got := ask(); got != http.StatusOK {
				t.Errorf("afterwards: %d", got)
			}
		})
	}
}
