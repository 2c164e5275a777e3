package app

import (
	"os"
	"strings"
)

// siteAttempts are what cloister.yaml, the environment and the machine can say.
func siteAttempts() []attempt {
	public := func(host, addr string) *name { return resolves(host, record(addr)) }
	// listed adds a destination of a class.
	listed := func(class, entry string) func(*world) string {
		return func(w *world) string {
			return strings.Replace(w.config(""), "\n  "+class+": [", "\n  "+class+": ["+entry+", ", 1)
		}
	}
	site := func(name, to string, config func(*world) string, path, xto string, want ...string) attempt {
		return attempt{name: "site: " + name, to: to, want: want, run: func(w *world) string { return w.another(config(w), path, map[string][]string{"X-To": {xto}}) }}
	}
	top := func(lines string) func(*world) string { return func(w *world) string { return w.config(lines) } }
	stopped := func(a attempt, why string) attempt { a.earlier = why; return a }
	servers := func(list string) func(*world) string {
		return func(w *world) string { return w.config("names: {servers: [" + list + "]}\n") }
	}
	with := func(n *name, a attempt) attempt { a.dns = n; return a }
	const reader = "reading cloister.yaml refuses it, before there is a dialer"
	document := func(name, policies string, want, why string) attempt {
		return attempt{name: "site: " + name, to: "93.184.3.15", want: []string{want}, earlier: why, run: func(w *world) string {
			const file = "apim/apis/openai/policy.xml"
			w.site.write(w.t, file, onlyInbound(policies))
			defer os.Remove(w.site.dir + "/" + file)
			return w.another(w.config(""), "", nil)
		}}
	}
	return []attempt{
		document("a document that sets Host", `<set-header name="Host" exists-action="override"><value>93.184.3.15</value></set-header>`, "always names the backend", "Host is no header that a document sets"),
		document("a document with a literal URL that is not listed", `<send-request mode="new" response-variable-name="r"><set-url>https://93.184.3.15/</set-url><set-method>GET</set-method></send-request>`, "destinations.call", "a literal URL has to be listed"),
		stopped(site("a backend's name pinned to a public address", "93.184.5.1", listed("model", "{host: pinned.example.com, addresses: [93.184.5.1]}"), "/move/x", "https://pinned.example.com/", "93.184.5.1 is not private, and class"), reader),
		stopped(site("a backend at a public address", "93.184.5.2", listed("model", "{host: 93.184.5.2}"), "/move/x", "https://93.184.5.2/", "93.184.5.2 is not private, and class"), reader),
		stopped(site("public: true in class model", "93.184.5.3", listed("model", "{host: 93.184.5.3, public: true}"), "/move/x", "https://93.184.5.3/", "never reaches a public address; mend: remove the line"), reader),
		stopped(site("a call to a public address that is not called public", "93.184.5.4", listed("call", "{host: 93.184.5.4}"), "/send/x", "https://93.184.5.4/", "93.184.5.4 is a public address; expected a private address"), reader),
		stopped(site("the metadata service as a backend", "169.254.169.254", listed("model", "{host: 169.254.169.254}"), "/move/x", "https://169.254.169.254/", "169.254.169.254 is the address of instance metadata"), reader),
		stopped(site("privatePrefixes: everything", "93.184.5.16", top("privatePrefixes: [{prefix: 0.0.0.0/0, reason: all}]\n"), "", "", "0.0.0.0/0"), "no prefix that is not private space may be wider than /8"),
		stopped(site("a public DNS server", "93.184.5.5", func(w *world) string {
			return strings.Replace(servers(`"93.184.5.5:53"`)(w), "name: [", "name: [{host: 93.184.5.5}, ", 1)
		}, "/move/x", "https://model-public-a.example.com/", "93.184.5.5 is a public address; expected a private address"), reader),
		stopped(site("a DNS server that is not listed", "93.184.5.6", servers(`"93.184.5.6:53"`), "", "", "93.184.5.6:53, which destinations.name does not list"), reader),
		site("resolv.conf names a public DNS server", "93.184.5.7", servers("system"), "/move/x", "https://model-public-a.example.com/", "the system's DNS server 93.184.5.7 is not asked: the address is public", "there is no DNS server"),
		with(public("vault.example.com", "93.184.5.8"), site("Key Vault", "93.184.5.8", func(w *world) string {
			return w.config("keyVault: {credential: {clientSecret: {authority: \"https://127.0.0.1:"+w.port()+"\", tenantId: "+tenant+", clientId: "+mapped+", secret: {file: keys/client}, caFile: tls/backend.pem}}}\n",
				[2]string{"subscriptions", "- {name: vaulted, scope: /apis, primaryKey: {keyVault: \"https://vault.example.com/secrets/x\"}}"})
		}, "", "", "vault.example.com", "public-address")),
		with(public("witness.example.com", "93.184.5.9"), site("the audit log's witness", "93.184.5.9", func(w *world) string {
			c := w.config("")
			i := strings.Index(c, "audit: {witness")
			j := strings.IndexByte(c[i:], '\n')
			return c[:i] + "audit: {witness: {url: \"https://witness.example.com/w\", interval: 1s}}" + c[i+j:]
		}, "", "", "state", "public-address")),
		with(public("otlp.example.com", "93.184.5.10"), site("the collector of traces", "93.184.5.10", top("telemetry: {otlp: {endpoint: https://otlp.example.com}}\n"), "", "", "200", "class=telemetry", "public-address")),
		with(public("issuer.example.com", "93.184.5.11"), site("an issuer", "93.184.5.11", top("tokens: {audiences: [a], issuers: [{issuer: \"https://issuer.example.com/\"}]}\n"), "", "", "class=identity", "public-address")),
		with(public("keys.example.com", "93.184.5.12"), site("an issuer whose metadata names other keys", "93.184.5.12", func(w *world) string {
			return w.config("tokens: {audiences: [a], issuers: [{issuer: \"https://127.0.0.1:" + w.port() + "/openai/issuer\", caFile: tls/backend.pem}]}\n")
		}, "", "", "keys.example.com")),
		{name: "site: a reload with a public destination", to: "93.184.5.13", want: []string{"93.184.5.13 is not private", "500"}, earlier: reader, run: func(w *world) string {
			before := w.config("")
			w.site.write(w.t, "cloister.yaml", listed("model", "{host: 93.184.5.13}")(w))
			r, err := w.Reload(w.t.Context())
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				for _, p := range r.Problems {
					said += p.String() + "\n"
				}
			}
			said += w.ask("GET", "/move/x", "", to("https://93.184.5.13/"))
			w.site.write(w.t, "cloister.yaml", before)
			_, _ = w.Reload(w.t.Context())
			return said
		}},
		{name: "environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, GODEBUG", to: proxyAddr, want: []string{"200  inside model-proxied.example.com"},
			earlier: "no transport asks the environment for a proxy", dns: resolves("model-proxied.example.com", record(inside)),
			run: func(w *world) string { return w.ask("GET", "/move/x", "", to("https://model-proxied.example.com/")) }},
		{name: "certificate: AIA, OCSP and CRL of a backend", to: "93.184.5.14", want: []string{"200  certified"},
			earlier: "certificates are verified by what the site and the handshake bring; nothing is fetched",
			run:     func(w *world) string { return w.ask("GET", "/certified/x", "", nil) }},
	}
}

// proxyAddr is where the environment's proxies stand.
const proxyAddr = "93.184.5.15"
