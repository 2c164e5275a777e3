package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/gateway"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/network/dns"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Options are what a process takes from its surroundings.
type Options struct {
	// Dir is the site's directory.
	Dir string
	// Secrets is where references are looked up; SiteDir is set from Dir.
	Secrets secret.Env
	// Stdout and Stderr are where telemetry.accessLog may point.
	Stdout, Stderr io.Writer
	// Log is for the operator.
	Log *slog.Logger
	// Build is shown in metrics and traces.
	Build telemetry.Build
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// CertificateInterval is how often certificate files are looked at;
	// 0: 30 s.
	CertificateInterval time.Duration
	// Sockets are what a service manager passed, see [TakeSockets]; none: the
	// process binds the listeners itself. Start owns them.
	Sockets Sockets
	// AcceptOlderState serves a state that was restored from a backup, or rolled
	// back, although what was acknowledged since may be lost by that.
	AcceptOlderState bool
	// CutStaleAfter is how long the shared state may be silent before open
	// streams are cut; 0: 30 s.
	CutStaleAfter time.Duration
	// Detached serves on a host that stands outside the gateway's subnet, and
	// enforces no security rule there.
	Detached bool
	// HostAddrs are the addresses of this machine; nil: those of its interfaces.
	HostAddrs func() ([]netip.Addr, error)
	// Development accepts what the emulator made. Only "cloister up" sets it.
	Development bool
}

// Process is a running gateway. Its life is Start → (Reload …) → Shutdown.
type Process struct {
	opt   Options
	state *state
	guard *limit.Guard
	// memory is what overload is measured against; 0: not known.
	memory   int64
	door     *admin.Door
	metrics  *telemetry.Metrics
	recorder *telemetry.Recorder
	tracing  *telemetry.Tracing
	sink     io.Closer
	// flows is the flow log, written to flowSink; nil where the site has none.
	flows    *nsg.FlowLog
	flowSink io.Closer
	gateway  *gateway.Gateway
	server   *gateway.Server
	admin    *admin.Server
	adminTLS *admin.Server
	health   *http.Server
	healthAt netip.AddrPort
	adminAt  netip.AddrPort
	// addrs are the listeners' addresses.
	addrs []netip.AddrPort
	// front is replaced by reloads and by renewed certificates.
	front  atomic.Pointer[gateway.Front]
	zones  atomic.Pointer[dns.Zones]
	dialer atomic.Pointer[egress.Dialer]
	// names answers for the private zones, at namesAt; nil: it does not run.
	names   *dns.Server
	namesAt []netip.AddrPort
	// operators is nil where the door stands on the socket alone.
	operators atomic.Pointer[operators]
	ready     atomic.Bool
	// ballast is never touched, so it costs addresses and no memory. The
	// collector takes it for live: it lets as much garbage come together
	// before it works, where a gateway's own few megabytes would have it work
	// all the time.
	ballast []byte
	// retries bounds how often requests go on to another member of a pool, of
	// all sites that are served one after the other.
	retries *limit.RetryBudget
	// calls are those of policies; nil: not begun.
	calls *calls
	// keySets and identities are those of policies.
	keySets    *verify.KeySets
	identities *identities
	// endpoints are the decisions about private endpoints, and what is open
	// through them.
	endpoints *endpoint.Live
	// events are the messages of log-to-eventhub; nil: not begun.
	events  *events
	failed  chan error
	serving sync.WaitGroup
	// background ends with stop, and everything that goes on by itself with it.
	background context.Context
	stop       context.CancelFunc
	// endVaults ends the watch over the vaults of the site in force.
	endVaults context.CancelFunc
	ended     sync.Once
	endErr    error

	// silent: the shared state is not heard from; restored: it was put back to
	// an earlier moment, and nobody has accepted that.
	silent, restored atomic.Bool
	lastReload       atomic.Pointer[admin.LastReload]

	// reloading is held by who makes a site, or renews what was made from one:
	// it may take as long as vaults and issuers take.
	reloading sync.Mutex
	// changing is held by who reads the state and puts it in force, from before
	// the reading to after the putting, one at a time; and is taken after
	// reloading.
	changing sync.Mutex

	mu      sync.Mutex // guards current and revision, which only the holder of changing writes
	current *built
	// revision is that of the state that current knows.
	revision store.Revision
	started  time.Time
}

// ballastBytes is how much garbage may come together however little is live.
const ballastBytes = 32 << 20

