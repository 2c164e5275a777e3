package egress

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// publicAuthority is where tokens come from when a credential names no
// authority (Microsoft Entra ID, public cloud).
const publicAuthority = "https://login.microsoftonline.com"

// Need says that something wants to reach a URL, for [Options.Needs].
type Need struct {
	Class Class
	// URL is https://HOST[:PORT] or http://…; the path does not count.
	URL string
	// Why names who wants it: "backend contoso".
	Why string
}

// MetadataURL is a [Need] of class identity by which instance metadata is open
// to the managed-identity client.
const MetadataURL = "http://169.254.169.254"

// compileMetadata opens 169.254.169.254 to [Dialer.InstanceMetadata], and to
// nothing else, where a backend or a policy logs in with a managed identity.
func (d *Dialer) compileMetadata(cfg *site.Config) {
	for _, b := range cfg.Backends {
		d.metadata = d.metadata || b.Credential.ManagedIdentity != nil
	}
	// Vaults are asked as the managed identity unless the site says otherwise.
	d.metadata = d.metadata || cfg.KeyVault.Credential.ClientSecret == nil && len(cfg.Destinations.Secret) > 0
	// Policies may log in to others as the managed identity.
	for _, n := range d.opt.Needs {
		d.metadata = d.metadata || n.Class == Identity && n.URL == MetadataURL
	}
	if d.metadata {
		d.order = append(d.order, &destination{
			class: Identity, host: metadataAddr.String(), port: 80, scheme: "http",
			fixed: []netip.Addr{metadataAddr}, why: []string{"managed identity, GET /metadata/identity/ only"},
		})
	}
}

// explain notes at each destination who needs it, and reports what
// cloister.yaml itself needs and does not list. Backends are checked where
// they are compiled.
func (d *Dialer) explain(cfg *site.Config, ps *site.Problems) {
	for _, n := range d.opt.Needs {
		d.note(n)
	}
	for _, id := range slices.Sorted(maps.Keys(cfg.Backends)) {
		b := cfg.Backends[id]
		d.note(Need{Model, b.URL, "backend " + id})
		if cs := b.Credential.ClientSecret; cs != nil {
			n := Need{Identity, cmp.Or(cs.Authority, publicAuthority), "credential of backend " + id}
			d.require(n, cmp.Or(b.Credential.Pos, b.Pos), ps)
		}
	}
	for _, i := range cfg.Tokens.Issuers {
		d.require(Need{Identity, cmp.Or(i.JWKSURI, i.Metadata, i.Issuer), "issuer " + i.Issuer}, i.Pos, ps)
	}
	if e := cfg.Telemetry.OTLP.Endpoint; e != "" {
		d.require(Need{Telemetry, e, "OTLP collector"}, cfg.Telemetry.OTLP.Pos, ps)
	}
	d.explainState(cfg)
}

// explainState notes what the state needs; that it is listed is the site's own
// check.
func (d *Dialer) explainState(cfg *site.Config) {
	if w := cfg.Audit.Witness; w != nil && w.URL != "" {
		d.note(Need{State, w.URL, "witness of the audit log"})
	}
	if e := cfg.State.Encryption; e != nil && e.KeyVault != nil {
		d.note(Need{Secret, e.KeyVault.Key, "key-encryption key"})
	}
	if cs := cfg.KeyVault.Credential.ClientSecret; cs != nil {
		d.note(Need{Identity, cmp.Or(cs.Authority, publicAuthority), "credential for vaults"})
	}
	pg := cfg.State.Postgres
	if pg == nil {
		return
	}
	host, _, _, _ := normalHost(pg.Host)
	if dst := d.listed[key{State, host, uint16(cmp.Or(pg.Port, 5432))}]; dst != nil {
		// PostgreSQL asks before it speaks TLS, so there is no handshake to try.
		dst.scheme, dst.why = "postgres", append(dst.why, "shared state")
	}
}

// Note records who needs a destination, for [Dialer.Destinations], where that is
// known only after New. It is for whoever makes the dialer, before others use it.
func (d *Dialer) Note(n Need) { d.note(n) }

// note records n at its destination and reports whether it is listed. A URL
// that cannot be read is a problem of whoever holds it.
func (d *Dialer) note(n Need) (listed, readable bool) {
	scheme, host, port, err := SplitURL(n.URL)
	if err != nil {
		return false, false
	}
	dst := d.listed[key{n.Class, host, port}]
	if dst == nil {
		return false, true
	}
	if !slices.Contains(dst.why, n.Why) {
		dst.why = append(dst.why, n.Why)
	}
	if dst.scheme == "" || scheme == "https" {
		dst.scheme = scheme
	}
	return true, true
}

func (d *Dialer) require(n Need, pos site.Pos, ps *site.Problems) {
	listed, readable := d.note(n)
	if !readable {
		return
	}
	scheme, host, port, _ := SplitURL(n.URL)
	if listed {
		if scheme == "http" && !d.LoopbackOnly(n.Class, host, port) {
			ps.Add(pos, "plaintext", "https://", "use https, or a loopback address of this machine", "%s would send plain HTTP to %s", n.Why, host)
		}
		return
	}
	ps.Add(pos, "destination-missing", "", Mend(n.Class, host, port),
		"%s needs %s port %d, which is not listed in class %s", n.Why, host, port, n.Class)
}

// Mend is what to write in cloister.yaml so that a destination is listed.
func Mend(c Class, host string, port uint16) string {
	if port == defaultPort(c, 0) {
		return fmt.Sprintf("add to destinations.%s: - {host: %q}", c, host)
	}
	return fmt.Sprintf("add to destinations.%s: - {host: %q, port: %d}", c, host, port)
}

// SplitURL is the scheme, host and port of an http or https URL, the host in
// the spelling in which destinations are compared.
func SplitURL(raw string) (scheme, host string, port uint16, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", "", 0, fmt.Errorf("reading the URL %q: %w", raw, err)
	}
	return splitURL(u)
}

func splitURL(u *url.URL) (scheme, host string, port uint16, err error) {
	scheme = strings.ToLower(u.Scheme)
	ports := map[string]uint16{"https": 443, "http": 80, "wss": 443, "ws": 80}
	port, ok := ports[scheme]
	if !ok || u.Opaque != "" {
		return "", "", 0, fmt.Errorf("the URL %q is not https://HOST", u.Redacted())
	}
	if u.User != nil {
		return "", "", 0, fmt.Errorf("the URL %q holds a user name", u.Redacted())
	}
	host, _, _, reason := normalHost(u.Hostname())
	if reason != "" {
		return "", "", 0, fmt.Errorf("the URL %q: %s", u.Redacted(), reason)
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", "", 0, fmt.Errorf("the URL %q: the port is not a number from 1 to 65535", u.Redacted())
		}
		port = uint16(n)
	}
	return scheme, host, port, nil
}
