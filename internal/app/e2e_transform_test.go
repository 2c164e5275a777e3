package app

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// transformPolicies are an API for each policy that changes bodies.
var transformPolicies = map[string]string{
	"replace": `<policies>
  <inbound><base /><find-and-replace from="backend" to="gateway" /></inbound>
  <outbound><base /><choose><when condition="@(!context.Request.Headers.ContainsKey("X-Leave"))"><find-and-replace from="backend" to="gateway" /></when></choose></outbound>
</policies>`,
	"jsonp": `<policies><outbound><jsonp callback-parameter-name="cb" /></outbound></policies>`,
	"toxml": `<policies>
  <inbound><json-to-xml apply="content-type-json" consider-accept-header="false" /></inbound>
  <outbound><json-to-xml apply="content-type-json" consider-accept-header="false" /></outbound>
</policies>`,
	"tojson": `<policies>
  <inbound><xml-to-json kind="direct" apply="content-type-xml" consider-accept-header="false" /></inbound>
  <outbound><xml-to-json kind="direct" apply="content-type-xml" consider-accept-header="false" /></outbound>
</policies>`,
	"links": `<policies><inbound><redirect-content-urls /></inbound><outbound><redirect-content-urls /></outbound></policies>`,
	"liquid": `<policies>
  <inbound><set-body template="liquid">{"name":"{{ body.user.name }}"}</set-body><set-header name="Content-MD5"><value>set by hand</value></set-header></inbound>
  <outbound><set-body template="liquid">{"name":"{{ body.user.name }}","api":"{{ context.Api.Id }}"}</set-body><set-header name="Digest"><value>set by hand</value></set-header></outbound>
</policies>`,
	"written": `<policies><outbound><set-body>sorry</set-body></outbound></policies>`,
}

const transformSpecification = `openapi: 3.0.1
info: {title: any, version: "1"}
paths:
  /*:
    get: {operationId: get, responses: {"200": {description: ok}}}
    head: {operationId: head, responses: {"200": {description: ok}}}
    post: {operationId: post, responses: {"200": {description: ok}}}
`

// digests are what a head says of the bytes of a body; ETag names a version.
var digests = map[string]string{
	"Content-Md5": "b2xk", "Digest": "sha-256=b2xk", "Content-Digest": "sha-256=:b2xk:", "Repr-Digest": "sha-256=:b2xk:", "Etag": `"v1"`,
}

// said is what a backend answers.
type said struct {
	contentType, body      string
	zipped, chunked, naked bool
}

// heard is what came to it.
type heard struct {
	header   http.Header
	length   int64
	encoding []string
	body     string
}

// transformSite is a site whose backend says what a test tells it to.
type transformSite struct {
	*running
	say  atomic.Pointer[said]
	hear atomic.Pointer[heard]
	h2   *http.Client
	// backend is the address that links in answers name.
	backend string
}

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

func (s *transformSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.hear.Store(&heard{r.Header.Clone(), r.ContentLength, r.TransferEncoding, string(body)})
	say := s.say.Load()
	out := []byte(say.body)
	h := w.Header()
	h.Set("Content-Type", say.contentType)
	for name, v := range digests {
		if !say.naked {
			h.Set(name, v)
		}
	}
	if say.zipped {
		out = zipped(say.body)
		h.Set("Content-Encoding", "gzip")
	}
	if !say.chunked {
		h.Set("Content-Length", strconv.Itoa(len(out)))
	}
	half := len(out) / 2
	w.Write(out[:half])
	if say.chunked {
		w.(http.Flusher).Flush()
	}
	w.Write(out[half:])
}

