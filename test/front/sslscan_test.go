package front

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

type sslscanReport struct {
	Test struct {
		Protocols []struct {
			Type    string `xml:"type,attr"`
			Version string `xml:"version,attr"`
			Enabled string `xml:"enabled,attr"`
		} `xml:"protocol"`
		Renegotiation struct {
			Supported string `xml:"supported,attr"`
		} `xml:"renegotiation"`
		Compression struct {
			Supported string `xml:"supported,attr"`
		} `xml:"compression"`
		Heartbleed []struct {
			Vulnerable string `xml:"vulnerable,attr"`
		} `xml:"heartbleed"`
		Ciphers []struct {
			Version string `xml:"sslversion,attr"`
			Bits    string `xml:"bits,attr"`
			Name    string `xml:"cipher,attr"`
		} `xml:"cipher"`
		Groups []struct {
			Version string `xml:"sslversion,attr"`
			Name    string `xml:"name,attr"`
		} `xml:"group"`
	} `xml:"ssltest"`
}

// TestSSLScan: what a scanner from outside finds is TLS 1.2 and 1.3, three
// AEAD suites in either, and nothing else.
func TestSSLScan(t *testing.T) {
	sslscan := testenv.Need(t, "sslscan")
	u := start(t)
	file := filepath.Join(t.TempDir(), "sslscan.xml")
	out, err := exec.Command(sslscan, "--no-colour", "--xml="+file, u.addr.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("sslscan: %v\n%s", err, out)
	}
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report sslscanReport
	if err := xml.Unmarshal(src, &report); err != nil {
		t.Fatal(err)
	}
	r := report.Test
	var protocols, ciphers, groups []string
	for _, p := range r.Protocols {
		if p.Enabled != "0" {
			protocols = append(protocols, p.Type+" "+p.Version)
		}
	}
	for _, c := range r.Ciphers {
		ciphers = append(ciphers, c.Version+" "+c.Name)
	}
	for _, g := range r.Groups {
		groups = append(groups, g.Version+" "+g.Name)
	}
	for _, list := range [][]string{protocols, ciphers, groups} {
		slices.Sort(list)
	}
	for what, row := range map[string]struct{ want, got []string }{
		"protocols": {[]string{"tls 1.2", "tls 1.3"}, protocols},
		"ciphers": {[]string{
			"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305",
			"TLSv1.3 TLS_AES_128_GCM_SHA256", "TLSv1.3 TLS_AES_256_GCM_SHA384", "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256",
		}, ciphers},
		// The hybrids are newer than the scanner: see TestHybridKeyExchange.
		"groups": {[]string{
			"TLSv1.2 x25519", "TLSv1.2 secp256r1 (NIST P-256)", "TLSv1.2 secp384r1 (NIST P-384)",
			"TLSv1.3 x25519", "TLSv1.3 secp256r1 (NIST P-256)", "TLSv1.3 secp384r1 (NIST P-384)",
		}, groups},
	} {
		slices.Sort(row.want)
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	// A scanner whose OpenSSL cannot compress has no word on compression.
	if r.Renegotiation.Supported != "0" || r.Compression.Supported == "1" {
		t.Errorf("renegotiation %q, compression %q, want neither", r.Renegotiation.Supported, r.Compression.Supported)
	}
	for _, h := range r.Heartbleed {
		if h.Vulnerable != "0" {
			t.Error("heartbleed")
		}
	}
}
