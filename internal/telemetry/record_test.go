package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full is a record with every field set.
func full() *Record {
	r := &Record{
		Time:      time.Date(2026, 3, 1, 12, 30, 45, 123456789, time.FixedZone("", 3600)),
		RequestID: "0192-aa", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
		Peer: netip.MustParseAddrPort("10.1.2.3:50123"), Client: netip.MustParseAddr("fd00::7"),
		Host: "gw.corp.example", Protocol: "HTTP/2.0", TLSVersion: "TLS 1.3", TLSCurve: "X25519MLKEM768",
		Principal: Principal{
			Kind: "token", ID: "oid-1", ClientID: "app-1", TenantID: "tid-1",
			Issuer: "https://sts.example/t/", CertificateSHA256: "ab12",
		},
		Subscription: "team-a", Product: "models", API: "openai", Revision: "1", Operation: "chat-completions",
		Deployment: "gpt-4o", Model: "gpt-4o-mini", GenAIOperation: "chat",
		Backend: "aoai", BackendAddress: netip.MustParseAddrPort("[fd00::1]:443"), BackendEndpoint: "openai", BackendKey: "cd34",
		BackendStatus: 200, Attempts: 2, Method: "POST", Path: "/openai/v1/chat/completions",
		Status: 200, BytesIn: 12, BytesOut: 345, Streamed: true,
		Tokens:   Tokens{Known: true, Prompt: 7, Completion: 0, Total: 7, Estimated: true},
		Duration: 1234567 * time.Nanosecond, BackendDuration: 900 * time.Microsecond, TimeToFirstByte: 45 * time.Millisecond,
		Decision: Allow, Reasons: []string{"subscription-active", "product-published"},
		ErrorSource: "forward-request", ErrorReason: "Timeout", Notes: []string{"cors skipped"}, Cut: CutClient,
	}
	r.SetQuery("api-version=2024-10-21&subscription-key=very-secret-value")
	return r
}

// reference is the record as log/slog writes it: the encoder's contract.
func reference(t testing.TB, r *Record, site string) string {
	t.Helper()
	var out bytes.Buffer
	h := slog.NewJSONHandler(&out, nil)
	levels := map[string]slog.Level{"INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERROR": slog.LevelError}
	rec := slog.NewRecord(r.Time.UTC(), levels[r.level()], MsgRequest, 0)
	rec.AddAttrs(referenceAttrs(r, site)...)
	if err := h.Handle(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)/time.Microsecond) / 1e3
}

func referenceAttrs(r *Record, site string) []slog.Attr {
	var as []slog.Attr
	add := func(a slog.Attr, unless bool) {
		if !unless {
			as = append(as, a)
		}
	}
	str := func(k, v string) { add(slog.String(k, v), v == "") }
	group := func(k string, fill func()) {
		outer := as
		as = nil
		fill()
		as = append(outer, slog.Attr{Key: k, Value: slog.GroupValue(as...)})
	}
	ms := func(k string, d time.Duration) {
		add(slog.Float64(k, milliseconds(d)), d <= 0)
	}
	str("site", site)
	str("request_id", r.RequestID)
	str("trace_id", r.TraceID)
	str("span_id", r.SpanID)
	add(slog.Any("peer", r.Peer), !r.Peer.IsValid())
	add(slog.Any("client", r.Client), !r.Client.IsValid())
	str("host", r.Host)
	str("protocol", r.Protocol)
	str("tls_version", r.TLSVersion)
	str("tls_curve", r.TLSCurve)
	group("principal", func() {
		str("kind", r.Principal.Kind)
		str("id", r.Principal.ID)
		str("client_id", r.Principal.ClientID)
		str("tenant_id", r.Principal.TenantID)
		str("issuer", r.Principal.Issuer)
		str("certificate_sha256", r.Principal.CertificateSHA256)
	})
	str("subscription", r.Subscription)
	str("product", r.Product)
	str("api", r.API)
	str("revision", r.Revision)
	str("operation", r.Operation)
	str("deployment", r.Deployment)
	str("model", r.Model)
	group("backend", func() {
		str("id", r.Backend)
		add(slog.Any("address", r.BackendAddress), !r.BackendAddress.IsValid())
		str("endpoint", r.BackendEndpoint)
		str("key_sha256", r.BackendKey)
		add(slog.Int("status", r.BackendStatus), r.BackendStatus == 0)
		add(slog.Int("attempts", r.Attempts), r.Attempts <= 1)
	})
	str("method", r.Method)
	str("path", r.Path)
	add(slog.Any("query_names", r.QueryNames), len(r.QueryNames) == 0)
	as = append(as, slog.Int("status", r.Status), slog.Int64("bytes_in", r.BytesIn), slog.Int64("bytes_out", r.BytesOut))
	add(slog.Bool("streamed", true), !r.Streamed)
	if r.Tokens.Known {
		group("tokens", func() {
			as = append(as, slog.Int("prompt", r.Tokens.Prompt), slog.Int("completion", r.Tokens.Completion), slog.Int("total", r.Tokens.Total))
			add(slog.Bool("estimated", true), !r.Tokens.Estimated)
		})
	}
	group("duration_ms", func() {
		ms("total", r.Duration)
		ms("backend", r.BackendDuration)
		ms("first_byte", r.TimeToFirstByte)
	})
	str("decision", string(r.Decision))
	add(slog.Any("reasons", r.Reasons), len(r.Reasons) == 0)
	group("error", func() {
		str("source", r.ErrorSource)
		str("reason", r.ErrorReason)
	})
	add(slog.Any("notes", r.Notes), len(r.Notes) == 0)
	str("cut", r.Cut)
	return as
}