// Start loads, compiles and serves a site. Where the site is at fault the
// error is nil and the problems say why; there is no process then.
func Start(ctx context.Context, opt Options) (*Process, site.Problems, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s, problems := site.Load(opt.Dir)
	if s == nil {
		return nil, problems, nil
	}
	opt.Secrets.SiteDir = s.Dir
	p := &Process{opt: opt, ballast: make([]byte, ballastBytes), failed: make(chan error, 8), started: opt.Now(), endpoints: endpoint.NewLive(), retries: limit.NewRetryBudget(limit.RetryOptions{Now: opt.Now})}
	p.background, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	if s.Config.Network.FlowLog != "" {
		p.flows = nsg.NewFlowLog(io.Discard, nsg.FlowLogOptions{Log: opt.Log, Now: opt.Now})
	}
	built, err := p.open(ctx, s)
	if err != nil {
		p.abandon()
		return nil, nil, err
	}
	problems = append(problems, built.problems...)
	problems.Sort()
	if problems.HasErrors() {
		p.abandon()
		return nil, problems, nil
	}
	return p, problems, nil
}

// open brings the parts up in the order in which they need each other.
func (p *Process) open(ctx context.Context, s *site.Site) (*built, error) {
	var err error
	with := stateOptions{at: p.bare(), dialer: p.dialer.Load, acceptOlder: p.opt.AcceptOlderState, patience: lockPatience}
	boot, err := bootDialer(s, with.at)
	if err != nil {
		return nil, err
	}
	p.dialer.Store(boot)
	if p.state, err = openStore(ctx, s, with); err != nil {
		return nil, err
	}
	p.state.version = p.opt.Build.Version
	// A site that is refused takes no port and asks nobody for anything.
	if refused, err := p.trial(ctx, s); err != nil || refused.problems.HasErrors() {
		return refused, err
	}
	if err := p.state.ca.settle(ctx); err != nil {
		return nil, err
	}
	p.metrics = telemetry.NewMetrics(p.opt.Build)
	if err := p.state.openAudit(ctx, with); err != nil {
		return nil, err
	}
	p.guard = newGuard(s, p.opt.Now)
	p.memory = limitMemory(s)
	p.server = gateway.NewServer(gateway.ServerOptions{
		Guard: p.guard,
		Front: p.front.Load, Handler: p.handle, Refused: p.refused, Log: p.opt.Log, Now: p.opt.Now,
	})
	p.metrics.WatchConnections(p.server.Connections)
	doors, err := openAll(ctx, s.Config, p.opt.Sockets)
	if err != nil {
		return nil, err
	}
	lns, health := doors.all(), doors.health
	for _, ln := range doors.gateway {
		p.addrs = append(p.addrs, addrOf(ln))
	}
	if health != nil {
		p.healthAt = addrOf(health)
	}
	if doors.admin != nil {
		p.adminAt = addrOf(doors.admin)
	}
	if err := p.openNames(ctx, s.Config); err != nil {
		closeAll(lns)
		return nil, err
	}
	// All own addresses are known now: what is built connects at once, and
	// never to them.
	built, err := p.build(ctx, s)
	if err != nil || built.problems.HasErrors() {
		closeAll(lns)
		return built, err
	}
	if err := p.openTelemetry(p.background, s); err != nil {
		closeAll(lns)
		built.close()
		return nil, err
	}
	p.calls = newCalls(func() *callTransports { return p.inForce().calls }, p.opt.Log, p.metrics)
	p.openIdentity()
	p.events = &events{calls: p.calls, dialer: p.dialer.Load, now: p.opt.Now, log: p.opt.Log, metrics: p.metrics}
	p.putInForce(built)
	p.gateway = gateway.New(built.snapshot, gateway.Options{
		Recorder: p.recorder, Metrics: p.metrics, Tracing: p.tracing, Log: p.opt.Log, Now: p.opt.Now,
		Audit: p.state.audit, Stale: p.stale, HeldBytes: heldBytes(p.memory),
		Services: p.policyServices(),
	})
	p.watchMetrics()
	if err := p.noteStart(ctx, built); err != nil {
		closeAll(lns)
		return nil, err
	}
	if err := p.openAdmin(p.background); err != nil {
		closeAll(lns)
		return nil, err
	}
	if doors.admin != nil {
		p.openAdminTLS(doors.admin)
	}
	p.openDoors(doors.gateway, health)
	p.ready.Store(true)
	p.serving.Go(func() { p.watchCertificates(p.background) })
	p.serving.Go(func() { p.watchState(p.background) })
	if s.Config.State.Postgres != nil {
		p.serving.Go(func() { p.watchSilence(p.background) })
	}
	return built, nil
}

// lockPatience is how long a start waits for a command that has the state
// directory.
const lockPatience = 2 * time.Second

