package app

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// world is the private network of the test: a gateway, its backends, and a DNS
// server that lies.
type world struct {
	*running
	t    *testing.T
	site *testSite
	// asked is how often the DNS server was asked for a name.
	asked map[string]*atomic.Int32
	names []name
	// last are the refusals that were seen before the attempt.
	last map[string]uint64
}

// name is a name that the DNS server knows. Records are tried in the order of the
// questions for it: the last stays.
type name struct {
	host string
	// answers are records without name and TTL, "A 10.0.0.10"; one list for each time
	// that it is asked.
	answers [][]string
	// how is "", "tcp" (nothing fits in UDP), "wrong id" or "wrong source" (a false
	// answer comes before the true one, which is inside).
	how string
}

// inside is where the service of the private network stands.
const inside = "10.0.0.10"

// serveNames is the DNS server at 10.0.0.53.
func (w *world) serveNames() {
	w.asked = map[string]*atomic.Int32{}
	byHost := map[string]name{}
	for _, n := range w.names {
		w.asked[n.host], byHost[n.host] = new(atomic.Int32), n
	}
	other, err := net.ListenPacket("udp", "10.0.0.54:53")
	must(w.t, err)
	w.t.Cleanup(func() { other.Close() })
	h := dns.HandlerFunc(func(rw dns.ResponseWriter, q *dns.Msg) {
		host := strings.ToLower(strings.TrimSuffix(q.Question[0].Name, "."))
		n, ok := byHost[host]
		m := new(dns.Msg).SetReply(q)
		if !ok || len(n.answers) == 0 {
			m.Rcode = dns.RcodeNameError
			_ = rw.WriteMsg(m)
			return
		}
		i := int(w.asked[host].Add(1)-1) / 2 // for A and for AAAA
		m.Answer = records(w.t, q, n.answers[min(i, len(n.answers)-1)])
		_, udp := rw.RemoteAddr().(*net.UDPAddr)
		switch {
		case n.how == "tcp" && udp:
			m.Truncated, m.Answer = true, nil
		case n.how == "wrong id":
			wrong := m.Copy()
			wrong.Id++
			_ = rw.WriteMsg(wrong)
			m.Answer = records(w.t, q, []string{"A " + inside})
		case n.how == "wrong source":
			b, _ := m.Pack()
			_, _ = other.WriteTo(b, rw.RemoteAddr())
			m.Answer = records(w.t, q, []string{"A " + inside})
		}
		_ = rw.WriteMsg(m)
	})
	pc, err := net.ListenPacket("udp", "10.0.0.53:53")
	must(w.t, err)
	l, err := net.Listen("tcp", "10.0.0.53:53")
	must(w.t, err)
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: l, Handler: h}} {
		go func() { _ = s.ActivateAndServe() }()
		w.t.Cleanup(func() { _ = s.Shutdown() })
	}
}

// records are those of the list that answer the question.
func records(t *testing.T, q *dns.Msg, list []string) (out []dns.RR) {
	owner := q.Question[0].Name
	for _, text := range list {
		rr, err := dns.NewRR(owner + " 0 IN " + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if c, ok := rr.(*dns.CNAME); ok {
			owner = c.Target
		} else if rr.Header().Rrtype != q.Question[0].Qtype {
			continue
		}
		out = append(out, rr)
	}
	return out
}

// outsideBackend answers as a backend that wants the gateway to go elsewhere.
func outsideBackend(w http.ResponseWriter, r *http.Request) {
	const elsewhere = "https://moved.example.com/x"
	h := w.Header()
	verb, more, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/openai/"), "/")
	switch verb {
	case "redirect":
		var code int
		_, _ = fmt.Sscan(more, &code)
		h.Set("Location", elsewhere)
		w.WriteHeader(code)
	case "hints":
		h.Set("Link", "<"+elsewhere+">; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "after hints")
	case "altsvc":
		h.Set("Alt-Svc", `h2="moved.example.com:443"; ma=3600; persist=1`)
		h.Set("Refresh", "0; url="+elsewhere)
		h.Set("Content-Location", elsewhere)
		_, _ = io.WriteString(w, "elsewhere")
	case "upgrade":
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
	case "issuer":
		_, _ = fmt.Fprintf(w, `{"issuer":"https://%s/openai/issuer","jwks_uri":"https://keys.example.com/keys"}`, r.Host)
	default:
		_, _ = fmt.Fprintf(w, "backend %s host %s", r.URL.Path, r.Host)
	}
}

// serveInside is the private service, by every name of example.com. It keeps no
// connection, so that the next request asks for the name again.
func (w *world) serveInside() {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Connection", "close")
		_, _ = fmt.Fprintf(rw, "inside %s", r.Host)
	}))
	s.Listener.Close()
	var err error
	s.Listener, err = net.Listen("tcp", inside+":443")
	must(w.t, err)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	w.t.Cleanup(s.Close)
}