func TestLineIsWhatSlogWrites(t *testing.T) {
	f := func(name string, r *Record, site string) {
		t.Helper()
		got := string(r.appendLine(nil, site))
		if diff := cmp.Diff(reference(t, r, site), got); diff != "" {
			t.Errorf("%s: line differs from slog's (-slog +ours):\n%s", name, diff)
		}
	}
	f("full", full(), "site")
	f("empty", &Record{Time: time.Unix(0, 0)}, "")

	r := full()
	r.Decision, r.Status, r.Cut = Deny, 401, ""
	f("refused", r, "s")
	r.Status = 502
	f("failed", r, "s")
	r.Path, r.ErrorReason = "/a\"b\\c\x00\x1f\x7f\u2028\u2029\xff\xc3", "\b\f\n\r\t<>&é🔒"
	r.Client = netip.MustParseAddr("fe80::1%eth0")
	r.Peer = netip.MustParseAddrPort("[::ffff:10.0.0.1]:1")
	f("hostile text", r, "<site>")
}

func FuzzRecordLine(f *testing.F) {
	f.Add("/openai/deployments/a/chat/completions", "reason", "q=1&subscription-key=s3cr3t", int64(5), 200)
	f.Add("/\xff\u2028\"", "\x00\\", "bare&=v&a=b=c&", int64(-1), 99)
	f.Add(strings.Repeat("é", 3000), strings.Repeat("x", 2000), strings.Repeat("a=b&", 40), int64(1)<<60, 599)
	f.Fuzz(func(t *testing.T, path, reason, query string, nanos int64, status int) {
		// Inside lists slog escapes these two in another, equal, way.
		plain := strings.NewReplacer("\b", "", "\f", "")
		path, reason, query = plain.Replace(path), plain.Replace(reason), plain.Replace(query)
		r := &Record{
			Time: time.Unix(1, 0), Path: path, ErrorReason: reason, Reasons: []string{reason, path},
			Status: status, Duration: time.Duration(nanos),
		}
		r.SetQuery(query)
		line := r.appendLine(nil, "fuzz")
		if n := bytes.Count(line, []byte{'\n'}); n != 1 || line[len(line)-1] != '\n' {
			t.Fatalf("%d line feeds in one record: %q", n, line)
		}
		if len(line) > 16<<10*6 {
			t.Fatalf("a record of %d bytes", len(line))
		}
		var back map[string]any
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("not JSON: %v\n%s", err, line)
		}
		if back["truncated"] == nil {
			if want := reference(t, r, "fuzz"); want != string(line) {
				t.Fatalf("differs from slog\n slog %s\n ours %s", want, line)
			}
		}
	})
}

func TestQueryValuesNeverStandInARecord(t *testing.T) {
	f := func(raw string, want ...string) {
		t.Helper()
		var r Record
		r.SetQuery(raw)
		if diff := cmp.Diff(want, r.QueryNames); diff != "" {
			t.Errorf("SetQuery(%q): %s", raw, diff)
		}
		if line := string(r.appendLine(nil, "")); strings.Contains(line, "s3cr3t") {
			t.Errorf("SetQuery(%q): the value stands in the record: %s", raw, line)
		}
	}
	f("")
	f("api-version=s3cr3t&subscription-key=s3cr3t", "api-version", "subscription-key")
	f("s3cr3t", "(bare)")
	f("a=s3cr3t=b&s3cr3t&b=", "a", "(bare)", "b")
	f("&&a=1&", "a")
	f("a%3Ds3=s3cr3t", "a%3Ds3")
}

func TestRecordIsBounded(t *testing.T) {
	r := full()
	r.Path = "/" + strings.Repeat("ü", 5000)
	r.Notes = make([]string, 100)
	for i := range r.Notes {
		r.Notes[i] = strings.Repeat("n", 5000)
	}
	r.SetQuery(strings.Repeat("a=b&", 1000))
	line := r.appendLine(nil, "s")
	if len(line) > 24<<10 {
		t.Errorf("the line has %d bytes", len(line))
	}
	var got struct {
		Truncated  bool     `json:"truncated"`
		Path       string   `json:"path"`
		Notes      []string `json:"notes"`
		QueryNames []string `json:"query_names"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Truncated || len(got.Path) > maxPath || strings.ContainsRune(got.Path, '\ufffd') ||
		len(got.Notes) != maxList || len(got.QueryNames) != maxList {
		t.Errorf("truncated %v, path %d bytes, %d notes, %d names", got.Truncated, len(got.Path), len(got.Notes), len(got.QueryNames))
	}
}

func BenchmarkLine(b *testing.B) {
	r := full()
	buf := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.appendLine(buf[:0], "site")
	}
}
