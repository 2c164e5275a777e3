package audit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func encodeRecord(e *encoder, r *Record) []byte { return e.append(nil, r) }

func plainEncoder() *encoder {
	return &encoder{now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
}

// whole is a record with every member set.
func whole() Record {
	return Record{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC), Kind: KindAdmin, Action: "subscription.create", Phase: "done",
		Actor: "os:0:root", Outcome: "done", Reasons: []string{"role-operator", "socket"}, RequestID: "0192",
		Client: netip.MustParseAddr("2001:db8::7"), Peer: netip.MustParseAddr("10.0.0.7"),
		API: "openai", Operation: "chat", Subscription: "team-a", Deployment: "gpt", Model: "gpt-x", Endpoint: "openai 10.1.3.4", Status: 201,
		Target: "subscription:team-a", Before: json.RawMessage("null"), After: json.RawMessage(`{"state":"active"}`),
		Site: "sha256:1", Detail: "a \"quoted\"\ndetail", Count: 7,
	}
}

// TestRecordIsWhatEncodingJSONWrites: the appender agrees with the struct's
// tags in names, order and values.
func TestRecordIsWhatEncodingJSONWrites(t *testing.T) {
	r := whole()
	for v, i := reflect.ValueOf(r), 0; i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() != (name == "Truncated" || strings.HasSuffix(name, "Digest")) {
			t.Errorf("%s is not tried here", name)
		}
	}
	for _, r := range []Record{r, {Time: r.Time}} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(encodeRecord(plainEncoder(), &r))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if got := string(encodeRecord(plainEncoder(), &Record{})); got != `{"time":"2023-11-14T22:13:20Z"}` {
		t.Errorf("a record without a time: %s", got)
	}
}

// TestHarmless: nothing that a caller chooses can break a line, rewrite a
// terminal, or be lost.
func TestHarmless(t *testing.T) {
	const nasty = "a\x00\x1b[2J\r\n\t\x7f\u009b2J\u202e\u2066\u200b\u2028\u2029\U000e0041\"\\</script>é😀"
	for _, r := range []Record{
		{Detail: nasty, Actor: nasty, Reasons: []string{nasty}, Client: netip.MustParseAddr("fe80::1").WithZone("\x1b\"x")},
		{After: json.RawMessage("{ \"a\u202e\" :\n\"\u009b\u2028\U000e0041\" }")},
		{After: json.RawMessage("not json \x1b\xff")},
	} {
		line := encodeRecord(plainEncoder(), &r)
		checkLine(t, line)
		back, err := Entry{Raw: line}.Record()
		if err != nil {
			t.Fatal(err)
		}
		if r.Detail != "" && (back.Detail != nasty || back.Actor != nasty || back.Reasons[0] != nasty) {
			t.Errorf("lost: %s", line)
		}
	}
	if got := string(encodeRecord(plainEncoder(), &Record{Actor: "a\xffb\xc3"})); !strings.Contains(got, `"actor":"a\ufffdb\ufffd"`) {
		t.Errorf("invalid UTF-8: %s", got)
	}
}

// checkLine is what holds for every line: one line of valid JSON, bounded, with
// nothing in it that a terminal obeys.
func checkLine(t *testing.T, line []byte) {
	t.Helper()
	if !json.Valid(line) || !utf8.Valid(line) || len(line) > maxEntry {
		t.Fatalf("%d bytes, no good line: %.200q", len(line), line)
	}
	for _, r := range string(line) {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			t.Fatalf("%U stands in the line %.200q", r, line)
		}
	}
}

// TestBounded: whatever is given, a record fits, and says what was cut.
func TestBounded(t *testing.T) {
	long := strings.Repeat("\x01é", 100_000)
	state := json.RawMessage(`{"a":"` + strings.Repeat("x", 40_000) + `"}`)
	r := Record{
		Kind: long, Action: long, Phase: long, Actor: long, Outcome: long, RequestID: long, API: long, Operation: long,
		Subscription: long, Deployment: long, Model: long, Endpoint: long, Target: long, Site: long, Detail: long, Before: state, After: json.RawMessage(long),
		Status: -1 << 62, Count: -1 << 62, Client: netip.MustParseAddr("fe80::1").WithZone(long), Peer: netip.MustParseAddr("fe80::1").WithZone(long),
	}
	for range 1000 {
		r.Reasons = append(r.Reasons, long)
	}
	line := encodeRecord(plainEncoder(), &r)
	checkLine(t, line)
	back, err := Entry{Raw: line}.Record()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, typ := 0, reflect.TypeFor[Record](); i < typ.NumField(); i++ {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if !strings.HasSuffix(name, "_digest") && name != "time" && name != "status" && name != "count" && name != "truncated" {
			all = append(all, name)
		}
	}
	if diff := cmp.Diff(all, back.Truncated, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("truncated: (-want +got)\n%s", diff)
	}
	if !strings.HasPrefix(string(back.Before), `"{\"a\":\"xxx`) || len(back.Reasons) != maxReasons {
		t.Errorf("before is %.40s, %d reasons", back.Before, len(back.Reasons))
	}
}

// TestHide: what is to be hidden stands in no member, what is not stays.
func TestHide(t *testing.T) {
	digest := func(kind, value string) string { return "D(" + kind + " " + value[:1] + ")" }
	signer, _ := testKey(t)
	set, err := newSettings(Options{Key: signer, Digest: digest, Hide: []string{HidePrincipal, HideClient, HideSubscription}})
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("10.9.8.7")
	for actor, want := range map[string]string{
		"subscription:secret-name": "subscription:D(subscription s)", "token:tenant/object": "token:D(principal t)",
		"certificate:ab:cd": "certificate:D(principal a)", "os:0:root": "os:0:root", "nobody": "nobody",
	} {
		line := encodeRecord(&set.enc, &Record{Actor: actor, Target: actor, Subscription: "secret-name", Client: addr, Peer: addr})
		back, err := Entry{Raw: line}.Record()
		if err != nil {
			t.Fatal(err)
		}
		if back.Actor != want || back.Target != want || back.Subscription != "D(subscription s)" || back.ClientDigest != "D(client 1)" || back.PeerDigest != "D(client 1)" {
			t.Errorf("%s: %s", actor, line)
		}
		if bytes.Contains(line, []byte("secret")) || bytes.Contains(line, []byte("10.9")) {
			t.Errorf("not hidden: %s", line)
		}
	}
	for _, opt := range []Options{{Key: signer, Hide: []string{"client"}}, {Key: signer, Digest: digest, Hide: []string{"peer"}}, {}, {Key: signer, Origin: "other"}} {
		if _, err := Open(t.Context(), t.TempDir(), opt); err == nil {
			t.Errorf("%+v is accepted", opt)
		}
	}
}
