package app

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
)

const (
	resourceKey  = "the-resource's-own-key-0000000001"
	realtimePath = "/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-4o"
)

// dial opens a WebSocket through the gateway; without a header the team's key
// is sent as one.
func (r *running) dial(t *testing.T, path string, header http.Header, protocols ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	if header == nil {
		header = http.Header{"Ocp-Apim-Subscription-Key": {teamKey}}
	}
	conn, resp, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(r.url, "https")+path, &websocket.DialOptions{
		HTTPClient: r.client, HTTPHeader: header, Subprotocols: protocols,
	})
	if err == nil {
		t.Cleanup(func() { conn.CloseNow() })
		conn.SetReadLimit(-1)
	}
	return conn, resp, err
}

// emulatorSite is a site whose backend is the emulator, which wants a key of
// its own.
func emulatorSite(t *testing.T, knobs emulator.Knobs) (*testSite, *emulator.OpenAI) {
	t.Helper()
	openAI := emulator.NewOpenAI(emulator.OpenAIOptions{Keys: []secret.Value{secret.New(resourceKey)}, Knobs: knobs})
	s := newSite(t, openAI, map[string]string{"keys/resource": resourceKey})
	s.write(t, "cloister.yaml", strings.Replace(s.config(""), "credential: {none: true}", "credential: {apiKey: {key: {file: keys/resource}}}", 1))
	return s, openAI
}

// TestRealtime: a conversation with the emulated Realtime API, with the key in
// each place that it may come in.
func TestRealtime(t *testing.T) {
	s, _ := emulatorSite(t, emulator.Knobs{})
	g := s.start(t)
	for name, tt := range map[string]struct {
		path      string
		header    http.Header
		protocols []string
		status    int
	}{
		"header":             {realtimePath, nil, []string{"realtime"}, 101},
		"subprotocol":        {realtimePath, http.Header{}, []string{"realtime", "openai-insecure-api-key." + teamKey}, 101},
		"query":              {realtimePath + "&subscription-key=" + teamKey, http.Header{}, []string{"realtime"}, 101},
		"bearer on v1":       {"/openai/v1/realtime?model=gpt-4o", http.Header{"Authorization": {"Bearer " + teamKey}}, []string{"realtime"}, 101},
		"none":               {realtimePath, http.Header{}, []string{"realtime"}, 401},
		"wrong subprotocol":  {realtimePath, http.Header{}, []string{"realtime", "openai-insecure-api-key.x"}, 401},
		"header and another": {realtimePath, nil, []string{"openai-insecure-api-key." + teamKey}, 400},
		"two models":         {"/openai/v1/realtime?model=gpt-4o&model=gpt-4o-mini", nil, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn, resp, err := g.dial(t, tt.path, tt.header, tt.protocols...)
			if resp == nil || resp.StatusCode != tt.status {
				t.Fatalf("%v %v, want %d", resp, err, tt.status)
			}
			if err != nil {
				return
			}
			if got := conn.Subprotocol(); got != "realtime" {
				t.Errorf("subprotocol %q", got)
			}
			converse(t, conn)
			id := resp.Header.Get("Cloister-Request-Id")
			conn.Close(websocket.StatusNormalClosure, "bye")
			rec := wantRecord(t, g, func(r map[string]any) bool { return r["request_id"] == id })
			if rec["protocol"] != "websocket" || field(rec, "status") != 101.0 || field(rec, "cut") != nil || rec["deployment"] != "gpt-4o" && rec["model"] != "gpt-4o" {
				t.Errorf("record: %v", rec)
			}
		})
	}
	g.awaitRecords(t, 8)
}

// converse sends a message and reads to the end of its answer.
func converse(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	for _, event := range []string{
		`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}}`,
		`{"type":"response.create"}`,
	} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		_, b, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var e struct{ Type string }
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "response.done" {
			return
		}
	}
}

// sockets is a backend that hands its WebSockets to the test.
type sockets struct {
	accepted chan *websocket.Conn
	heads    chan http.Header
}

func newSockets() *sockets {
	return &sockets{accepted: make(chan *websocket.Conn, 8), heads: make(chan http.Header, 8)}
}

func (s *sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.heads <- r.Header.Clone()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"realtime", "chat"}, InsecureSkipVerify: true,
		CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: 64,
	})
	if err != nil {
		return
	}
	conn.SetReadLimit(-1)
	s.accepted <- conn
}

