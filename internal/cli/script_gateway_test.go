package cli

import (
	"crypto/tls"
	"crypto/x509"
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