func newTransformSite(t *testing.T) *transformSite {
	t.Helper()
	s := &transformSite{}
	files := map[string]string{}
	site := newSite(t, s, nil)
	for name, text := range transformPolicies {
		files["apim/apis/"+name+"/apiInformation.json"] = api(name, `,"serviceUrl":"`+site.backend.URL+`/openai/`+name+`","subscriptionRequired":true`)
		files["apim/apis/"+name+"/specification.yaml"] = transformSpecification
		files["apim/apis/"+name+"/policy.xml"] = text
	}
	for name, text := range files {
		site.write(t, name, text)
	}
	site.write(t, "cloister.yaml", site.config("limits: {maxBodyBytes: 65536}\n"))
	s.running = site.start(t)
	s.h2 = site.clientFor(t, s.Process, true)
	s.backend = site.backend.URL
	return s
}

// ask sends a request by either protocol.
func (s *transformSite) ask(t *testing.T, h2 bool, method, path string, body io.Reader, header http.Header) (*http.Response, string) {
	t.Helper()
	client := s.client
	if h2 {
		client = s.h2
	}
	resp, err := s.send(t, client, method, path, body, header)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%v after %.200q", err, got)
	}
	return resp, string(got)
}

// wantHead looks at what the head says of a body of that length; -1: it must not
// say how long it is.
func wantHead(t *testing.T, resp *http.Response, length int64, contentType string, changed bool) {
	t.Helper()
	if resp.StatusCode != 200 || resp.ContentLength != length || len(resp.TransferEncoding) > 0 || resp.Header.Get("Content-Type") != contentType {
		t.Errorf("%s, length %d (want %d), %v, %v", resp.Status, resp.ContentLength, length, resp.TransferEncoding, resp.Header)
	}
	for name, v := range digests {
		want := v
		if changed && name != "Etag" {
			want = ""
		}
		if got := resp.Header.Get(name); got != want && got != "set by hand" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// transformation is what a policy makes of an answer.
type transformation struct {
	api, query          string
	fromType, from      string
	toType, to          string
	looksAtType, byHand bool
}

func (s *transformSite) transformations() []transformation {
	const j, x = `{"user":{"name":"Ada"}}`, "<user><name>Ada</name></user>"
	return []transformation{
		{api: "replace", fromType: "text/plain", from: "the backend said: backend", toType: "text/plain", to: "the gateway said: gateway"},
		{api: "jsonp", query: "?cb=a.b", fromType: "application/json", from: j, toType: "application/javascript", to: "a.b(" + j + ");", looksAtType: true},
		{api: "toxml", fromType: "application/json", from: j, toType: "application/xml", to: "<user>\n  <name>Ada</name>\n</user>", looksAtType: true},
		{api: "tojson", fromType: "application/xml", from: x, toType: "application/json", to: `{"user":{"name":"Ada"}}`, looksAtType: true},
		{api: "links", fromType: "application/json", from: `["` + s.backend + `/openai/links/a","` + s.backend + `/elsewhere"]`,
			toType: "application/json", to: `["` + s.url + `/links/a","` + s.backend + `/elsewhere"]`},
		{api: "liquid", fromType: "application/json", from: j, toType: "application/json", to: `{"name":"Ada","api":"liquid"}`, byHand: true},
	}
}

// TestTransformedAnswers: whatever way an answer comes, what leaves is whole, says
// its length, and says nothing of the bytes that it was.
func TestTransformedAnswers(t *testing.T) {
	s := newTransformSite(t)
	for _, tt := range s.transformations() {
		for i := range 8 {
			say := &said{contentType: tt.fromType, body: tt.from, zipped: i&1 > 0, chunked: i&2 > 0}
			h2 := i&4 > 0
			t.Run(fmt.Sprintf("%s/gzip=%v,chunked=%v,h2=%v", tt.api, say.zipped, say.chunked, h2), func(t *testing.T) {
				s.say.Store(say)
				resp, body := s.ask(t, h2, "GET", "/"+tt.api+"/x"+tt.query, nil, nil)
				if body != tt.to || resp.Header.Get("Content-Encoding") != "" {
					t.Errorf("%v %q, want %q", resp.Header, body, tt.to)
				}
				wantHead(t, resp, int64(len(tt.to)), tt.toType, true)
				if got := resp.Header.Get("Digest"); (got == "set by hand") != tt.byHand {
					t.Errorf("Digest: %q", got)
				}

				resp, _ = s.ask(t, h2, "HEAD", "/"+tt.api+"/x"+tt.query, nil, nil)
				if tt.byHand { // a template is filled all the same
					return
				}
				wantHead(t, resp, -1, tt.toType, true)
			})
		}
	}
	t.Run("written", func(t *testing.T) {
		s.say.Store(&said{contentType: "text/plain", body: "a long text"})
		for _, method := range []string{"GET", "HEAD"} {
			resp, _ := s.ask(t, false, method, "/written/x", nil, nil)
			wantHead(t, resp, int64(len("sorry")), "text/plain", true)
		}
	})
}

// TestUntouchedAnswers: what is not the kind that a policy changes leaves as it
// came, its coding and what its head says of it included.
func TestUntouchedAnswers(t *testing.T) {
	s := newTransformSite(t)
	for _, tt := range s.transformations() {
		if !tt.looksAtType {
			continue
		}
		for i := range 4 {
			say := &said{contentType: "text/csv", body: tt.from, zipped: i&1 > 0}
			h2 := i&2 > 0
			t.Run(fmt.Sprintf("%s/gzip=%v,h2=%v", tt.api, say.zipped, h2), func(t *testing.T) {
				s.say.Store(say)
				want := tt.from
				if say.zipped {
					want = string(zipped(tt.from))
				}
				resp, body := s.ask(t, h2, "GET", "/"+tt.api+"/x"+tt.query, nil, nil)
				if body != want || (resp.Header.Get("Content-Encoding") == "gzip") != say.zipped {
					t.Errorf("%v %q, want %q", resp.Header, body, want)
				}
				wantHead(t, resp, int64(len(want)), "text/csv", false)
				resp, _ = s.ask(t, h2, "HEAD", "/"+tt.api+"/x"+tt.query, nil, nil)
				wantHead(t, resp, int64(len(want)), "text/csv", false)
			})
		}
	}
	t.Run("no callback", func(t *testing.T) {
		s.say.Store(&said{contentType: "application/json", body: "{}"})
		resp, body := s.ask(t, false, "GET", "/jsonp/x", nil, nil)
		if wantHead(t, resp, 2, "application/json", false); body != "{}" {
			t.Error(body)
		}
		if resp, body = s.ask(t, false, "GET", "/jsonp/x?cb=alert(1)", nil, nil); resp.StatusCode != 400 || strings.Contains(body, "alert") {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
	t.Run("nothing to replace", func(t *testing.T) {
		s.say.Store(&said{contentType: "text/plain", body: "nothing here", zipped: true})
		resp, body := s.ask(t, false, "GET", "/replace/x", nil, nil)
		if want := string(zipped("nothing here")); body != want || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%v %q", resp.Header, body)
		} else {
			wantHead(t, resp, int64(len(want)), "text/plain", false)
		}
	})
}

// TestPartsAreNotTransformed: who asks for parts of a body does not get what a
// policy would have taken out of the whole.
func TestPartsAreNotTransformed(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("the backend said"))
	}), map[string]string{"apim/apis/openai/policy.xml": transformPolicies["replace"]})
	g := s.start(t)
	for _, part := range []string{"bytes=0-7", "bytes=8-", "bytes=0-7,8-15"} {
		resp, body := g.do(t, "GET", "/openai/x", "", http.Header{"Range": {part}})
		if resp.StatusCode != 500 || strings.Contains(body, "back") {
			t.Errorf("%s: %s %s", part, resp.Status, body)
		}
	}
	if resp, body := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != 200 || body != "the gateway said" {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, body := g.do(t, "GET", "/openai/x", "", http.Header{"Range": {"bytes=0-7"}, "X-Leave": {"1"}}); resp.StatusCode != 206 || body != "the back" {
		t.Errorf("%s %s", resp.Status, body)
	}
}

// TestTransformedRequests: what policies make of a request comes to the backend
// with its length and without what was said of the bytes before.
func TestTransformedRequests(t *testing.T) {
	s := newTransformSite(t)
	for _, tt := range []struct{ api, contentType, body, want string }{
		{"replace", "text/plain", "the backend", "the gateway"},
		{"toxml", "application/json", `{"a":{"b":"c"}}`, "<a>\n  <b>c</b>\n</a>"},
		{"tojson", "application/xml", "<a><b>c</b></a>", `{"a":{"b":"c"}}`},
		{"links", "text/plain", s.url + "/links/a", s.backend + "/openai/links/a"},
		{"liquid", "application/json", `{"user":{"name":"Ada"}}`, `{"name":"Ada"}`},
	} {
		for i := range 8 {
			packed, chunked, h2 := i&1 > 0, i&2 > 0, i&4 > 0
			t.Run(fmt.Sprintf("%s/gzip=%v,chunked=%v,h2=%v", tt.api, packed, chunked, h2), func(t *testing.T) {
				s.say.Store(&said{contentType: "text/plain", body: "{}", naked: true})
				content := []byte(tt.body)
				header := http.Header{"Content-Type": {tt.contentType}}
				if packed {
					content = zipped(tt.body)
					header.Set("Content-Encoding", "gzip")
				}
				for name, v := range digests {
					header.Set(name, v)
				}
				var body io.Reader = bytes.NewReader(content)
				if chunked {
					body = io.MultiReader(body)
				}
				s.ask(t, h2, "POST", "/"+tt.api+"/x", body, header)
				got := s.hear.Load()
				if got.body != tt.want || got.length != int64(len(tt.want)) || len(got.encoding) > 0 || got.header.Get("Content-Encoding") != "" {
					t.Errorf("%+v", got)
				}
				for name, v := range digests {
					want := ""
					switch {
					case name == "Etag":
						want = v
					case tt.api == "liquid" && name == "Content-Md5":
						want = "set by hand"
					}
					if got.header.Get(name) != want {
						t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
					}
				}
			})
		}
	}
	t.Run("too large", func(t *testing.T) {
		body := strings.Repeat("x", 65537)
		for _, h2 := range []bool{false, true} {
			if resp, _ := s.ask(t, h2, "POST", "/replace/x", io.MultiReader(strings.NewReader(body)), nil); resp.StatusCode != 413 {
				t.Error(resp.Status)
			}
		}
	})
}

// TestAnswersTooLargeToTransform: beyond the limit there is an error, by what
// comes, by what is in it, and by what becomes of it.
func TestAnswersTooLargeToTransform(t *testing.T) {
	s := newTransformSite(t)
	const limit = 32 << 20
	n := 0
	f := func(api, query string, say said) {
		t.Helper()
		s.say.Store(&say)
		resp, body := s.ask(t, false, "GET", "/"+api+"/x"+query, nil, nil)
		n++
		if resp.StatusCode != 500 || len(body) > 1000 {
			t.Errorf("%s: %s, %d bytes", api, resp.Status, len(body))
		}
		records := s.awaitRecords(t, n)
		if reason := field(records[n-1], "error.reason"); reason != "BodyTooLarge" {
			t.Errorf("%s: %v", api, reason)
		}
	}
	text := strings.Repeat("x", limit+1)
	for _, name := range []string{"replace", "links"} {
		f(name, "", said{contentType: "text/plain", body: text})
		f(name, "", said{contentType: "text/plain", body: text, chunked: true})
		f(name, "", said{contentType: "text/plain", body: text, zipped: true})
	}
	f("jsonp", "?cb=f", said{contentType: "application/json", body: `"` + text[:limit] + `"`})
	f("jsonp", "?cb=f", said{contentType: "application/json", body: `"` + text[:limit-2] + `"`}) // that much, and the call around it
	f("toxml", "", said{contentType: "application/json", body: `"` + text + `"`, zipped: true})
	f("tojson", "", said{contentType: "application/xml", body: "<a>" + text + "</a>", zipped: true})
	f("liquid", "", said{contentType: "application/json", body: `"` + text + `"`})
}

// TestStreamsBesideTransformations: a stream of events that no policy asks for
// comes event by event.
func TestStreamsBesideTransformations(t *testing.T) {
	more := make(chan bool)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: {\"backend\":%d}\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-more:
			case <-r.Context().Done():
				return
			}
		}
	}), nil)
	for name, text := range transformPolicies {
		s.write(t, "apim/apis/"+name+"/apiInformation.json", api(name, `,"serviceUrl":"`+s.backend.URL+`/openai/`+name+`","subscriptionRequired":true`))
		s.write(t, "apim/apis/"+name+"/specification.yaml", transformSpecification)
		s.write(t, "apim/apis/"+name+"/policy.xml", text)
	}
	g := s.start(t)
	for _, path := range []string{"/replace/x", "/jsonp/x?cb=f", "/toxml/x", "/tojson/x"} {
		for proto, client := range map[string]*http.Client{"HTTP/1.1": g.client, "HTTP/2": s.clientFor(t, g.Process, true)} {
			t.Run(path+"/"+proto, func(t *testing.T) {
				resp, err := g.send(t, client, "GET", path, nil, http.Header{"X-Leave": {"1"}})
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				buf := make([]byte, 1000)
				for i := range 3 {
					// The backend goes on only when this event has come.
					want := fmt.Sprintf("data: {\"backend\":%d}\n\n", i)
					if _, err := io.ReadFull(resp.Body, buf[:len(want)]); err != nil || string(buf[:len(want)]) != want {
						t.Fatalf("%q %v", buf[:len(want)], err)
					}
					select {
					case more <- true:
					case <-time.After(10 * time.Second):
						t.Fatal("the backend has not asked")
					}
				}
				if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
					t.Errorf("%q %v", rest, err)
				}
			})
		}
	}
}

