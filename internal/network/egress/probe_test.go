package egress

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func textLog(b *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestProbe(t *testing.T) {
	asked := false
	_, ap, roots := tlsServer(t, func(http.ResponseWriter, *http.Request) { asked = true }, nil)
	cfg := loopback(ap)
	at := func(host string, addrs ...string) {
		cfg.Destinations.Call = append(cfg.Destinations.Call, site.Destination{Host: host, Port: int(ap.Port()), Addresses: addresses(addrs...)})
	}
	at("example.com", "127.0.0.1")
	at("wrong.test", "127.0.0.1")
	at("mixed.test")
	at("outside.test")
	at("unknown.test")
	w := &wire{real: true}
	w.answer("mixed.test", "8.8.8.8", "10.0.0.1")
	w.answer("outside.test", "8.8.8.8", "169.254.169.254")
	d := newDialer(t, cfg, w, nil)
	probe := func(host string, roots *x509.CertPool) *Probe {
		for _, v := range d.Destinations() {
			if v.Host == host {
				return d.Probe(t.Context(), v, roots)
			}
		}
		t.Fatalf("%s is not listed", host)
		return nil
	}
	if p := probe("example.com", roots); !p.OK || p.Address != ap || p.Certificate == nil || !p.Certificate.Verified || p.Error != "" || p.Duration <= 0 {
		t.Errorf("%+v", p)
	}
	if p := probe("example.com", x509.NewCertPool()); p.OK || p.Certificate == nil || p.Certificate.Verified || !strings.Contains(p.Mend, "caFile") {
		t.Errorf("unknown authority: %+v", p)
	}
	if p := probe("wrong.test", roots); p.OK || !strings.Contains(p.Mend, "name that its certificate holds") {
		t.Errorf("wrong name: %+v", p)
	}
	w.took()
	if p := probe("mixed.test", roots); p.OK || len(p.Answers) != 2 || p.Answers[0].Verdict != CodePublic || p.Answers[1].Verdict != Accepted || p.Error == "" {
		t.Errorf("mixed: %+v", p)
	}
	if took := w.took(); len(took) != 1 || took[0].Addr() != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("connected to %v", took)
	}
	if p := probe("outside.test", roots); p.OK || p.Mend == "" || p.Address.IsValid() || len(w.took()) != 0 {
		t.Errorf("outside: %+v", p)
	}
	if p := probe("unknown.test", roots); p.OK || p.Mend == "" || len(w.took()) != 0 {
		t.Errorf("unknown: %+v", p)
	}
	if p := d.Probe(t.Context(), View{Class: Model, Host: "8.8.8.8", Port: 443, Public: true}, roots); p.OK || !strings.Contains(p.Mend, "destinations.model") || len(w.took()) != 0 {
		t.Errorf("not listed: %+v", p)
	}
	if asked {
		t.Error("a probe sent a request")
	}
}

func TestProbeMetadata(t *testing.T) {
	w := &wire{}
	d := newDialer(t, metadataSite(), w, nil)
	var v View
	for _, v = range d.Destinations() {
		if v.Host == "169.254.169.254" {
			break
		}
	}
	if p := d.Probe(t.Context(), v, nil); p.OK || p.Mend == "" || len(w.took()) != 1 {
		t.Errorf("%+v", p)
	}
	closed := newDialer(t, everywhere(), w, nil)
	if p := closed.Probe(t.Context(), v, nil); p.OK || len(w.took()) != 0 {
		t.Errorf("not opened by the site: %+v", p)
	}
}
