package app

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// attempt is one way to make the gateway talk outside.
type attempt struct {
	name string
	// to is where packets would go.
	to string
	// run tries, and says what the gateway answered and refused.
	run func(w *world) string
	// want are parts of what it says: that it was tried, and what stopped it.
	want []string
	// earlier says what stops the attempt before an address is judged: it is stopped
	// with the check switched off too, in the same way. Empty: that check alone.
	earlier string
	// dns is the name of the attempt, if it has one.
	dns *name
}

// to is the request header by which the caller tells a document where to go.
func to(url string) http.Header { return http.Header{"X-To": {url}} }

// resolves is a name with one answer.
func resolves(host string, records ...string) *name {
	return &name{host: host, answers: [][]string{records}}
}

func record(addr string) string {
	if netip.MustParseAddr(addr).Is4() {
		return "A " + addr
	}
	return "AAAA " + addr
}

// answerAttempts are what a DNS server can say of a backend that is listed, and the
// code by which each is refused.
func answerAttempts() (out []attempt) {
	model := func(what, to, code string, n *name) {
		url := "https://" + n.host + "/"
		a := attempt{name: "DNS: " + what, to: to, want: []string{"500", "model " + code}, dns: n,
			run: func(w *world) string {
				return w.ask("GET", "/move/x", "", http.Header{"X-To": {url}})
			}}
		out = append(out, a)
	}
	simple := func(what, addr, code string) {
		model(what, addr, code, resolves("model-"+strings.NewReplacer(" ", "-", ".", "-", "(", "", ")", "").Replace(strings.ToLower(what))+".example.com", record(addr)))
	}
	simple("public A", "93.184.1.1", "public-address")
	simple("public AAAA", "2606:2800:220:1::1", "public-address")
	simple("IPv4-mapped", "::ffff:93.184.1.2", "public-address")
	simple("NAT64", "64:ff9b::5db8:103", "public-address")
	simple("NAT64 local", "64:ff9b:1::5db8:104", "reserved-address")
	simple("6to4", "2002:5db8:105::1", "public-address")
	simple("Teredo", "2001:0:5db8:106::1", "public-address")
	simple("link-local", "169.254.7.7", "link-local")
	simple("instance metadata", "169.254.169.254", "instance-metadata")
	simple("Azure platform", "168.63.129.16", "platform-address")
	simple("documentation range", "203.0.113.9", "reserved-address")
	simple("DNS64 of metadata", "64:ff9b::a9fe:a9fe", "public-address")
	model("CNAME to outside", "93.184.1.7", "public-address", resolves("model-cname.example.com", "CNAME cdn.outside.example.", "A 93.184.1.7"))
	model("mixed answers", "93.184.1.8", "public-address", resolves("model-mixed.example.com", "A 10.0.0.99", "A 93.184.1.8"))
	out[len(out)-1].want[0] = "50"
	long := []string{}
	for i := range 60 {
		long = append(long, fmt.Sprintf("A 93.184.2.%d", i))
	}
	model("sixty answers", "93.184.2.0", "public-address", resolves("model-sixty.example.com", long...))
	model("truncated, then over TCP", "93.184.1.9", "public-address", &name{host: "model-tcp.example.com", how: "tcp", answers: [][]string{{"A 93.184.1.9"}}})
	// Two requests of one name.
	model("rebinding between two requests", "93.184.1.10", "public-address", &name{host: "model-rebinding.example.com", answers: [][]string{{"A " + inside}, {"A 93.184.1.10"}}})
	rebinding := &out[len(out)-1]
	once := rebinding.run
	rebinding.want = []string{"200  inside", "500", "model public-address"}
	rebinding.run = func(w *world) string {
		return once(w) + ", " + once(w)
	}
	for _, how := range []string{"wrong id", "wrong source"} {
		host := "model-" + strings.ReplaceAll(how, " ", "-") + ".example.com"
		addr := map[string]string{"wrong id": "93.184.1.11", "wrong source": "93.184.1.12"}[how]
		model("a false answer first, with the "+how, addr, "", &name{host: host, how: how, answers: [][]string{{"A " + addr}}})
		out[len(out)-1].want = []string{"200  inside " + host}
		out[len(out)-1].earlier = "the resolver takes only the answer to its question, from the server that it asked"
	}
	model("unspecified", "0.0.0.0", "unspecified", resolves("model-zero.example.com", "A 0.0.0.0"))
	out[len(out)-1].want = []string{"50"}
	out[len(out)-1].earlier = "the kernel takes 0.0.0.0 for this machine; refused as unspecified with the check on"
	model("/etc/hosts", "93.184.1.13", "public-address", &name{host: "model-hosts.example.com", how: "hosts"})
	model("search domain", "93.184.1.14", "", resolves("model-absent.example.com.search.example", "A 93.184.1.14"))
	out[len(out)-1].want = []string{"50", "model failed"}
	out[len(out)-1].earlier = "names are asked as absolute, without search domains"
	out[len(out)-1].run = func(w *world) string {
		return w.ask("GET", "/move/x", "", to("https://model-absent.example.com/"))
	}
	return out
}

