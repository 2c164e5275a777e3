//go:build unix

package gateway

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFront is one keep-alive request over TLS through the front and
// through plain net/http, with a handler that reads the body and answers. The
// figure to compare is cpu-µs/op, of client and server together.
func BenchmarkFront(b *testing.B) {
	ft := startFront(b, func(_ *frontTest, o *ServerOptions) {
		o.Handler = func(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) { benchAnswer(w, r) }
	})
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	cfg := frontBaseConfig()
	cfg.Certificates = []tls.Certificate{*ft.opt.Hostnames[0].Certificate}
	server := &http.Server{Handler: http.HandlerFunc(benchAnswer), TLSConfig: cfg, ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(plain, "", "")
	b.Cleanup(func() { server.Close() })
	for _, target := range []struct{ name, addr string }{{"plain", plain.Addr().String()}, {"front", ft.addr}} {
		b.Run(target.name, func(b *testing.B) { benchRequests(b, ft, target.addr) })
	}
}

func benchAnswer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "600")
	w.Write(benchBody[:600])
}

var benchBody = make([]byte, 1200)

// benchHead is what an SDK sends.
const benchHead = "POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n" +
	"Host: gw.test\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\n" +
	"User-Agent: AzureOpenAI/JS 6.0.0\r\nX-Stainless-Lang: js\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n" +
	"X-Stainless-Retry-Count: 0\r\nApi-Key: 0123456789abcdef0123456789abcdef\r\nContent-Length: 1200\r\n\r\n"

func benchRequests(b *testing.B, ft *frontTest, addr string) {
	conn, err := tls.Dial("tcp", addr, ft.clientTLS())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	send := append([]byte(benchHead), benchBody...)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	b.ResetTimer()
	began := cpuTime(b)
	for range b.N {
		if _, err := conn.Write(send); err != nil {
			b.Fatal(err)
		}
		for got := 0; got < 600; {
			n, err := conn.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			got += n
		}
	}
	b.ReportMetric(float64((cpuTime(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
}

// cpuTime is user and system time of the process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
