package cli

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// knowsCommand is "knows CAFILE URL KEY": the gateway lets the key in, or with
// "!" refuses it, within a second. What the backend answers does not count.
func knowsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] knows CAFILE URL KEY")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(args[0]))) {
		ts.Fatalf("%s holds no certificate", args[0])
	}
	client := &http.Client{
		Timeout: scriptTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"},
		},
	}
	status := 0
	for end := time.Now().Add(time.Second); ; time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodGet, args[1], nil)
		ts.Check(err)
		req.Host = "localhost:" + req.URL.Port()
		req.Header.Set("api-key", args[2])
		resp, err := client.Do(req)
		ts.Check(err)
		resp.Body.Close()
		status = resp.StatusCode
		if (status == http.StatusUnauthorized) == neg {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	ts.Fatalf("status %d a second later", status)
}

// freePortCommand is "freeport NAME": a loopback port that was free a moment
// ago.
func freePortCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Check(ln.Close())
	ts.Setenv(args[0], port)
}

// fingerprintCommand is "fingerprint CERTIFICATE NAME": its SHA-256, as
// cloister.yaml names certificates.
func fingerprintCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fingerprint CERTIFICATE NAME")
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s holds no certificate", args[0])
	}
	ts.Setenv(args[1], fmt.Sprintf("%x", sha256.Sum256(block.Bytes)))
}
