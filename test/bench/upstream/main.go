// Command upstream plays the model behind the proxies of the benchmark: it
// answers at once, with the same bytes each time, over TLS and HTTP/1.1.
//
// A request whose body says "stream":true gets -events server-sent events, one
// each -interval; one that also says "user":"short" gets three at once, one that
// says "user":"idle" the first event and then silence for an hour. Every other
// request gets one JSON document.
//
// It fails when it cannot listen, and judges nothing else: it asks for no
// credential.
package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

func main() {
	listen := flag.String("listen", "", "HOST:PORT")
	cert := flag.String("cert", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	events := flag.Int("events", 100, "events of a stream")
	interval := flag.Duration("interval", 5*time.Millisecond, "time between events")
	flag.Parse()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Addr: *listen, Handler: handler(*events, *interval),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}, Protocols: protocols,
	}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}

func handler(events int, interval time.Duration) http.Handler {
	answer := completion()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			return
		case !bytes.Contains(body, []byte(`"stream":true`)):
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
			w.Write(answer)
		case bytes.Contains(body, []byte(`"user":"idle"`)):
			stream(w, r, 1, 0)
			select {
			case <-r.Context().Done():
			case <-time.After(time.Hour):
			}
		case bytes.Contains(body, []byte(`"user":"short"`)):
			stream(w, r, 3, 0)
		default:
			stream(w, r, events, interval)
		}
	})
}

// stream sends events of the size that a token has in a chat completion.
func stream(w http.ResponseWriter, r *http.Request, events int, interval time.Duration) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rc := http.NewResponseController(w)
	tick := time.NewTicker(max(interval, time.Microsecond))
	defer tick.Stop()
	for i := range events {
		if i > 0 {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
		if _, err := w.Write(event); err != nil {
			return
		}
		if rc.Flush() != nil {
			return
		}
	}
	if events > 1 {
		io.WriteString(w, "data: [DONE]\n\n")
	}
}

var event = []byte(`data: {"id":"chatcmpl-0123456789abcdef0123456789ab","object":"chat.completion.chunk","created":1760000000,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null,"content_filter_results":{}}]}` + "\n\n")

// completion is a chat completion of about 1.5 KiB.
func completion() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"id":"chatcmpl-0123456789abcdef0123456789ab","object":"chat.completion","created":1760000000,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_0123456789","choices":[{"index":0,"finish_reason":"stop","logprobs":null,"message":{"role":"assistant","content":%q}}],`,
		strings.Repeat("A closed door is worth what its lock is worth. ", 22))
	b.WriteString(`"usage":{"prompt_tokens":180,"completion_tokens":220,"total_tokens":400}}`)
	return b.Bytes()
}