// newGuard protects the listeners from overload, floods and clients that
// attack.
func newGuard(s *site.Site, now func() time.Time) *limit.Guard {
	return limit.NewGuard(limit.GuardOptions{
		Monitors: limit.SystemMonitors(limit.SystemOptions{MemoryBytes: s.Config.Limits.MemoryBytes}), Now: now,
	})
}

// limitMemory has the collector work harder near the memory that there is, and
// says how much that is; 0: it is not known. A limit from the environment
// stays.
func limitMemory(s *site.Site) int64 {
	available, _ := limit.MemoryLimit(limit.SystemOptions{MemoryBytes: s.Config.Limits.MemoryBytes})
	if available > 0 && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(available / 10 * 9)
	}
	return available
}

// heldBytes is how many bytes of request bodies may lie in memory: an eighth of
// what there is, because a body that grows is held twice for a moment and what
// was let go of waits for the collector; and never more than the default.
func heldBytes(memory int64) int64 {
	const most = 1 << 30
	if memory <= 0 {
		return most
	}
	return min(most, max(memory/8, 32<<20))
}

// noteStart puts the start on record; without the record there is no start.
func (p *Process) noteStart(ctx context.Context, b *built) error {
	at := p.state.audit.Append(&audit.Record{
		Time: p.opt.Now(), Kind: audit.KindConfig, Action: "start", Actor: admin.OSActor(os.Geteuid()).Name,
		Site: b.site.Digest, Target: "site:" + b.site.Config.Name, Detail: "version " + p.opt.Build.Version,
	})
	p.state.audit.Flush(at)
	return p.state.audit.Wait(ctx, at)
}

// build compiles with what the store knows.
func (p *Process) build(ctx context.Context, s *site.Site) (*built, error) {
	at, err := p.surroundings(ctx)
	if err != nil {
		return nil, err
	}
	return build(s, at), nil
}

// trial is build for the problems alone: nothing is connected to.
func (p *Process) trial(ctx context.Context, s *site.Site) (*built, error) {
	at, err := p.surroundings(ctx)
	if err != nil {
		return nil, err
	}
	at.offline, at.previous, at.onUse = true, nil, nil
	b := build(s, at)
	b.close()
	return b, nil
}

func (p *Process) surroundings(ctx context.Context) (surroundings, error) {
	at := p.bare()
	stored, err := p.state.store.Changes(ctx, 0)
	if err != nil {
		return surroundings{}, err
	}
	if p.inForce() == nil {
		p.decided(stored)
	}
	at.digestKey, at.stored, at.revision, at.previous = p.state.store.DigestKey(), stored.Subscriptions, stored.Revision, p.inForce()
	return at, nil
}

// bare is what does not come from the state.
func (p *Process) bare() surroundings {
	at := surroundings{
		secrets: p.opt.Secrets, now: p.opt.Now, log: p.opt.Log, development: p.opt.Development,
		onUse: p.used, listeners: p.ownListeners, retries: p.retries, detached: p.opt.Detached, hostAddrs: p.opt.HostAddrs,
		endpoints: p.endpoints, flows: p.flows,
	}
	if p.state != nil {
		at.authority = p.state.ca
	}
	return at
}

// ownListeners are all addresses on which the process accepts connections.
func (p *Process) ownListeners() []netip.AddrPort {
	own := append(slices.Clone(p.addrs), p.namesAt...)
	for _, at := range []netip.AddrPort{p.healthAt, p.adminAt} {
		if at.IsValid() {
			own = append(own, at)
		}
	}
	return own
}

// putInForce makes a good site the one that counts.
func (p *Process) putInForce(b *built) {
	p.mu.Lock()
	p.current, p.revision = b, b.revision
	p.mu.Unlock()
	if n := p.endpoints.Enforce(b.endpoints); n > 0 {
		p.opt.Log.Warn("connections cut: the site leads to their hosts by private endpoints in another way", "connections", n)
	}
	p.dialer.Store(b.dialer)
	p.operators.Store(b.operators)
	p.front.Store(b.front)
	p.zones.Store(b.names())
	p.events.follow(b.hubs)
	p.metrics.SetCertificates(b.certificates.expiry)
	if p.endVaults != nil {
		p.endVaults()
		p.endVaults = nil
	}
	if b.vaults != nil {
		var ctx context.Context
		ctx, p.endVaults = context.WithCancel(p.background)
		p.serving.Go(func() { p.watchVaults(ctx, b) })
	}
}

