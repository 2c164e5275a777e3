package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Reloaded is what a reload came to.
type Reloaded struct {
	// Before and After are the digests of the sites in force.
	Before, After string
	// Problems of the new site; with an error among them the old one stays.
	Problems site.Problems
}

// Accepted reports whether the new site is in force.
func (r Reloaded) Accepted() bool { return !r.Problems.HasErrors() }

// Reload loads the site anew and puts it in force if it is good. Requests that
// have begun end as they began; no connection is closed.
func (p *Process) Reload(ctx context.Context) (Reloaded, error) {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	before := p.inForce()
	// Whatever becomes of the site: a log that was rotated is let go.
	p.reopenAccessLog(before.site)
	p.reopenFlowLog(before.site)
	out := Reloaded{Before: before.site.Digest, After: before.site.Digest}
	s, problems := site.Load(p.opt.Dir)
	out.Problems = problems
	if s == nil {
		return p.reloaded(out), nil
	}
	out.Problems = append(out.Problems, needsRestart(before.site.Config, s)...)
	trial, err := p.trial(ctx, s)
	if err != nil {
		return out, err
	}
	if trial.problems.HasErrors() {
		out.Problems = append(out.Problems, trial.problems...)
	}
	if out.Problems.HasErrors() {
		return p.reloaded(out), nil
	}
	next, err := p.build(ctx, s)
	if err != nil {
		return out, err
	}
	out.Problems = append(out.Problems, next.problems...)
	if out.Problems.HasErrors() {
		next.close()
		return p.reloaded(out), nil
	}
	if err := p.rewrap(ctx, before, next); err != nil {
		next.close()
		out.Problems.Add(placeOf(s, "state.encryption"), "state-encryption", "a key-encryption key that can be used", "", "the state keeps the key-encryption key of before: %v", err)
		return p.reloaded(out), nil
	}
	if err := stillOpens(s, p.bare()); err != nil {
		next.close()
		out.Problems.Add(placeOf(s, "state.encryption"), "state-encryption", "the passphrase of the key file", "", "the next start would not open the state: %v", err)
		return p.reloaded(out), nil
	}
	if err := p.swap(ctx, next); err != nil {
		next.close()
		return out, err
	}
	// Requests of the old snapshot may still verify and forward: closing it
	// ends only what it does by itself, and connections that nobody uses.
	before.close()
	out.After = s.Digest
	return p.reloaded(out), nil
}

// stillOpens finds a passphrase that was changed in one place and not in the
// other, while there is a running gateway to say so. Only a file can be read
// again: the environment and systemd's credentials are those of the start.
func stillOpens(s *site.Site, at surroundings) error {
	e := s.Config.State.Encryption
	if e == nil || e.KeyFile == nil || e.KeyFile.Passphrase.File == "" {
		return nil
	}
	_, err := openKeyFile(s, e.KeyFile, at.secrets)
	return err
}

// swap puts a site in force, with what has changed in the state while it was
// compiled.
func (p *Process) swap(ctx context.Context, next *built) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	// From whichever was read first: decisions about private endpoints are those of
	// the process, and callers those of the site.
	c, err := p.state.store.Changes(ctx, min(next.revision, p.revision))
	if err != nil {
		return err
	}
	p.decided(c)
	next.callers.follow(c, p.opt.Log)
	next.revision = c.Revision
	p.putInForce(next)
	p.gateway.Swap(next.snapshot)
	if n := p.gateway.Revoke(); n > 0 {
		p.opt.Log.Info("requests ended: their subscriptions or keys have", "requests", n)
	}
	return nil
}