// pair is both ends of a WebSocket through the gateway.
func (s *sockets) pair(t *testing.T, g *running) (client, backend *websocket.Conn) {
	t.Helper()
	client, _, err := g.dial(t, "/openai/v1/realtime?model=m", nil, "realtime")
	if err != nil {
		t.Fatal(err)
	}
	backend = <-s.accepted
	t.Cleanup(func() { backend.CloseNow() })
	return client, backend
}

// TestWebSocketHead: the backend gets what the caller sent, without its key.
func TestWebSocketHead(t *testing.T) {
	s := newSockets()
	g := newSite(t, s, nil).start(t)
	if _, _, err := g.dial(t, realtimePath, http.Header{"X-Mine": {"1"}, "Origin": {"https://app.example"}},
		"chat", "openai-insecure-api-key."+teamKey, "realtime"); err != nil {
		t.Fatal(err)
	}
	h := <-s.heads
	if h.Get("X-Mine") != "1" || h.Get("Origin") != "https://app.example" || strings.Join(h["Sec-Websocket-Protocol"], ", ") != "chat, realtime" {
		t.Errorf("head: %v", h)
	}
	for name, values := range h {
		if strings.Contains(strings.Join(values, " "), teamKey) {
			t.Errorf("%s holds the key", name)
		}
	}
}

// TestWebSocketMessages: large messages of both kinds pass both ways, pings are
// answered by the other end, and either side's close code reaches the other.
func TestWebSocketMessages(t *testing.T) {
	s := newSockets()
	g := newSite(t, s, nil).start(t)
	client, backend := s.pair(t, g)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	large := strings.Repeat("0123456789abcde\n", 64<<10) // 1 MiB
	go func() {
		for {
			kind, b, err := backend.Read(ctx)
			if err != nil {
				return
			}
			backend.Write(ctx, kind, b)
		}
	}()
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, text := range []string{"", "x", large} {
			if err := client.Write(ctx, kind, []byte(text)); err != nil {
				t.Fatal(err)
			}
			got, b, err := client.Read(ctx)
			if err != nil || got != kind || string(b) != text {
				t.Fatalf("%v of %d bytes came back as %v of %d: %v", kind, len(text), got, len(b), err)
			}
		}
	}
	pinging, done := context.WithCancel(ctx)
	go client.Read(pinging) // reads the pong
	if err := client.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
	done()
}

func TestWebSocketCloseCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		code   websocket.StatusCode
		reason string
		// byBackend: the backend closes, else the client.
		byBackend bool
	}{
		"client, normal":    {websocket.StatusNormalClosure, "done", false},
		"client, own code":  {4321, "enough", false},
		"backend, normal":   {websocket.StatusNormalClosure, "", true},
		"backend, policy":   {websocket.StatusPolicyViolation, "filtered", true},
		"backend, own code": {4000, strings.Repeat("r", 120), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSockets()
			g := newSite(t, s, nil).start(t)
			client, backend := s.pair(t, g)
			from, to := client, backend
			if tt.byBackend {
				from, to = backend, client
			}
			closed := make(chan error, 1)
			go func() { closed <- from.Close(tt.code, tt.reason) }()
			_, _, err := to.Read(t.Context())
			var ce websocket.CloseError
			if !errors.As(err, &ce) || ce.Code != tt.code || ce.Reason != tt.reason {
				t.Errorf("the other end saw %v", err)
			}
			if err := <-closed; err != nil {
				t.Errorf("closing: %v", err)
			}
			if rec := g.awaitRecords(t, 1)[0]; rec["cut"] != nil || rec["protocol"] != "websocket" {
				t.Errorf("record: %v", rec)
			}
		})
	}
}

// abort ends a connection without a word.
func abort(t *testing.T, transport *http.Transport, dialled *lastConn) {
	t.Helper()
	dialled.Load().(*net.TCPConn).SetLinger(0)
	dialled.Load().(*net.TCPConn).Close()
	transport.CloseIdleConnections()
}

type lastConn struct{ atomic.Value }

