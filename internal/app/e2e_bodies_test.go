package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// twoModels names two models: whoever reads it next would choose.
const twoModels = `{"model":"gpt-4o","messages":[],"model":"gpt-4o-mini"}`

// TestPoliciesDoNotHideModels: what policies make of a request is scanned as it
// will leave, whatever it was when it came.
func TestPoliciesDoNotHideModels(t *testing.T) {
	var heard atomic.Int64
	backend := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard.Add(1); echo(w, r) })
	operation := func(policies string) string {
		return "<policies><inbound><base />" + policies + "</inbound><backend><base /></backend><outbound /><on-error /></policies>"
	}
	s := newSite(t, backend, map[string]string{
		"apim/apis/plain/apiInformation.json": api("plain", `,"subscriptionRequired":true`),
		"apim/apis/plain/policy.xml":          onlyInbound(`<set-backend-service backend-id="openai" />`),
		"apim/apis/plain/specification.yaml": `openapi: 3.0.1
info: {title: plain, version: "1"}
paths:
  /rewrite: {post: {operationId: rewrite, responses: {"200": {description: ok}}}}
  /rewrite-get: {get: {operationId: rewrite-get, responses: {"200": {description: ok}}}}
  /elsewhere: {post: {operationId: elsewhere, responses: {"200": {description: ok}}}}
  /retyped/{name}: {post: {operationId: retyped, responses: {"200": {description: ok}}}}
  /body: {post: {operationId: body, responses: {"200": {description: ok}}}}
  /good-body: {post: {operationId: good-body, responses: {"200": {description: ok}}}}
  /v1/chat/completions: {post: {operationId: pathless, responses: {"200": {description: ok}}}}
  /untouched: {post: {operationId: untouched, responses: {"200": {description: ok}}}}
`,
		"apim/apis/plain/operations/rewrite/policy.xml":     operation(`<rewrite-uri template="/v1/chat/completions" />`),
		"apim/apis/plain/operations/rewrite-get/policy.xml": operation(`<set-method>POST</set-method><rewrite-uri template="/v1/chat/completions" />`),
		"apim/apis/plain/operations/elsewhere/policy.xml":   operation(`<set-backend-service backend-id="other" /><rewrite-uri template="/chat/completions" />`),
		"apim/apis/plain/operations/retyped/policy.xml":     operation(`<rewrite-uri template="/deployments/{name}/chat/completions" />`),
		"apim/apis/plain/operations/body/policy.xml":        operation(`<rewrite-uri template="/v1/chat/completions" /><set-body>` + strings.ReplaceAll(twoModels, `"`, "&quot;") + `</set-body>`),
		"apim/apis/plain/operations/good-body/policy.xml":   operation(`<rewrite-uri template="/v1/chat/completions" /><set-body>{"model":"mine"}</set-body>`),
		"apim/apis/openai/operations/post/policy.xml":       operation(`<set-header name="X-Seen" exists-action="override"><value>1</value></set-header>`),
	})
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"backends", `  other: {url: "` + s.backend.URL + `/openai/v1", caFile: tls/backend.pem, credential: {none: true}}`}))
	g := s.start(t)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"model path as it came", "POST", "/openai/v1/chat/completions", twoModels, 400},
		{"model path in another case", "POST", "/OPENAI/V1/Chat/Completions", twoModels, 400},
		{"rewritten to a model path", "POST", "/plain/rewrite", twoModels, 400},
		{"rewritten, in order", "POST", "/plain/rewrite", `{"model":"m"}`, 200},
		{"rewritten, no JSON", "POST", "/plain/rewrite", "model=m", 400},
		{"method set", "GET", "/plain/rewrite-get", twoModels, 400},
		{"method set, in order", "GET", "/plain/rewrite-get", `{"model":"m"}`, 200},
		{"another backend", "POST", "/plain/elsewhere", twoModels, 400},
		{"deployment from a parameter", "POST", "/plain/retyped/d", twoModels, 400},
		{"two slashes in a parameter", "POST", "/plain/retyped/a%2Fb", `{"model":"m"}`, 400},
		{"body of a policy", "POST", "/plain/body", `{"model":"m"}`, 400},
		{"body of a policy, in order", "POST", "/plain/good-body", twoModels, 200},
		{"path below the backend's", "POST", "/plain/v1/chat/completions", twoModels, 400},
		{"not the model API", "POST", "/plain/untouched", twoModels, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := heard.Load()
			resp, err := g.send(t, g.client, tt.method, tt.path, strings.NewReader(tt.body), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status {
				t.Errorf("%s %s, want %d", resp.Status, body, tt.status)
			}
			if reached := heard.Load() > before; reached != (tt.status == 200) {
				t.Errorf("the backend was reached: %v", reached)
			}
		})
	}
}