// inForce is the site that counts now.
func (p *Process) inForce() *built {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// rewrap has the key-encryption key of the new site seal the state and the key
// of the site's own CA, where it is another than before.
func (p *Process) rewrap(ctx context.Context, before, next *built) error {
	if sameSetting(before.site.Config.State.Encryption, next.site.Config.State.Encryption) {
		return p.state.ca.settle(ctx)
	}
	kek, _, err := keyEncryption(ctx, next.site, next.dialer, p.bare())
	if err != nil {
		return err
	}
	if err := p.state.ca.change(ctx, kek, p.state.store.RewrapKeyring); err != nil {
		return err
	}
	p.opt.Log.Info("the state is sealed by another key-encryption key")
	return nil
}

func (p *Process) reloaded(r Reloaded) Reloaded {
	r.Problems.Sort()
	p.metrics.Reloaded(r.Accepted(), p.opt.Now())
	p.lastReload.Store(&admin.LastReload{Time: p.opt.Now(), Accepted: r.Accepted(), Errors: count(r.Problems, site.Error)})
	if !r.Accepted() {
		p.note(audit.Record{
			Kind: audit.KindConfig, Action: "site", Outcome: "failed", Site: r.Before,
			Detail: fmt.Sprintf("refused with %d errors", count(r.Problems, site.Error)),
		})
	}
	if r.Accepted() && r.Before != r.After {
		p.note(audit.Record{
			Kind: audit.KindConfig, Action: "site", Site: r.After,
			Before: json.RawMessage(strconv.Quote(r.Before)), After: json.RawMessage(strconv.Quote(r.After)),
		})
	}
	if r.Accepted() {
		p.opt.Log.Info("site reloaded", "before", r.Before, "after", r.After)
		return r
	}
	p.opt.Log.Error("site refused, the one before stays in force", "errors", count(r.Problems, site.Error), "warnings", count(r.Problems, site.Warning))
	for _, problem := range r.Problems {
		if problem.Severity == site.Error {
			p.opt.Log.Error("site problem", "at", problem.Pos.String(), "code", problem.Code, "message", problem.Message, "mend", problem.Mend)
		}
	}
	return r
}

// count is how many problems are of a severity.
func count(problems site.Problems, severity site.Severity) (n int) {
	for _, p := range problems {
		if p.Severity == severity {
			n++
		}
	}
	return n
}

// reopenAccessLog lets go of a log file that was rotated away.
func (p *Process) reopenAccessLog(s *site.Site) {
	sink, err := telemetry.OpenSink(s.Config.Telemetry.AccessLog, s.Dir, p.opt.Stdout, p.opt.Stderr)
	if err != nil {
		p.opt.Log.Error("the access log cannot be opened anew; the one before is written on", "error", err)
		return
	}
	p.recorder.Redirect(sink)
	if err := p.sink.Close(); err != nil {
		p.opt.Log.Error("closing the access log of before", "error", err)
	}
	p.sink = sink
}

// needsRestart names what a reload cannot change.
func needsRestart(was *site.Config, s *site.Site) site.Problems {
	var problems site.Problems
	is := s.Config
	for _, part := range []struct {
		name    string
		was, is any
	}{
		{"listeners", listenersOf(was.Listeners), listenersOf(is.Listeners)},
		{"health.address", was.Health.Address, is.Health.Address},
		{"state.directory", was.State.Directory, is.State.Directory},
		{"network.dns.listeners", listenersOf(was.Network.DNS.Listeners), listenersOf(is.Network.DNS.Listeners)},
		{"network.flowLog", was.Network.FlowLog, is.Network.FlowLog},
		{"telemetry.accessLog", was.Telemetry.AccessLog, is.Telemetry.AccessLog},
		{"telemetry.otlp.endpoint", was.Telemetry.OTLP.Endpoint, is.Telemetry.OTLP.Endpoint},
		{"telemetry.otlp.caFile", was.Telemetry.OTLP.CAFile, is.Telemetry.OTLP.CAFile},
		{"telemetry.otlp.sampleRatio", was.Telemetry.OTLP.SampleRatio, is.Telemetry.OTLP.SampleRatio},
		{"name", was.Name, is.Name},
		{"admin.listener", was.Admin.Listener, is.Admin.Listener},
		{"state.postgres", was.State.Postgres, is.State.Postgres},
		{"state.staleAfter", was.State.StaleAfter, is.State.StaleAfter},
		{"audit", was.Audit, is.Audit},
		{"limits.memoryBytes", was.Limits.MemoryBytes, is.Limits.MemoryBytes},
	} {
		if !sameSetting(part.was, part.is) {
			problems.Add(placeOf(s, part.name), "needs-restart", "the value that is in force", "put it back, or restart the gateway",
				"%s cannot change while the gateway runs", part.name)
		}
	}
	for i := range problems {
		problems[i].Excerpt = site.Excerpt(s.Files[problems[i].File], problems[i].Pos)
	}
	return problems
}

// sameSetting compares what stands in the file, wherever it stands there.
func sameSetting(was, is any) bool {
	a, errA := yaml.Marshal(was)
	b, errB := yaml.Marshal(is)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// placeOf is where a field stands in the configuration, or the nearest place
// around it where it is left out.
func placeOf(s *site.Site, field string) site.Pos {
	pos := s.Config.Pos
	var doc yaml.Node
	if err := yaml.Unmarshal(s.Files[pos.File], &doc); err != nil || len(doc.Content) == 0 {
		return pos // it was read by loading; nothing gets here
	}
	node := doc.Content[0]
	for name := range strings.SplitSeq(field, ".") {
		if node.Kind != yaml.MappingNode {
			return pos
		}
		i := 0
		for i < len(node.Content) && node.Content[i].Value != name {
			i += 2
		}
		if i >= len(node.Content) {
			return pos
		}
		key := node.Content[i]
		pos.Line, pos.Column = key.Line, key.Column
		node = node.Content[i+1]
	}
	return pos
}

func listenersOf(list []site.Listener) []site.Listener {
	var out []site.Listener
	for _, l := range list {
		l.Pos = site.Pos{}
		out = append(out, l)
	}
	return out
}

// certificateInterval is how often certificate files are looked at: well
// within the minutes that a renewal has before anybody needs it.
const certificateInterval = 30 * time.Second

// watchCertificates takes renewed certificates into use.
func (p *Process) watchCertificates(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(p.opt.CertificateInterval, certificateInterval))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.renewCertificates()
		}
	}
}