const calledURL = `@(context.Request.Headers.GetValueOrDefault("X-To", ""))`

// outsidePolicies are the APIs whose documents try to lead elsewhere: where to
// says the caller, which no document should do.
func outsidePolicies() map[string]string {
	const answered = `<return-response><set-status code="200" reason="OK" /><set-body>@(context.Variables.GetValueOrDefault<IResponse>("r") == null ? "no answer" : "answer " + ((IResponse)context.Variables["r"]).StatusCode.ToString())</set-body></return-response>`
	return map[string]string{
		"send":      `<send-request mode="new" response-variable-name="r" timeout="3" ignore-error="true"><set-url>` + calledURL + `</set-url><set-method>GET</set-method></send-request>` + answered,
		"oneway":    `<send-one-way-request mode="new"><set-url>` + calledURL + `</set-url><set-method>GET</set-method></send-one-way-request><return-response />`,
		"move":      `<set-backend-service base-url="` + calledURL + `" />`,
		"rewrite":   `<set-backend-service backend-id="openai" /><rewrite-uri template="` + calledURL + `" copy-unmatched-params="false" />`,
		"hub":       `<log-to-eventhub logger-id="hub">@(context.Request.Method)</log-to-eventhub><return-response />`,
		"jwt":       `<validate-jwt header-name="Authorization"><openid-config url="https://openid.example.com/.well-known/openid-configuration" /><audiences><audience>a</audience></audiences></validate-jwt><return-response />`,
		"safety":    `<set-backend-service backend-id="openai" /><llm-content-safety backend-id="safety"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`,
		"certified": `<set-backend-service backend-id="certified" />`,
		"pool":      `<set-backend-service backend-id="pool" />`,
		"authority": `<set-backend-service backend-id="authority" />`,
	}
}

// documents are the site's files.
func (w *world) documents() map[string]string {
	files := map[string]string{
		"keys/hub": "Endpoint=sb://hub.example.com/;SharedAccessKeyName=send;SharedAccessKey=a2V5IG9mIHRoZSBodWI=",
		"apim/named values/1/namedValueInformation.json": `{"properties": {"displayName": "Logger-Credentials--1", "secret": true}}`,
		"apim/loggers/hub/loggerInformation.json":        `{"properties": {"loggerType": "azureEventHub", "isBuffered": false, "credentials": {"name": "logs", "connectionString": "{{Logger-Credentials--1}}"}}}`,
		"apim/backends/pool/backendInformation.json":     `{"properties":{"type":"Pool","pool":{"services":[{"id":"/backends/member1"},{"id":"/backends/member2"}]}}}`,
		"apim/backends/member1/backendInformation.json":  `{"properties":{"url":"https://member1.example.com/openai"}}`,
		"apim/backends/member2/backendInformation.json":  `{"properties":{"url":"https://member2.example.com/openai"}}`,
		"keys/client": "client-secret",
	}
	for id, policies := range outsidePolicies() {
		files["apim/apis/"+id+"/apiInformation.json"] = api(id, `,"subscriptionRequired":true`)
		files["apim/apis/"+id+"/specification.yaml"] = wildcardSpecification
		files["apim/apis/"+id+"/policy.xml"] = onlyInbound(policies)
	}
	files["apim/apis/cache/apiInformation.json"] = api("cache", `,"subscriptionRequired":true`)
	files["apim/apis/cache/specification.yaml"] = wildcardSpecification
	files["apim/apis/cache/policy.xml"] = cachedDocument(
		`<set-backend-service backend-id="openai" /><llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="vectors" embeddings-backend-auth="system-assigned" />`,
		`<llm-semantic-cache-store duration="60" />`)
	files["apim/apis/retry/apiInformation.json"] = api("retry", `,"subscriptionRequired":true`)
	files["apim/apis/retry/specification.yaml"] = wildcardSpecification
	files["apim/apis/retry/policy.xml"] = `<policies><inbound><base /><set-backend-service backend-id="openai" /></inbound><backend><retry condition="@(true)" count="1" interval="0"><forward-request timeout="3" /><set-backend-service base-url="` + calledURL + `" /></retry></backend></policies>`
	return files
}