// TestModelBodies: what is scanned is what leaves, byte for byte; what is not
// JSON is refused, or not the scanner's business.
func TestModelBodies(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), nil)
	s.write(t, "cloister.yaml", s.config("limits: {maxBodyBytes: 65536}\n"))
	g := s.start(t)
	h2 := s.clientFor(t, g.Process, true)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, `{"model":"m"}`)
	z.Close()
	odd := "  { \"model\" : \"\\u006dodel\",\r\n\"messages\":[ 1.50e+2 ,\t\"\u00e9\\/\" ] }\n"
	for _, tt := range []struct {
		name, path, body string
		header           http.Header
		status           int
	}{
		{"spacing and escapes", "/openai/v1/chat/completions", odd, nil, 200},
		{"compressed", "/openai/v1/chat/completions", zipped.String(), http.Header{"Content-Encoding": {"gzip"}}, 400},
		{"UTF-16", "/openai/v1/chat/completions", "\xff\xfe{\x00}\x00", nil, 400},
		{"byte order mark", "/openai/v1/chat/completions", "\ufeff{}", nil, 400},
		{"array", "/openai/v1/chat/completions", `[{"model":"m"}]`, nil, 400},
		{"other content type", "/openai/v1/chat/completions", twoModels, http.Header{"Content-Type": {"text/plain"}}, 400},
		{"claims to be a form", "/openai/v1/chat/completions", twoModels, http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, 400},
		{"too large", "/openai/v1/chat/completions", `{"model":"` + strings.Repeat("x", 65536) + `"}`, nil, 413},
		{"too large elsewhere", "/openai/anything", strings.Repeat("x", 65537), nil, 413},
		{"as large as may be", "/openai/anything", strings.Repeat("x", 65536), nil, 200},
		{"too deep", "/openai/v1/chat/completions", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), nil, 400},
	} {
		for proto, client := range map[string]*http.Client{"HTTP/1.1": g.client, "HTTP/2": h2} {
			for _, chunked := range []bool{false, true} {
				t.Run(fmt.Sprint(tt.name, "/", proto, "/chunked=", chunked), func(t *testing.T) {
					var body io.Reader = strings.NewReader(tt.body)
					if chunked {
						body = io.MultiReader(body) // a reader whose length nobody knows
					}
					resp, err := g.send(t, client, "POST", tt.path, body, tt.header)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Body.Close()
					answer, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != tt.status {
						t.Fatalf("%s %s, want %d", resp.Status, answer[:min(len(answer), 300)], tt.status)
					}
					if tt.status == 200 && decodeEcho(t, string(answer)).Body != tt.body {
						t.Errorf("the body changed: %q", answer[:min(len(answer), 300)])
					}
				})
			}
		}
	}
}

// TestMultipart: forms of the model API pass unread, as they came.
func TestMultipart(t *testing.T) {
	var got string
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got = r.FormValue("model") + " " + r.MultipartForm.File["file"][0].Filename
	}), nil).start(t)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("model", "whisper")
	part, _ := form.CreateFormFile("file", "speech.wav")
	part.Write(bytes.Repeat([]byte{0, 0xff, '\r', '\n'}, 50_000))
	form.Close()
	resp, answer := g.do(t, "POST", "/openai/deployments/whisper/audio/transcriptions", body.String(), http.Header{"Content-Type": {form.FormDataContentType()}})
	if resp.StatusCode != 200 || got != "whisper speech.wav" {
		t.Errorf("%s %s: %q", resp.Status, answer, got)
	}
}

