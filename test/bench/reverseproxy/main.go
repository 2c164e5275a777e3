// Command reverseproxy is what the gateway is compared with: the standard
// library's httputil.ReverseProxy and nothing else, with a transport tuned for
// one busy upstream.
//
// It is meant to be as quick as this can be made without changing the library:
// connections are kept, nothing is compressed, buffers are pooled, streams are
// flushed at once. It checks no credential and writes no record.
//
// It fails when it cannot listen or read its files.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

func main() {
	listen := flag.String("listen", "", "HOST:PORT")
	upstream := flag.String("upstream", "", "https URL")
	ca := flag.String("ca", "", "PEM file with the upstream's CA")
	cert := flag.String("cert", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	flag.Parse()
	target, err := url.Parse(*upstream)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s holds no certificate", *ca)
	}
	server := &http.Server{
		Addr: *listen, Handler: proxy(target, roots),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}

func proxy(target *url.URL, roots *x509.CertPool) *httputil.ReverseProxy {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			Protocols:           protocols,
			MaxIdleConnsPerHost: 4096,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		FlushInterval: -1,
		BufferPool:    &buffers{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