// TestWebSocketEnds: whoever ends it without a word, the other end hears of it,
// and the record says who.
func TestWebSocketEnds(t *testing.T) {
	t.Run("client gone", func(t *testing.T) {
		s := newSockets()
		site := newSite(t, s, nil)
		g := site.start(t)
		var dialled lastConn
		tr := g.client.Transport.(*http.Transport)
		inner := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := inner(ctx, network, addr)
			if err == nil {
				dialled.Store(conn)
			}
			return conn, err
		}
		_, backend := s.pair(t, g)
		abort(t, tr, &dialled)
		if _, _, err := backend.Read(t.Context()); err == nil {
			t.Error("the backend's read went on")
		}
		if rec := g.awaitRecords(t, 1)[0]; rec["cut"] != "client" {
			t.Errorf("record: %v", rec)
		}
	})
	for name, end := range map[string]func(conn *tls.Conn){
		"backend closed":             func(conn *tls.Conn) { conn.Close() },
		"backend gone":               func(conn *tls.Conn) { conn.NetConn().Close() },
		"backend reset":              func(conn *tls.Conn) { conn.NetConn().(*net.TCPConn).SetLinger(0); conn.NetConn().Close() },
		"backend gone after a frame": func(conn *tls.Conn) { io.WriteString(conn, "\x81\x05hello"); conn.NetConn().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newSite(t, abrupt(end), nil).start(t)
			client, _, err := g.dial(t, "/openai/v1/realtime?model=m", nil)
			if err != nil {
				t.Fatal(err)
			}
			backendGone(t, g, client)
		})
	}
	t.Run("backend gone in a frame", func(t *testing.T) {
		g := newSite(t, abrupt(func(conn *tls.Conn) { io.WriteString(conn, "\x81\x05hel"); conn.Close() }), nil).start(t)
		client, _, err := g.dial(t, "/openai/v1/realtime?model=m", nil)
		if err != nil {
			t.Fatal(err)
		}
		// No frame has its place here: the connection just ends.
		if _, b, err := client.Read(t.Context()); err == nil || websocket.CloseStatus(err) != -1 {
			t.Errorf("the client saw %q %v", b, err)
		}
		if rec := g.awaitRecords(t, 1)[0]; rec["cut"] != "backend" {
			t.Errorf("record: %v", rec)
		}
	})
}

// abrupt is a backend that opens a WebSocket and then ends its connection.
func abrupt(end func(*tls.Conn)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "+
			base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
		time.Sleep(50 * time.Millisecond) // until the client's answer has left
		end(conn.(*tls.Conn))
	})
}

// backendGone wants a close frame that says so, after what came before it.
func backendGone(t *testing.T, g *running, client *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var err error
	for err == nil {
		_, _, err = client.Read(ctx)
	}
	if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
		t.Errorf("the client saw %v, want close code 1001", err)
	}
	if rec := g.awaitRecords(t, 1)[0]; rec["cut"] != "backend" {
		t.Errorf("record: %v", rec)
	}
}

// TestWebSocketLimits: nothing moves for the idle limit, or the gateway stops:
// the client hears 1001.
func TestWebSocketLimits(t *testing.T) {
	for cut, more := range map[string]string{
		"idle":    "limits: {streamIdleTimeout: 300ms}\n",
		"timeout": "limits: {requestTimeout: 300ms}\n",
		"drain":   "drainTimeout: 300ms\n",
	} {
		t.Run(cut, func(t *testing.T) {
			s := newSockets()
			site := newSite(t, s, nil)
			site.write(t, "cloister.yaml", site.config(more))
			g := site.start(t)
			began := time.Now() // a request's time runs from its start
			client, backend := s.pair(t, g)
			ended := make(chan error, 1)
			go func() { _, _, err := backend.Read(context.Background()); ended <- err }()
			if cut == "drain" {
				go g.Shutdown(context.Background())
			}
			_, _, err := client.Read(t.Context())
			if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
				t.Errorf("the client saw %v, want close code 1001", err)
			}
			if took := time.Since(began); took < 250*time.Millisecond || took > 5*time.Second {
				t.Errorf("cut after %v", took)
			}
			if err := <-ended; err == nil {
				t.Error("the backend's read went on")
			}
			wantRecord(t, g, func(r map[string]any) bool { return r["cut"] == cut && r["protocol"] == "websocket" })
			g.awaitRecords(t, 1)
		})
	}
}

// TestWebSocketNotMade: a backend that answers no upgrade answers the caller,
// and over HTTP/2 there is none.
func TestWebSocketNotMade(t *testing.T) {
	site := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, r.Header.Get("Upgrade"))
	}), nil)
	g := site.start(t)
	_, resp, err := g.dial(t, realtimePath, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusTeapot {
		t.Errorf("%v %v", resp, err)
	}
	h2 := site.clientFor(t, g.Process, true)
	resp, err = g.send(t, h2, "GET", realtimePath, nil, http.Header{"Sec-Websocket-Version": {"13"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); len(body) != 0 {
		t.Errorf("over HTTP/2 an upgrade to %q was asked for", body)
	}
}