// policyAttempts are documents that lead elsewhere.
func policyAttempts() []attempt {
	const unlisted = "the destination is not listed: no name is asked, no address is judged"
	get := func(path string, header http.Header) func(w *world) string {
		return func(w *world) string { return w.ask("GET", path, "", header) }
	}
	chat := func(path string) func(w *world) string {
		return func(w *world) string {
			return w.ask("POST", path, `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, nil)
		}
	}
	public := func(host, addr string) *name { return resolves(host, record(addr)) }
	return []attempt{
		{name: "send-request: a computed URL, listed, public", to: "93.184.3.1", dns: public("call-public.example.com", "93.184.3.1"), run: get("/send/x", to("https://call-public.example.com/")), want: []string{"200  no answer", "call public-address"}},
		{name: "send-request: a literal public address", to: "93.184.3.2", run: get("/send/x", to("https://93.184.3.2/")), want: []string{"no answer", "call not-listed"}, earlier: unlisted},
		{name: "send-request: a name that is not listed", to: "93.184.3.3", dns: &name{host: "unlisted.example.com", how: "none", answers: [][]string{{"A 93.184.3.3"}}}, run: get("/send/x", to("https://unlisted.example.com/")), want: []string{"no answer", "call not-listed"}, earlier: unlisted},
		{name: "send-request: a decimal address", to: "93.184.3.4", run: get("/send/x", to("https://1572340484/")), want: []string{"no answer", "call host"}, earlier: "a host that some parser takes for a number is refused"},
		{name: "send-request: an octal address", to: "93.184.3.5", run: get("/send/x", to("https://0135.0270.3.5/")), want: []string{"no answer", "call host"}, earlier: "a host that some parser takes for a number is refused"},
		{name: "send-request: listed before @, public after it", to: "93.184.3.6", run: get("/send/x", to("https://call-public.example.com@93.184.3.6/")), want: []string{"no answer"}, earlier: "user information in a URL"},
		{name: "send-request: trailing dot", to: "93.184.3.7", dns: public("call-dot.example.com", "93.184.3.7"), run: get("/send/x", to("https://call-dot.example.com./")), want: []string{"no answer", "call public-address"}},
		{name: "send-request: letters beyond ASCII", to: "93.184.3.8", dns: public("call-kelvin.example.com", "93.184.3.8"), run: get("/send/x", to("https://call-\u212aelvin.example.com/")), want: []string{"no answer", "call public-address"}},
		{name: "send-request: another port of a listed host", to: "93.184.3.9", dns: public("call-port.example.com", "93.184.3.9"), run: get("/send/x", to("https://call-port.example.com:8443/")), want: []string{"no answer", "call not-listed"}, earlier: unlisted},
		{name: "send-request: plain HTTP", to: "93.184.3.10", dns: public("call-plain.example.com", "93.184.3.10"), run: get("/send/x", to("http://call-plain.example.com:443/")), want: []string{"no answer", "call plaintext"}, earlier: "plain HTTP is spoken on loopback only"},
		{name: "send-one-way-request: listed, public", to: "93.184.3.11", dns: public("call-oneway.example.com", "93.184.3.11"), run: get("/oneway/x", to("https://call-oneway.example.com/")), want: []string{"200", "call public-address"}},
		{name: "set-backend-service: a computed literal address", to: "93.184.3.12", run: get("/move/x", to("https://93.184.3.12/")), want: []string{"500", "destinations.model does not list it"}, earlier: unlisted},
		{name: "set-backend-service: a host of class call", to: "93.184.3.13", dns: public("call-class.example.com", "93.184.3.13"), run: get("/move/x", to("https://call-class.example.com/")), want: []string{"500", "destinations.model does not list it"}, earlier: unlisted},
		{name: "rewrite-uri: to an absolute URL", to: "93.184.3.14", run: get("/rewrite/x", to("https://93.184.3.14/x")), want: []string{"500", "source=rewrite-uri"}, earlier: "a template gives a path, never a host"},
		{name: "rewrite-uri: to //host", to: "93.184.3.14", run: get("/rewrite/x", to("//93.184.3.14/x")), want: []string{"500", "source=rewrite-uri"}, earlier: "a template gives a path, never a host"},
		{name: "log-to-eventhub", to: "93.184.3.16", dns: public("hub.example.com", "93.184.3.16"), run: get("/hub/x", nil), want: []string{"200", "call public-address"}},
		{name: "validate-jwt: openid-config", to: "93.184.3.17", dns: public("openid.example.com", "93.184.3.17"),
			run:  get("/jwt/x", http.Header{"Authorization": {"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJhdWQiOiJhIn0.AAAA"}}),
			want: []string{"500", "keys-unavailable", "openid.example.com", "identity public-address"}},
		{name: "llm-content-safety: its backend", to: "93.184.3.18", dns: public("safety.example.com", "93.184.3.18"), run: chat("/safety/chat/completions?api-version=1"), want: []string{"403", "model public-address"}},
		{name: "llm-semantic-cache-lookup: its backend", to: "93.184.3.19", dns: public("vectors.example.com", "93.184.3.19"), run: chat("/cache/deployments/d/chat/completions?api-version=2024-10-21"), want: []string{"200", "model public-address"}},
		{name: "pool: its members", to: "93.184.3.20", dns: public("member1.example.com", "93.184.3.20"), run: get("/pool/x", nil), want: []string{"50", "model public-address"}},
		{name: "retry: elsewhere", to: "93.184.3.22", dns: public("model-retry.example.com", "93.184.3.22"), run: get("/retry/x", to("https://model-retry.example.com/")), want: []string{"500", "model public-address"}},
		{name: "client credentials: the token's authority", to: "93.184.3.23", dns: public("login.example.com", "93.184.3.23"), run: get("/authority/x", nil), want: []string{"500", "login.example.com: egress refused"}},
	}
}

// answeredAttempts are what a backend, and a caller, say.
func answeredAttempts() (out []attempt) {
	const followed = "the gateway follows nothing that a backend says: the answer is the caller's"
	moved := "93.184.4.1"
	first := resolves("moved.example.com", record(moved))
	for _, code := range []string{"301", "302", "303", "307", "308"} {
		out = append(out, attempt{name: "backend: redirect " + code, to: moved, dns: first, want: []string{code + " https://moved.example.com/x"}, earlier: followed,
			run: func(w *world) string { return w.ask("GET", "/openai/redirect/"+code, "", nil) }})
		first = nil
	}
	answer := func(name, path, want string, why string, header http.Header) {
		out = append(out, attempt{name: name, to: moved, want: []string{want}, earlier: why, run: func(w *world) string { return w.ask("GET", path, "", header) }})
	}
	answer("backend: early hints with a Link", "/openai/hints", "200  after hints", followed, nil)
	answer("backend: Alt-Svc, Refresh, Content-Location", "/openai/altsvc", "200  elsewhere", followed, nil)
	answer("backend: an upgrade that nobody asked for", "/openai/upgrade", "502", followed, nil)
	answer("send-request: redirected by its service", "/send/x", "answer 302", followed, to("https://127.0.0.1:PORT/openai/redirect/302"))
	const callers = "the caller does not choose where a request goes"
	for _, h := range []string{"X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "Proxy", "Destination"} {
		value := "https://moved.example.com/x"
		if h == "Forwarded" {
			value = "host=moved.example.com;proto=https"
		}
		answer("caller: "+h, "/openai/x", "200  backend /openai/x host 127.0.0.1", callers, http.Header{h: {value}})
	}
	raw := func(name, want, head string) {
		out = append(out, attempt{name: name, to: moved, want: []string{want}, earlier: callers, run: func(w *world) string {
			return w.raw(w.t, head+"Ocp-Apim-Subscription-Key: "+teamKey+"\r\nConnection: close\r\n\r\n")
		}})
	}
	raw("caller: Host", "HTTP/1.1 4", "GET /openai/x HTTP/1.1\r\nHost: moved.example.com\r\n")
	raw("caller: an absolute target", "HTTP/1.1 4", "GET https://moved.example.com/openai/x HTTP/1.1\r\nHost: localhost\r\n")
	raw("caller: CONNECT", "HTTP/1.1 4", "CONNECT moved.example.com:443 HTTP/1.1\r\nHost: moved.example.com:443\r\n")
	raw("caller: a path with a host", "HTTP/1.1 4", "GET //moved.example.com/openai/x HTTP/1.1\r\nHost: localhost\r\n")
	raw("caller: @ in the path", "HTTP/1.1 ", "GET /openai/@moved.example.com/x HTTP/1.1\r\nHost: localhost\r\n")
	raw("caller: WebSocket", "HTTP/1.1 ", "GET /openai/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://moved.example.com\r\n")
	out = append(out, attempt{name: "caller: image_url and file URLs in a prompt", to: moved, want: []string{"200  backend /openai/chat/completions"}, earlier: "bodies are the model's: the gateway fetches nothing that they name",
		run: func(w *world) string {
			return w.ask("POST", "/openai/chat/completions?api-version=https://moved.example.com/", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://moved.example.com/i.png"}},{"type":"file","file":{"file_data":"https://moved.example.com/f"}}]}]}`, nil)
		}})
	return out
}