// config is cloister.yaml, with more in it.
func (w *world) config(top string, lines ...[2]string) string {
	const own = "caFile: tls/backend.pem, credential: {none: true}}"
	var model, call, trusted strings.Builder
	for _, n := range w.names {
		switch host := strings.TrimSuffix(n.host, ".search.example"); strings.TrimSuffix(host, ".example.com") {
		case "moved", "safety", "vectors", "member1", "member2":
			fmt.Fprintf(&model, "{host: %s}, ", host)
		default:
			if strings.HasPrefix(n.how, "wrong") || len(n.answers) > 0 && n.answers[0][0] == record(inside) { // where a request can succeed
				fmt.Fprintf(&trusted, "\n  %s: {url: \"https://%s/\", %s", strings.ReplaceAll(host, ".", "-"), host, own)
			}
			if strings.HasPrefix(host, "model-") {
				fmt.Fprintf(&model, "{host: %s}, ", host)
			}
		}
		if strings.HasPrefix(n.host, "call-") {
			fmt.Fprintf(&call, "{host: %s, caFile: tls/backend.pem}, ", n.host)
		}
	}
	config := with(w.site.config("namedValues: {Logger-Credentials--1: {file: keys/hub}}\n"+top), append([][2]string{
		{"destinations", "  call: [" + call.String() + "{host: 127.0.0.1, port: " + w.port() + ", caFile: tls/backend.pem}, {host: hub.example.com}]\n  name: [{host: 10.0.0.53}]\n" +
			"  identity: [{host: openid.example.com}, {host: login.example.com}, {host: issuer.example.com}, {host: keys.example.com}, {host: 127.0.0.1, port: " + w.port() + "}]\n" +
			"  secret: [{host: vault.example.com}]\n  state: [{host: witness.example.com}]\n  telemetry: [{host: otlp.example.com}]"},
		{"backends", "  safety: {url: https://safety.example.com, " + own + "\n  vectors: {url: https://vectors.example.com/openai/deployments/e/embeddings, " + own +
			"\n  member1: {" + own + "\n  member2: {" + own + "\n  down: {url: https://model-private.example.com:444/, " + own +
			"\n  certified: {url: https://model-certified.example.com/, caFile: tls/certified.pem, credential: {none: true}}" +
			"\n  authority: {url: https://model-private.example.com/, caFile: tls/backend.pem, credential: {clientSecret: {authority: https://login.example.com, tenantId: " + tenant + ", clientId: " + mapped + ", secret: {file: keys/client}, scope: x/.default}}}" + trusted.String()},
	}, lines...)...)
	if !strings.Contains(config, "\nnames:") {
		config += "names: {servers: [\"10.0.0.53:53\"]}\n"
	}
	return strings.Replace(config, "\n  model: [", "\n  model: ["+model.String()+"{host: model-private.example.com, port: 444}, ", 1)
}

func (w *world) port() string {
	_, port, _ := net.SplitHostPort(w.site.backend.Listener.Addr().String())
	return port
}