func (p *Process) openTelemetry(ctx context.Context, s *site.Site) error {
	sink, err := telemetry.OpenSink(s.Config.Telemetry.AccessLog, s.Dir, p.opt.Stdout, p.opt.Stderr)
	if err != nil {
		return fmt.Errorf("telemetry.accessLog: %w", err)
	}
	p.sink = sink
	if err := p.openFlowLog(s); err != nil {
		return err
	}
	p.recorder = telemetry.NewRecorder(sink, telemetry.RecorderOptions{
		Site: s.Config.Name, Log: p.opt.Log, Metrics: p.metrics, Now: p.opt.Now,
	})
	otlp := s.Config.Telemetry.OTLP
	if otlp.Endpoint == "" {
		return nil
	}
	ratio := 1.0
	if otlp.SampleRatio != nil {
		ratio = *otlp.SampleRatio
	}
	p.tracing, err = telemetry.NewTracing(ctx, telemetry.TracingOptions{
		Endpoint: otlp.Endpoint, SampleRatio: ratio, Site: s.Config.Name, Build: p.opt.Build,
		Log: p.opt.Log, Metrics: p.metrics, Client: &http.Client{Transport: p.collectorTransport(s), Timeout: 10 * time.Second, CheckRedirect: noRedirect},
	})
	return err
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// openDoors serves what others connect to; health may be nil.
func (p *Process) openDoors(lns []net.Listener, health net.Listener) {
	if health != nil {
		p.serveHealth(health)
	}
	for _, ln := range lns {
		p.serving.Go(func() {
			if err := p.server.Serve(ln); err != nil {
				p.fail(err)
			}
		})
	}
}

func (p *Process) serveHealth(ln net.Listener) {
	p.health = &http.Server{
		Handler:           telemetry.HealthHandler(p.notReady, p.metrics),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 60 * time.Second, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(p.opt.Log.Handler(), slog.LevelDebug),
	}
	p.serving.Go(func() {
		if err := p.health.Serve(few(ln)); !errors.Is(err, http.ErrServerClosed) {
			p.fail(fmt.Errorf("health: %w", err))
		}
	})
}

// notReady is why the gateway should get no requests; nil: it should.
func (p *Process) notReady() error {
	if !p.ready.Load() {
		return errors.New("starting or stopping")
	}
	if p.restored.Load() {
		return errors.New("the shared state was restored from a backup or edited, and nobody has accepted that")
	}
	if p.silent.Load() {
		return errors.New("the shared state is silent")
	}
	if err := p.state.audit.Err(); err != nil {
		return err
	}
	return p.recorder.Err()
}

// handle is the server's handler; it is only called once there is a gateway.
func (p *Process) handle(w http.ResponseWriter, r *http.Request, c *gateway.Conn, call *gateway.Call) {
	p.gateway.Serve(w, r, c, call)
}

func (p *Process) refused(r gateway.Refusal) {
	p.recorder.RefusedBeforeRoute(r.Client, string(r.Cause))
}

// used counts what the dialer did.
func (p *Process) used(u egress.Use) {
	var refusal *egress.RefusedError
	switch {
	case u.Err == nil:
		p.metrics.EgressUsed(string(u.Class), u.Host)
		if u.Public {
			p.opt.Log.Info("public destination used", "class", u.Class, "host", u.Host, "port", u.Port, "address", u.Addr.String())
		}
	case errors.As(u.Err, &refusal):
		p.metrics.EgressRefused(string(u.Class), u.Host, refusal.Code)
	}
}

func (p *Process) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// Failed yields an error when a listener ends by itself.
func (p *Process) Failed() <-chan error { return p.failed }

// Addrs are where callers connect.
func (p *Process) Addrs() []netip.AddrPort { return slices.Clone(p.addrs) }

// Admin is where the operator's door stands over TLS; the zero value where it
// does not.
func (p *Process) Admin() netip.AddrPort { return p.adminAt }

// Health is where the probes stand; the zero value where there are none.
func (p *Process) Health() netip.AddrPort { return p.healthAt }

// Site is the one in force.
func (p *Process) Site() *site.Site {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.site
}

// AwaitIssuers waits until the keys of every trusted issuer are in hand, and
// says whose are not when ctx ends.
func (p *Process) AwaitIssuers(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := p.missingIssuer()
		if missing == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return missing
		case <-tick.C:
		}
	}
}

func (p *Process) missingIssuer() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current.tokens == nil {
		return nil
	}
	for _, s := range p.current.tokens.Status() {
		if s.Keys == 0 {
			return fmt.Errorf("no keys of issuer %s yet: %w", s.Issuer, s.Err)
		}
	}
	return nil
}