// pattern is a reader of n bytes that are not all the same.
type pattern struct{ at, n int }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.n {
		return 0, io.EOF
	}
	b = b[:min(len(b), p.n-p.at)]
	for i := range b {
		b[i] = byte((p.at + i) * 7 >> 3)
	}
	p.at += len(b)
	return len(b), nil
}

// TestUploadIsNotBuffered: 20 MB pass to a slow backend, and back, while the
// process holds a small part of them.
func TestUploadIsNotBuffered(t *testing.T) {
	const size = 20 << 20
	sum := sha256.New()
	half := make(chan uint64, 1)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(sum, r.Body, size/2)
		time.Sleep(200 * time.Millisecond) // what nobody holds back is here by now
		half <- heap()
		io.Copy(sum, r.Body)
		w.Write(sum.Sum(nil))
	}), nil).start(t)
	before := heap()
	resp, err := g.send(t, g.client, "POST", "/openai/upload", &pattern{n: size}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	want := sha256.New()
	io.Copy(want, &pattern{n: size})
	if resp.StatusCode != 200 || !bytes.Equal(got, want.Sum(nil)) {
		t.Errorf("%s: the body changed", resp.Status)
	}
	if held := <-half; held > before+4<<20 {
		t.Errorf("half-way through 20 MB the process holds %d KiB more than before", (held-before)>>10)
	}
	rec := g.awaitRecords(t, 1)[0]
	if field(rec, "bytes_in") != float64(size) {
		t.Errorf("bytes_in: %v", rec["bytes_in"])
	}
}

// TestAnswerBeforeUpload: a backend may answer before it has read the request, and the
// caller gets that answer; one that dies in mid-upload is a failure.
func TestAnswerBeforeUpload(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/die") {
			io.CopyN(io.Discard, r.Body, 1<<20)
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Length", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, "slowly!")
	}), nil)
	g := s.start(t)
	for proto, client := range map[string]*http.Client{"HTTP/1.1": g.client, "HTTP/2": s.clientFor(t, g.Process, true)} {
		t.Run(proto, func(t *testing.T) {
			in, out := io.Pipe()
			defer out.Close()
			go func() {
				for range 64 {
					if _, err := out.Write(make([]byte, 32<<10)); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
				out.Close()
			}()
			resp, err := g.send(t, client, "POST", "/openai/early", in, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); resp.StatusCode != 429 || string(body) != "slowly!" {
				t.Errorf("%s %q %v", resp.Status, body, err)
			}
			resp, err = g.send(t, client, "POST", "/openai/die", &pattern{n: 8 << 20}, nil)
			// A client may see its write fail before it reads the answer; what
			// the gateway answered stands in the record in either case.
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode != 500 {
					t.Errorf("a backend that died: %s", resp.Status)
				}
			}
			wantRecord(t, g, func(r map[string]any) bool {
				return r["path"] == "/openai/die" && r["status"] == 500.0 && strings.HasPrefix(fmt.Sprint(r["protocol"]), proto)
			})
		})
	}
}

// TestUploadCancelled: a caller that gives up in mid-upload ends the backend's
// request, which must not look whole.
func TestUploadCancelled(t *testing.T) {
	result := make(chan error, 2)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		result <- err
	}), nil)
	g := s.start(t)
	for proto, client := range map[string]*http.Client{"HTTP/1.1": g.client, "HTTP/2": s.clientFor(t, g.Process, true)} {
		t.Run(proto, func(t *testing.T) {
			in, out := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "POST", g.url+"/openai/upload", in)
			req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
			go func() {
				out.Write(make([]byte, 256<<10))
				time.Sleep(50 * time.Millisecond)
				cancel()
				out.CloseWithError(context.Canceled) // the client waits for its reader
			}()
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
				t.Errorf("answered %s", resp.Status)
			}
			select {
			case err := <-result:
				if err == nil {
					t.Error("the backend took half a body for a whole one")
				}
			case <-time.After(10 * time.Second):
				t.Error("the backend's request goes on")
			}
		})
	}
	g.awaitRecords(t, 2)
}
