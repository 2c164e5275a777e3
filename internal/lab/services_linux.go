package lab

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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// The emulated tenant, in which the gateway's managed identity is an application.
const (
	labTenant   = "c1015e40-0000-4000-8000-00000000000a"
	labIdentity = "c1015e40-0000-4000-8000-00000000000b"
)

// caFile holds the authorities of the lab's certificates.
const caFile = labDir + "/ca.pem"

// openAIType is the type of services that are emulated.
const openAIType = "microsoft.cognitiveservices/accounts"

// services are what stands behind addresses of the platform.
type services struct {
	// entra takes a moment to make its key, and is wanted late.
	entra  func() (*emulator.Entra, error)
	secret secret.Value
	ca     *issue.CA
	log    *slog.Logger
}

// serveServices brings up Azure OpenAI behind its private endpoints, the public
// address that refuses, and instance metadata.
func (n *inner) serveServices() error {
	s := &services{secret: secret.New(nonce()), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s.entra = sync.OnceValues(s.makeEntra)
	go s.entra()
	var names []string
	for _, e := range n.site.Network.PrivateEndpoints {
		names = append(names, e.Names...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 0 {
		var err error
		if s.ca, err = issue.NewCA(issue.Options{Name: "Cloister lab", PermittedDNS: names, Lifetime: lifetime}); err != nil {
			return err
		}
		if err := os.WriteFile(caFile, s.ca.PEM(), 0o644); err != nil {
			return err
		}
		if err := n.serveTLS(s, n.plan.first(func(h *Host) bool { return h.Kind == Public }), names, http.HandlerFunc(publicAccessDisabled)); err != nil {
			return err
		}
	}
	model := emulator.NewOpenAI(emulator.OpenAIOptions{Keys: n.backendKeys(), VerifyToken: s.verify})
	for _, e := range n.site.Network.PrivateEndpoints {
		h := n.plan.first(func(h *Host) bool { return h.Kind == Endpoint && h.Name == e.Name })
		switch {
		case h == nil || len(e.Names) == 0:
		case !strings.EqualFold(e.ServiceType, openAIType):
			n.details.Notes = append(n.details.Notes, fmt.Sprintf("Nothing listens at %s: %s is not emulated.", e.Name, e.ServiceType))
		case e.Status != site.ConnectionApproved:
			n.details.Notes = append(n.details.Notes, fmt.Sprintf("Nothing listens at %s: its connection is %s.", e.Name, e.Status))
		default:
			if err := n.serveTLS(s, h, e.Names, model); err != nil {
				return err
			}
		}
	}
	return n.serveMetadata(s)
}

func (s *services) makeEntra() (*emulator.Entra, error) {
	return emulator.NewEntra(emulator.EntraOptions{
		BaseURL: "https://login.microsoftonline.com", TenantID: labTenant,
		Clients: []emulator.EntraClient{{ID: labIdentity, Secrets: []secret.Value{s.secret}}},
	})
}

// verify lets tokens of the gateway's managed identity in.
func (s *services) verify(ctx context.Context, token string) error {
	entra, err := s.entra()
	if err != nil {
		return err
	}
	own := entra.ObjectID(labIdentity)
	return entra.VerifyToken(func(id string) bool { return id == own })(ctx, token)
}

// backendKeys are the keys that the site's backends show, where they are at hand:
// the emulated service takes them for its own.
func (n *inner) backendKeys() (keys []secret.Value) {
	for _, b := range n.site.Config.Backends {
		if b.Credential.APIKey == nil {
			continue
		}
		ref := b.Credential.APIKey.Key
		var text string
		switch {
		case ref.Env != "":
			text = os.Getenv(ref.Env)
		case ref.File != "":
			path := ref.File
			if !filepath.IsAbs(path) {
				path = filepath.Join(n.setup.Site, path)
			}
			if data, err := os.ReadFile(path); err == nil {
				text = strings.TrimSuffix(string(data), "\n")
			}
		}
		if text != "" {
			keys = append(keys, secret.New(text))
		}
	}
	return keys
}

// serveTLS listens at port 443 of a host.
func (n *inner) serveTLS(s *services, h *Host, names []string, handler http.Handler) error {
	cert, err := s.ca.IssueServer(names...)
	if err != nil {
		return err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.TLS()}, NextProtos: []string{"h2", "http/1.1"}}
	for _, a := range h.Addrs {
		if a.Is6() && !n.fabric.six {
			continue
		}
		if err := in(n.fabric.hosts[h.Name], func() error {
			ln, err := net.Listen("tcp", netip.AddrPortFrom(a, 443).String())
			if err == nil {
				s.serve(tls.NewListener(ln, cfg), handler)
			}
			return err
		}); err != nil {
			return fmt.Errorf("the service at %s: %w", h.Name, err)
		}
	}
	return nil
}

// serve answers for as long as the process lives.
func (s *services) serve(ln net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	go server.Serve(ln)
}

// publicAccessDisabled is what the service says at its public address.
func publicAccessDisabled(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, `{"error":{"code":"AccessDenied","message":"Public access is disabled. Please configure private endpoint."}}`)
}

// serveMetadata answers instance metadata in every subnet.
func (n *inner) serveMetadata(s *services) error {
	ln, err := net.Listen("tcp", netip.AddrPortFrom(metadataAddr, 80).String())
	if err != nil {
		return fmt.Errorf("instance metadata: %w", err)
	}
	s.serve(ln, &metadata{plan: n.plan, services: s})
	return nil
}

// metadata is the instance metadata service, as far as managed identities and a
// machine that asks who it is need it.
type metadata struct {
	plan     *Plan
	services *services
}

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	h := m.plan.Holder(from.Addr())
	switch {
	case err != nil || h == nil:
		http.Error(w, "nobody", http.StatusForbidden)
	case r.Header.Get("Metadata") != "true" || r.Header.Get("X-Forwarded-For") != "":
		m.fail(w, http.StatusBadRequest, "invalid_request", "Required metadata header not specified")
	case r.Method != http.MethodGet:
		m.fail(w, http.StatusMethodNotAllowed, "invalid_request", "Method not allowed")
	case r.URL.Path == "/metadata/identity/oauth2/token" && h.Gateway:
		m.token(w, r)
	case r.URL.Path == "/metadata/identity/oauth2/token":
		m.fail(w, http.StatusBadRequest, "invalid_request", "Identity not found")
	case r.URL.Path == "/metadata/instance":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"compute":{"azEnvironment":"AzurePublicCloud","location":"lab","name":%q},"network":{"interface":[{"ipv4":{"ipAddress":[{"privateIpAddress":%q}]}}]}}`, h.Name, h.Addrs[0])
	default:
		m.fail(w, http.StatusNotFound, "not_found", "The requested resource does not exist")
	}
}

func (m *metadata) fail(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, code, text)
}

// token has the tenant issue one for the identity.
func (m *metadata) token(w http.ResponseWriter, r *http.Request) {
	entra, err := m.services.entra()
	if err != nil {
		m.fail(w, http.StatusInternalServerError, "unknown", err.Error())
		return
	}
	query := r.URL.Query()
	resource := query.Get("resource")
	if query.Get("api-version") == "" || resource == "" {
		m.fail(w, http.StatusBadRequest, "invalid_request", "api-version and resource are required")
		return
	}
	form := "grant_type=client_credentials&client_id=" + labIdentity + "&client_secret=" + m.services.secret.Reveal() + "&resource=" + escape(resource)
	asked, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "https://login.microsoftonline.com/"+labTenant+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		m.fail(w, http.StatusBadRequest, "invalid_resource", errors.Unwrap(err).Error())
		return
	}
	asked.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	entra.ServeHTTP(w, asked)
}
