package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// The emulated tenant and its applications. The ids are no secret: what gets
// anybody in are the secrets, which are made anew for each directory.
const (
	devTenant     = "c1015e40-0000-4000-8000-000000000001"
	devGateway    = "c1015e40-0000-4000-8000-000000000002" // the gateway's own application: the audience
	devClient     = "c1015e40-0000-4000-8000-000000000003" // an application that calls
	devBackend    = "c1015e40-0000-4000-8000-000000000004" // as which the gateway logs in at the model
	devDeployment = "gpt-4o"
	// devSubscription carries the marker, so that "serve" refuses a state
	// directory that "up" has made.
	devSubscription     = "development"
	devSubscriptionName = "development (" + issue.EmulatorMarker + ")"
	// backendSecret is the variable, of this process alone, that holds the
	// gateway's own client secret.
	backendSecret = "CLOISTER_UP_BACKEND_SECRET"
)

// up is one running development architecture.
type up struct {
	dir    string
	listen netip.AddrPort
	// acceptOlder starts with a restored state.
	acceptOlder bool
	out         io.Writer
	log         *slog.Logger
	build       telemetry.Build

	env     upEnvironment
	ca      *issue.CA
	entra   *emulator.Entra
	servers []*http.Server
	process *app.Process
}

// run brings everything up, says so, and takes it down when ctx ends, at once
// when cut ends.
func (u *up) run(ctx, cut context.Context) (err error) {
	defer func() { err = errors.Join(err, u.down(cut)) }()
	if err := u.prepare(ctx); err != nil {
		return err
	}
	openAI, entra, err := u.startEmulators(ctx)
	if err != nil {
		return err
	}
	if err := u.writeSite(openAI, entra); err != nil {
		return err
	}
	if err := u.startGateway(ctx); err != nil {
		return err
	}
	if err := u.env.write(u.envFile()); err != nil {
		return err
	}
	if err := u.announce(openAI, entra); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(u.out, "\nStopping. Ctrl-C again cuts what is still open.")
		return nil
	case err := <-u.process.Failed():
		return err
	}
}

func (u *up) envFile() string  { return filepath.Join(u.dir, "cloister.env") }
func (u *up) siteDir() string  { return filepath.Join(u.dir, "site") }
func (u *up) stateDir() string { return filepath.Join(u.dir, "state") }

// prepare makes the directory, its CA and its subscription, or finds them.
func (u *up) prepare(ctx context.Context) error {
	if err := u.ownDirectory(); err != nil {
		return err
	}
	st, err := store.Open(ctx, u.stateDir(), store.Options{})
	if err != nil {
		var locked *store.LockedError
		if errors.As(err, &locked) {
			return mended(fmt.Errorf("%s is in use by process %d", u.dir, locked.PID),
				"stop that one, or start this one beside it: cloister up --dir DIR --listen 127.0.0.1:0")
		}
		return err
	}
	defer st.Close()
	if err := u.openCA(); err != nil {
		return err
	}
	return u.env.prepare(ctx, st, u.envFile())
}