// ask sends a request and says what came back, and what was refused meanwhile.
func (w *world) ask(method, path, body string, header http.Header) string {
	for _, v := range header {
		v[0] = strings.ReplaceAll(v[0], "PORT", w.port())
	}
	resp, err := w.send(w.t, w.client, method, path, strings.NewReader(body), header)
	if err != nil {
		return "error " + err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
	return fmt.Sprintf("%d %s %s", resp.StatusCode, resp.Header.Get("Location"), b)
}

// makeSite writes the site and starts what is inside.
func (w *world) makeSite() {
	w.names = append(w.names, *resolves("model-private.example.com", record(inside)), *resolves("model-certified.example.com", record(certified)), *resolves("member2.example.com", "A 93.184.3.21"))
	w.site = newSite(w.t, http.HandlerFunc(outsideBackend), nil)
	w.serveNames()
	w.serveInside()
	w.serveCertified()
	for name, text := range w.documents() {
		w.site.write(w.t, name, text)
	}
	w.site.write(w.t, "cloister.yaml", w.config(""))
}

// certified is where a service stands whose certificate asks to be looked up.
const certified = "10.0.0.11"

func (w *world) serveCertified() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	const at = "http://93.184.5.14/"
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "certified"}, DNSNames: []string{"model-certified.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		OCSPServer: []string{at + "ocsp"}, IssuingCertificateURL: []string{at + "ca.cer"}, CRLDistributionPoints: []string{at + "crl"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(w.t, err)
	w.site.write(w.t, "tls/certified.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "certified") }))
	s.Listener.Close()
	s.Listener, err = net.Listen("tcp", certified+":443")
	must(w.t, err)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	w.t.Cleanup(s.Close)
}

// reset makes the DNS server forget what it was asked.
func (w *world) reset() {
	for _, n := range w.asked {
		n.Store(0)
	}
}

// refused are the refusals since the last begin.
func (w *world) refused() string {
	var out []string
	for _, c := range w.dialer.Load().Counts() {
		key := string(c.Class) + " " + c.Outcome
		if n := c.N - w.last[key]; n > 0 && c.Outcome != egress.Opened {
			out = append(out, key)
		}
	}
	return "; egress: " + strings.Join(out, ", ")
}

func (w *world) begin() {
	w.last = map[string]uint64{}
	for _, c := range w.dialer.Load().Counts() {
		w.last[string(c.Class)+" "+c.Outcome] += c.N
	}
}

// another starts a gateway with another cloister.yaml, asks it, and says what it
// said: problems, log and answer.
func (w *world) another(config, path string, header http.Header) string {
	s := *w.site
	s.dir = w.t.TempDir()
	for _, folder := range []string{"/apim", "/keys", "/tls", "/state/ca"} {
		must(w.t, os.CopyFS(s.dir+folder, os.DirFS(w.site.dir+folder)))
	}
	must(w.t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error { // as private as they were
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
	s.write(w.t, "cloister.yaml", strings.ReplaceAll(config, w.site.witness, s.dir+"-witness"))
	log := &syncBuffer{}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	p, problems, err := Start(ctx, Options{Dir: s.dir, Stdout: io.Discard, Stderr: io.Discard, Log: slog.New(slog.NewTextHandler(log, nil))})
	said := fmt.Sprint(problems.Err(), err, " ")
	for _, pr := range problems {
		said += fmt.Sprintln(pr)
	}
	if p == nil {
		return said + log.String()
	}
	g := &world{running: &running{Process: p, client: s.clientFor(w.t, p, false), url: "https://localhost:" + fmt.Sprint(p.Addrs()[0].Port())}, t: w.t, site: &s}
	g.begin()
	said += "started; " + g.ask("GET", cmp.Or(path, "/openai/x"), "", header)
	time.Sleep(100 * time.Millisecond)
	said += g.refused()
	ctx, cancel = context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		said += " shutdown: " + err.Error()
	}
	return said + log.String()
}
