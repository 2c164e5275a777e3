package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// proxy is one of those that are compared, or the upstream itself, whose
// figures are what the proxies add to.
type proxy struct {
	name string
	port int
	*child
}

// lab is everything that runs: the upstream and the proxies in front of it.
type lab struct {
	opt      options
	dir      string
	tls      *tls.Config
	upstream *proxy
	gateway  *proxy
	others   []*proxy
	request  requests
}

// requests are what the load sends, head and body.
type requests struct{ json, sse, short, idle []byte }

// newLab starts the parts and waits until all of them answer.
func newLab(ctx context.Context, opt options) (*lab, error) {
	dir, err := os.MkdirTemp("", "cloister-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{opt: opt, dir: dir, request: makeRequests()}
	if err := l.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) open(ctx context.Context) error {
	if err := writeCertificates(l.dir); err != nil {
		return err
	}
	pem, err := os.ReadFile(l.file("ca.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	l.tls = &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	for _, part := range []func(context.Context) error{l.startUpstream, l.startGateway, l.startReverseProxy, l.startNginx} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return l.sameTLS()
}

func (l *lab) file(name string) string { return filepath.Join(l.dir, name) }

// close ends what runs and removes the files.
func (l *lab) close() {
	for _, p := range append([]*proxy{l.gateway, l.upstream}, l.others...) {
		if p != nil && p.child != nil {
			p.stop()
		}
	}
	os.RemoveAll(l.dir)
}

// stopGateway ends the gateway, which writes its profile then.
func (l *lab) stopGateway() error {
	err := l.gateway.stop()
	l.gateway.child = nil
	return err
}

func (l *lab) startUpstream(ctx context.Context) (err error) {
	program, err := l.build(ctx, "upstream")
	if err != nil {
		return err
	}
	l.upstream, err = l.start(ctx, "upstream", false, func(port int) (string, []string) {
		return program, []string{"-listen", loopback(port), "-cert", l.file("cert.pem"), "-key", l.file("key.pem"),
			"-events", fmt.Sprint(l.opt.events), "-interval", l.opt.interval.String()}
	})
	return err
}

func (l *lab) startGateway(ctx context.Context) (err error) {
	site := l.file("site")
	program, args := l.opt.gateway, []string{"serve", site}
	if l.opt.profile != "" {
		if program, err = l.build(ctx, "profiled"); err != nil {
			return err
		}
		file, err := filepath.Abs(l.opt.profile)
		if err != nil {
			return err
		}
		args = []string{"-profile", file, site}
	}
	l.gateway, err = l.start(ctx, "gateway", true, func(port int) (string, []string) {
		health, e := freePort()
		err = errors.Join(e, writeSite(site, l.dir, port, health, l.upstream.port))
		return program, args
	})
	return err
}

func (l *lab) startReverseProxy(ctx context.Context) error {
	program, err := l.build(ctx, "reverseproxy")
	if err != nil {
		return err
	}
	p, err := l.start(ctx, "reverseproxy", true, func(port int) (string, []string) {
		return program, []string{"-listen", loopback(port), "-upstream", "https://" + loopback(l.upstream.port),
			"-ca", l.file("ca.pem"), "-cert", l.file("cert.pem"), "-key", l.file("key.pem")}
	})
	l.others = append(l.others, p)
	return err
}

func (l *lab) startNginx(ctx context.Context) error {
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return fmt.Errorf("%w; run: sudo make deps", err)
		}
	}
	var failed error
	p, err := l.start(ctx, "nginx", true, func(port int) (string, []string) {
		user := ""
		if os.Geteuid() == 0 {
			user = "user root;" // else the worker could not read its files
		}
		text := strings.NewReplacer("DIR", l.dir, "USER", user, "PORT", fmt.Sprint(port), "UPSTREAM", fmt.Sprint(l.upstream.port)).Replace(nginxConfig)
		failed = os.WriteFile(l.file("nginx.conf"), []byte(text), 0o600)
		return program, []string{"-p", l.dir, "-c", l.file("nginx.conf"), "-e", l.file("nginx-error.log")}
	})
	l.others = append(l.others, p)
	return errors.Join(failed, err)
}

const nginxConfig = `daemon off;
USER
worker_processes 1;
pid DIR/nginx.pid;
error_log DIR/nginx-error.log;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path DIR/body;
  proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/fastcgi;
  uwsgi_temp_path DIR/uwsgi;
  scgi_temp_path DIR/scgi;
  upstream model {
    server 127.0.0.1:UPSTREAM;
    keepalive 4096;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:PORT ssl;
    keepalive_requests 100000000;
    keepalive_timeout 3600;
    ssl_certificate DIR/cert.pem;
    ssl_certificate_key DIR/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass https://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 3600;
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_trusted_certificate DIR/ca.pem;
    }
  }
}
`

// build compiles one of the programs beside this one.
func (l *lab) build(ctx context.Context, name string) (string, error) {
	path := l.file(name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "github.com/cloister-ai/cloister/test/bench/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// readyTimeout bounds how long a part may take until it answers.
const readyTimeout = 20 * time.Second

// start runs one part on a free port, on the core of the proxies or on that of
// the load, and waits until it takes connections.
func (l *lab) start(ctx context.Context, name string, isProxy bool, command func(port int) (string, []string)) (*proxy, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	proxyCore, core := pinned()
	if isProxy {
		core = proxyCore
	}
	program, args := command(port)
	c, err := start(ctx, core, program, args...)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &proxy{name: name, port: port, child: c}
	for deadline := time.Now().Add(readyTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := dial(port, l.tls)
		if err == nil {
			conn.close()
			return p, nil
		}
		select {
		case <-c.done:
			return nil, fmt.Errorf("%s ended: %v\n%s", name, c.err, c.log)
		default:
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s does not answer: %w", name, err), c.stop())
		}
	}
}

// sameTLS makes sure that all speak one version and cipher suite.
func (l *lab) sameTLS() error {
	var first string
	for _, p := range l.all() {
		c, err := dial(p.port, l.tls)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		state := c.conn.ConnectionState()
		c.close()
		is := tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
		if first == "" {
			first = is
		}
		if is != first {
			return fmt.Errorf("%s speaks %s, the upstream %s", p.name, is, first)
		}
	}
	return nil
}

// all are the upstream and the proxies.
func (l *lab) all() []*proxy { return append([]*proxy{l.upstream, l.gateway}, l.others...) }

// proxies are those that are compared, in another order in every round.
func (l *lab) proxies(round int) []*proxy {
	p := append([]*proxy{l.gateway}, l.others...)
	k := round % len(p)
	return append(p[k:len(p):len(p)], p[:k]...)
}

// describe says what was measured on what.
func (l *lab) describe() string {
	proxyCore, loadCore := pinned()
	where := fmt.Sprintf("proxies on core %s, load and upstream on core %s", proxyCore, loadCore)
	if proxyCore == "" {
		where = "one core for everything: the figures are rough"
	}
	return fmt.Sprintf("%s, %s; %s; %d rounds of %v", runtime.Version(), cpuModel(), where, l.opt.rounds, l.opt.duration)
}

// cpuModel is the processor's name.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// freePort is a loopback port that was free a moment ago.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// makeRequests writes the requests: a chat of about a kilobyte.
func makeRequests() requests {
	chat := `"messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"` +
		strings.Repeat("Tell me about doors that are closed by default. ", 18) + `"}],"temperature":0.2,"max_tokens":256}`
	return requests{
		json:  post(`{"model":"gpt-4o",` + chat),
		sse:   post(`{"model":"gpt-4o","stream":true,` + chat),
		short: post(`{"model":"gpt-4o","stream":true,"user":"short",` + chat),
		idle:  post(`{"model":"gpt-4o","stream":true,"user":"idle",` + chat),
	}
}

// requestPath is what all requests ask for.
const requestPath = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"

// idleRequest is the body of a stream that begins and then stands still.
const idleRequest = `{"model":"gpt-4o","stream":true,"user":"idle","messages":[{"role":"user","content":"Hello"}]}`

func post(body string) []byte {
	return fmt.Appendf(nil, "POST "+requestPath+" HTTP/1.1\r\n"+
		"Host: localhost\r\nAccept: application/json\r\nContent-Type: application/json\r\nApi-Key: %s\r\n"+
		"User-Agent: OpenAI/Go 3.98.0\r\nX-Stainless-Lang: go\r\nX-Stainless-Package-Version: 3.98.0\r\nX-Stainless-Os: Linux\r\n"+
		"X-Stainless-Arch: x64\r\nX-Stainless-Runtime: go\r\nX-Stainless-Runtime-Version: go1.26\r\nX-Stainless-Retry-Count: 0\r\n"+
		"Content-Length: %d\r\n\r\n%s", subscriptionKey, len(body), body)
}