// openCA finds or makes the development CA, which signs for loopback and
// private addresses alone.
func (u *up) openCA() error {
	dir := filepath.Join(u.stateDir(), "ca")
	ca, err := issue.LoadCA(dir, issue.LoadOptions{})
	if errors.Is(err, os.ErrNotExist) {
		ca, err = issue.InitCA(dir, issue.Options{
			Name: "Cloister development CA", PermittedDNS: []string{"localhost"}, Emulator: true,
			PermittedIPs: append([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, site.DefaultPrivatePrefixes()...),
		})
	}
	if err != nil {
		return mended(err, "remove %s; the next start makes another, which clients have to trust anew", dir)
	}
	if !issue.IsEmulator(ca.Certificate) {
		return mended(fmt.Errorf("%s is the CA of a site in production", dir), otherDirectory)
	}
	u.ca = ca
	u.env.ca = filepath.Join(u.dir, "ca.pem")
	return replaceFile(u.env.ca, ca.PEM(), 0o644)
}

// startEmulators starts Entra ID and Azure OpenAI on free loopback ports.
func (u *up) startEmulators(ctx context.Context) (openAI, entra netip.AddrPort, err error) {
	entraListener, entra, err := u.listenTLS(ctx)
	if err != nil {
		return openAI, entra, err
	}
	ownSecret := secret.New(randomHex(16))
	u.env.backendSecret = ownSecret
	u.entra, err = emulator.NewEntra(emulator.EntraOptions{
		BaseURL: "https://" + entra.String(), TenantID: devTenant,
		Clients: []emulator.EntraClient{
			{ID: devClient, Secrets: []secret.Value{u.env.clientSecret}, Roles: map[string][]string{devGateway: {"Model.Call"}}},
			{ID: devBackend, Secrets: []secret.Value{ownSecret}},
		},
		Resources: []emulator.EntraResource{{ID: devGateway, Version: 2, AssignmentRequired: true}},
	})
	if err != nil {
		entraListener.Close()
		return openAI, entra, err
	}
	u.serve(entraListener, u.entra)
	gatewayID := u.entra.ObjectID(devBackend)
	model := emulator.NewOpenAI(emulator.OpenAIOptions{
		DisableLocalAuth: true,
		VerifyToken:      u.entra.VerifyToken(func(objectID string) bool { return objectID == gatewayID }),
	})
	openAIListener, openAI, err := u.listenTLS(ctx)
	if err != nil {
		return openAI, entra, err
	}
	u.serve(openAIListener, model)
	u.env.authority = u.entra.AuthorityHost()
	return openAI, entra, nil
}

// listenTLS takes a free loopback port and a certificate of the development CA.
func (u *up) listenTLS(ctx context.Context) (net.Listener, netip.AddrPort, error) {
	cert, err := u.ca.IssueServer("127.0.0.1", "localhost")
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	at, err := netip.ParseAddrPort(ln.Addr().String())
	if err != nil {
		ln.Close()
		return nil, at, err
	}
	return tls.NewListener(ln, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.TLS()}, NextProtos: []string{"http/1.1"},
	}), at, nil
}

func (u *up) serve(ln net.Listener, h http.Handler) {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(u.log.Handler(), slog.LevelDebug),
	}
	u.servers = append(u.servers, s)
	go func() {
		if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			u.log.Error("an emulator ended", "error", err)
		}
	}()
}

// readyTimeout bounds how long the parts may take to answer each other.
const readyTimeout = 15 * time.Second

func (u *up) startGateway(ctx context.Context) error {
	p, problems, err := app.Start(ctx, app.Options{
		Dir: u.siteDir(), Log: u.log, Build: u.build, Stdout: io.Discard, Stderr: io.Discard, Development: true,
		AcceptOlderState: u.acceptOlder,
		Secrets: secret.Env{LookupEnv: func(name string) (string, bool) {
			return u.env.backendSecret.Reveal(), name == backendSecret
		}},
	})
	if err != nil {
		if at := new(net.OpError); errors.As(err, &at) && at.Op == "listen" {
			return mended(err, "choose another address; cloister up --listen 127.0.0.1:0 takes a free port")
		}
		return err
	}
	if err := problems.Err(); err != nil {
		return err
	}
	u.process = p
	if err := replaceFile(filepath.Join(u.dir, "audit.pub"), []byte(p.Verifier()+"\n"), 0o644); err != nil {
		return err
	}
	if u.env.keyMade {
		if err := p.Record(ctx, audit.Record{
			Kind: audit.KindAdmin, Action: "subscription.create", Phase: "done", Outcome: "done",
			Actor: admin.OSActor(os.Geteuid()).Name, Target: "subscription:" + devSubscription, Detail: "cloister up",
		}); err != nil {
			return err
		}
	}
	ready, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := p.AwaitIssuers(ready); err != nil {
		return err
	}
	u.env.url = "https://" + u.process.Addrs()[0].String()
	return nil
}

// down ends the gateway first: its last requests still need the emulators. The
// site's drainTimeout bounds how long they may take, and cut ends them.
func (u *up) down(cut context.Context) error {
	var err error
	if u.process != nil {
		err = u.process.Shutdown(cut)
	}
	for _, s := range u.servers {
		s.Close()
	}
	return err
}
