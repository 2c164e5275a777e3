package issue_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestOpenSSLAgrees: another implementation accepts what we sign and refuses
// what lies outside the constraints.
func TestOpenSSLAgrees(t *testing.T) {
	openssl := testenv.Need(t, "openssl")
	for name, change := range map[string]func(*issue.Options){
		"names and addresses": nil,
		"names only":          func(o *issue.Options) { o.PermittedIPs = nil },
		"addresses only":      func(o *issue.Options) { o.PermittedDNS = nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ca")
			opt := options()
			if change != nil {
				change(&opt)
			}
			ca, err := issue.InitCA(dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			verify := func(cert *x509.Certificate, args ...string) error {
				path := filepath.Join(dir, "leaf.pem")
				text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				args = append([]string{
					"verify", "-x509_strict", "-attime", strconv.FormatInt(day.Unix(), 10),
					"-CAfile", filepath.Join(dir, issue.CertificateFile),
				}, args...)
				out, err := exec.Command(openssl, append(args, path)...).CombinedOutput()
				t.Logf("%s", out)
				return err
			}
			if len(opt.PermittedDNS) > 0 {
				server, err := ca.IssueServer("api.gateway.internal")
				if err != nil {
					t.Fatal(err)
				}
				if err := verify(server.Leaf, "-purpose", "sslserver", "-verify_hostname", "api.gateway.internal"); err != nil {
					t.Errorf("a server's certificate: %v", err)
				}
			}
			if len(opt.PermittedIPs) > 0 {
				server, err := ca.IssueServer("10.0.0.1")
				if err != nil {
					t.Fatal(err)
				}
				if err := verify(server.Leaf, "-purpose", "sslserver", "-verify_ip", "10.0.0.1"); err != nil {
					t.Errorf("a server's certificate: %v", err)
				}
			}
			for _, name := range []string{"team.a", "team a.b", "team-a", "team.gateway.internal", "team_a.b", "10.0.0.1"} {
				client, err := ca.IssueClient(name)
				if err != nil {
					continue // refused here, before OpenSSL would
				}
				if err := verify(client.Leaf, "-purpose", "sslclient"); err != nil {
					t.Errorf("the certificate of client %q: %v", name, err)
				}
			}
			if verify(forged(t, dir, ca, func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} })) == nil {
				t.Error("a name outside was accepted")
			}
			if verify(forged(t, dir, ca, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1).To4()} })) == nil {
				t.Error("an address outside was accepted")
			}
		})
	}
}

func TestNameConstraintsAreCritical(t *testing.T) {
	nameConstraints := asn1.ObjectIdentifier{2, 5, 29, 30}
	for _, ext := range newCA(t, func(o *issue.Options) { o.PermittedDNS = nil }).Certificate.Extensions {
		if ext.Id.Equal(nameConstraints) {
			if !ext.Critical {
				t.Error("not critical")
			}
			return
		}
	}
	t.Error("there are no name constraints")
}