// TestCrossDomainOnTheRoad: the file goes to whoever the API lets in, and only
// where the site has an API for it.
func TestCrossDomainOnTheRoad(t *testing.T) {
	asked := atomic.Int32{}
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1) }), map[string]string{
		"apim/policy.xml": `<policies><inbound>
  <cross-domain><cross-domain-policy><allow-http-request-headers-from domain="*.example.com" headers="SOAPAction" /></cross-domain-policy></cross-domain>
</inbound></policies>`,
		"apim/apis/root/specification.yaml": strings.Replace(transformSpecification, "/*:", "/crossdomain.xml:", 1),
	})
	s.write(t, "apim/apis/root/apiInformation.json", `{"properties":{"displayName":"root","path":"","protocols":["https"],"serviceUrl":"`+s.backend.URL+`/openai","subscriptionRequired":false}}`)
	s.write(t, "cloister.yaml", s.config("callers: {apis: {root: [anonymous]}}\n"))
	g := s.start(t)
	resp, body := g.do(t, "GET", "/crossdomain.xml", "", anonymous)
	want := `<?xml version="1.0"?>
<cross-domain-policy>
  <allow-http-request-headers-from domain="*.example.com" headers="SOAPAction" />
</cross-domain-policy>
`
	if resp.StatusCode != 200 || body != want || resp.Header.Get("Content-Type") != "text/x-cross-domain-policy" || asked.Load() != 0 {
		t.Errorf("%s %v %q", resp.Status, resp.Header, body)
	}
	if resp, _ = g.do(t, "POST", "/crossdomain.xml", "", anonymous); resp.StatusCode != 200 || asked.Load() != 1 {
		t.Errorf("POST: %s, the backend was asked %d times", resp.Status, asked.Load())
	}
	if resp, _ = g.do(t, "GET", "/crossdomain.xml?x", "", anonymous); resp.StatusCode != 200 || asked.Load() != 1 {
		t.Errorf("with a query: %s", resp.Status)
	}
	for _, path := range []string{"/openai/crossdomain.xml", "/clientaccesspolicy.xml"} {
		if resp, body := g.do(t, "GET", path, "", anonymous); resp.StatusCode == 200 || strings.Contains(body, "cross-domain-policy") {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
}