// renewCertificates makes a new front if a certificate is another than was
// read. A pair that does not fit, as in the moment between two writes, changes
// nothing: it is looked at again.
func (p *Process) renewCertificates() {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	if !p.current.certificates.changed(p.opt.Now()) {
		return
	}
	fresh := &built{site: p.current.site}
	front := fresh.makeFront(p.bare())
	if front == nil || fresh.problems.HasErrors() {
		for _, problem := range fresh.problems {
			p.opt.Log.Error("renewed certificate refused, the one before stays in force", "message", problem.Message, "mend", problem.Mend)
		}
		return
	}
	p.mu.Lock()
	p.current.front, p.current.certificates, p.current.pairs = front, fresh.certificates, fresh.pairs
	p.mu.Unlock()
	p.operators.Store(p.operators.Load().renewed(fresh.pairs[fresh.adminHostname()]))
	p.front.Store(front)
	p.metrics.SetCertificates(fresh.certificates.expiry)
	p.opt.Log.Info("certificates renewed")
}

// collectorTransport reaches the collector through the dialer in force, which
// a reload replaces; the exporter keeps its client for life.
func (p *Process) collectorTransport(s *site.Site) http.RoundTripper {
	return &currentTransport{dialer: p.dialer.Load, options: func() egress.TransportOptions {
		roots, err := (&built{site: s}).pool(s.Config.Telemetry.OTLP.CAFile)
		if err != nil {
			p.opt.Log.Error("telemetry.otlp.caFile", "error", err)
		}
		return egress.TransportOptions{RootCAs: roots, MaxConns: 4}
	}()}
}

// currentTransport makes a transport per dialer.
type currentTransport struct {
	dialer  func() *egress.Dialer
	options egress.TransportOptions
	made    atomic.Pointer[dialerTransport]
}

type dialerTransport struct {
	dialer    *egress.Dialer
	transport *http.Transport
}

func (c *currentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	d := c.dialer()
	m := c.made.Load()
	if m == nil || m.dialer != d {
		next := &dialerTransport{d, d.Transport(egress.Telemetry, c.options)}
		if c.made.CompareAndSwap(m, next) && m != nil {
			m.transport.CloseIdleConnections()
		}
		m = next
	}
	return m.transport.RoundTrip(r)
}
