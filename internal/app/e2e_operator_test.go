package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// endless streams events until its caller goes away.
func endless(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		io.WriteString(w, "ok")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := 0; r.Context().Err() == nil; i++ {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond)
	}
}

// operator is a client of the running gateway's own door.
func (r *running) operator() *admin.Client { return admin.NewClient(r.state.dir) }

// with is the status of a request with a key.
func (r *running) with(t *testing.T, key string) int {
	t.Helper()
	resp, _ := r.do(t, "GET", "/openai/x", "", http.Header{"Ocp-Apim-Subscription-Key": {key}})
	return resp.StatusCode
}

// refuses reports whether a request with a key is answered with 401. One that was
// let in just before the key ended has its answer cut instead, which is no answer:
// whoever waits asks again.
func (r *running) refuses(t *testing.T, key string) bool {
	t.Helper()
	resp, err := r.send(t, r.client, "GET", "/openai/x", nil, http.Header{"Ocp-Apim-Subscription-Key": {key}})
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusUnauthorized
}

// openStream is a stream under way: its lines, and how it ended.
type openStream struct {
	lines chan string
	err   error
}

func (r *running) stream(t *testing.T, key string) *openStream {
	t.Helper()
	resp, err := r.send(t, r.client, "GET", "/openai/stream", nil, http.Header{"Ocp-Apim-Subscription-Key": {key}})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	s := &openStream{lines: make(chan string, 1<<16)}
	go func() {
		defer close(s.lines)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			s.lines <- lines.Text()
		}
		s.err = lines.Err()
	}()
	if first := <-s.lines; first != "data: 0" {
		t.Fatalf("the stream begins with %q", first)
	}
	return s
}

// ends waits for the stream's end, returns its last lines, and fails if it
// takes longer than limit.
func (s *openStream) ends(t *testing.T, limit time.Duration) string {
	t.Helper()
	timeout := time.After(limit)
	var last []string
	for {
		select {
		case line, more := <-s.lines:
			if !more {
				return strings.Join(last, "\n")
			}
			if last = append(last, line); len(last) > 6 {
				last = last[1:]
			}
		case <-timeout:
			t.Fatalf("the stream goes on after %s", limit)
		}
	}
}

// goesOn fails if the stream has ended.
func (s *openStream) goesOn(t *testing.T) {
	t.Helper()
	for range len(s.lines) + 3 {
		if _, more := <-s.lines; !more {
			t.Fatalf("the stream has ended: %v", s.err)
		}
	}
}

// TestSubscriptionsWhileServing: what the door answers is in force when it
// does, for requests and for open streams.
func TestSubscriptionsWhileServing(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	g := s.start(t)
	ctx, door := t.Context(), g.operator()
	keys, err := door.CreateSubscription(ctx, admin.CreateSubscription{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := door.CreateSubscription(ctx, admin.CreateSubscription{Name: "two", Scope: "/apis/openai"})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := g.with(t, keys.PrimaryKey), g.with(t, keys.SecondaryKey); a != 200 || b != 200 {
		t.Fatalf("new keys: %d and %d", a, b)
	}
	byPrimary, bySecondary, byOther := g.stream(t, keys.PrimaryKey), g.stream(t, keys.SecondaryKey), g.stream(t, other.PrimaryKey)

	again, err := door.RotateKey(ctx, "one", "primary")
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := g.with(t, keys.PrimaryKey), g.with(t, again.PrimaryKey), g.with(t, keys.SecondaryKey); a != 401 || b != 200 || c != 200 {
		t.Errorf("after the primary key was rotated: old %d, new %d, secondary %d", a, b, c)
	}
	if end := byPrimary.ends(t, time.Second); !strings.Contains(end, "subscription_revoked") {
		t.Errorf("the stream of the old key ends with:\n%s", end)
	}
	bySecondary.goesOn(t)

	if _, err := door.SuspendSubscription(ctx, "ONE"); err != nil {
		t.Fatal(err)
	}
	if a, b := g.with(t, again.PrimaryKey), g.with(t, keys.SecondaryKey); a != 401 || b != 401 {
		t.Errorf("suspended: %d and %d", a, b)
	}
	bySecondary.ends(t, time.Second)
	if _, err := door.ActivateSubscription(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if a := g.with(t, keys.SecondaryKey); a != 200 {
		t.Errorf("active again: %d", a)
	}
	byOther.goesOn(t)
	if _, err := door.DeleteSubscription(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	if a := g.with(t, other.PrimaryKey); a != 401 {
		t.Errorf("deleted: %d", a)
	}
	byOther.ends(t, time.Second)
	eventually(t, "the record of the cut", func() bool {
		return slices.ContainsFunc(g.accessRecords(t), func(r map[string]any) bool { return r["cut"] == "revoked" })
	})
	_, err = door.CreateSubscription(ctx, admin.CreateSubscription{Name: "three", Scope: "/products/none"})
	if err == nil || !strings.Contains(err.Error(), "no product") {
		t.Errorf("%v", err)
	}
	_, err = door.SuspendSubscription(ctx, "team")
	if err == nil || !strings.Contains(err.Error(), "is the site's") {
		t.Errorf("%v", err)
	}
	status, err := door.Status(ctx)
	if err != nil || !status.Ready || !status.Running || status.State.Subscriptions != 1 || status.Audit.Durable == 0 || status.Overload.Level != "normal" || len(status.Destinations) == 0 {
		t.Errorf("%+v %v", status, err)
	}
}

// TestReloadEndsStreams: a subscription that a reload takes away ends its open
// streams, and no other's.
func TestReloadEndsStreams(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/second": boundKey})
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"subscriptions", "- {name: second, scope: /apis, primaryKey: {file: keys/second}}"}))
	g := s.start(t)
	stays, goes := g.stream(t, teamKey), g.stream(t, boundKey)
	s.write(t, "cloister.yaml", s.config(""))
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(r, err)
	}
	if end := goes.ends(t, time.Second); !strings.Contains(end, "subscription_revoked") {
		t.Errorf("the stream ends with:\n%s", end)
	}
	stays.goesOn(t)
}

// auditRecords ends the gateway and reads its audit log.
func (r *running) auditRecords(t *testing.T) []audit.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.state.dir, auditDir)
	report, err := audit.Verify(dir, r.Verifier(), audit.VerifyOptions{})
	if err != nil || !report.OK() {
		t.Fatalf("%v %v", err, report)
	}
	var out []audit.Record
	for e, err := range audit.Entries(dir, 0, report.Size) {
		if err != nil {
			t.Fatal(err)
		}
		rec, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// TestAuditOfRequests: what was decided of a known caller is on disk before its
// answer; strangers leave a bounded trace.
func TestAuditOfRequests(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/second": boundKey})
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"subscriptions", "- {name: second, scope: /apis, primaryKey: {file: keys/second}, boundTo: {principals: [nobody]}}"}))
	g := s.start(t)
	begun := g.state.audit.Status().Durable
	if got := g.with(t, teamKey); got != 200 {
		t.Fatal(got)
	}
	if now := g.state.audit.Status().Durable; now != begun+1 {
		t.Errorf("%d records on disk when the answer came, want %d", now, begun+1)
	}
	if got := g.with(t, boundKey); got != 403 {
		t.Fatal(got)
	}
	const tries = 50
	for range tries {
		if got := g.with(t, "wrong-wrong-wrong-wrong-wrong-00"); got != 401 {
			t.Fatal(got)
		}
	}
	var allowed, bound, strangers, records int
	for _, r := range g.auditRecords(t) {
		switch {
		case r.Kind != audit.KindAccess:
		case r.Outcome == "allow":
			allowed++
			if r.Actor != "subscription:team" || r.Subscription != "team" || r.API != "openai" || r.Operation != "get" || r.RequestID == "" || r.Site == "" || !slices.Equal(r.Reasons, []string{"subscription-key"}) {
				t.Errorf("%+v", r)
			}
		case slices.Equal(r.Reasons, []string{"subscription-bound"}):
			bound++
			if r.Actor != "subscription:second" || r.Subscription != "second" || r.Count != 0 {
				t.Errorf("a known key outside its binding: %+v", r)
			}
		case slices.Equal(r.Reasons, []string{"subscription-key-invalid"}):
			strangers += max(r.Count, 1)
			records++
			if r.Actor != "nobody" || r.Status != 401 {
				t.Errorf("%+v", r)
			}
		}
	}
	if allowed != 1 || strangers != tries || records > 8 {
		t.Errorf("%d allowed, %d strangers in %d records", allowed, strangers, records)
	}
	if bound != 1 {
		t.Errorf("%d refusals of the bound key", bound)
	}
}

// TestTwoGateways: two gateways on one database. What one door answers is in
// force in both within a second, open streams included.
func TestTwoGateways(t *testing.T) {
	db := testenv.Postgres(t)
	a, b := newSharedSite(t, db, nil).start(t), newSharedSite(t, db, nil).start(t)
	ctx, door := t.Context(), a.operator()
	keys, err := door.CreateSubscription(ctx, admin.CreateSubscription{Name: "shared"})
	if err != nil {
		t.Fatal(err)
	}
	within := func(what string, ok func() bool) {
		t.Helper()
		begun := time.Now()
		eventually(t, what, ok)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s: %s", what, took)
		}
	}
	within("the new key opens the other gateway", func() bool { return b.with(t, keys.PrimaryKey) == 200 })
	here, there := a.stream(t, keys.PrimaryKey), b.stream(t, keys.PrimaryKey)
	if _, err := b.operator().RotateKey(ctx, "shared", "primary"); err != nil {
		t.Fatal(err)
	}
	if got := b.with(t, keys.PrimaryKey); got != 401 {
		t.Errorf("the old key at the gateway that rotated it: %d", got)
	}
	within("the old key is refused by the other gateway", func() bool { return a.refuses(t, keys.PrimaryKey) })
	there.ends(t, time.Second)
	here.ends(t, time.Second)

	here, there = a.stream(t, keys.SecondaryKey), b.stream(t, keys.SecondaryKey)
	if _, err := door.SuspendSubscription(ctx, "shared"); err != nil {
		t.Fatal(err)
	}
	within("a suspended subscription is refused by the other gateway", func() bool { return b.refuses(t, keys.SecondaryKey) })
	here.ends(t, time.Second)
	there.ends(t, time.Second)
	if _, err := door.ActivateSubscription(ctx, "shared"); err != nil {
		t.Fatal(err)
	}
	within("active again", func() bool { return b.with(t, keys.SecondaryKey) == 200 })
	there = b.stream(t, keys.SecondaryKey)
	if _, err := door.DeleteSubscription(ctx, "shared"); err != nil {
		t.Fatal(err)
	}
	there.ends(t, time.Second)
}

// newSharedSite is a site whose state lies in a database, sealed by a key file
// that all gateways on it have.
func newSharedSite(t *testing.T, db *testenv.PostgresDatabase, files map[string]string) *testSite {
	t.Helper()
	s := newSite(t, http.HandlerFunc(endless), files)
	s.write(t, "keys/db", db.Password)
	s.write(t, "keys/state", sharedKeyFile(t, db))
	s.write(t, "keys/passphrase", testPassphrase)
	s.write(t, "cloister.yaml", with(s.config(fmt.Sprintf(`state:
  staleAfter: 1s
  postgres: {host: %s, port: %d, database: %s, user: %s, password: {file: keys/db}, sslMode: disable}
  encryption: {keyFile: {file: keys/state, passphrase: {file: keys/passphrase}}}
`, db.Host, db.Port, db.Database, db.User)),
		[2]string{"destinations", fmt.Sprintf("  state: [{host: %s, port: %d}]", db.Host, db.Port)}))
	return s
}

// TestSilentState: a gateway that does not hear from the shared state refuses,
// and cuts what is open; when it hears again, it serves again.
func TestSilentState(t *testing.T) {
	server := testenv.NewPostgresServer(t, testenv.PostgresOptions{})
	s := newSharedSite(t, server.Create(t), nil)
	g := s.startWith(t, func(o *Options) { o.CutStaleAfter = 2 * time.Second })
	stream := g.stream(t, teamKey)
	server.Crash(t)
	eventually(t, "requests are refused", func() bool { return g.with(t, teamKey) == 503 })
	if err := g.notReady(); err == nil || !strings.Contains(err.Error(), "silent") {
		t.Errorf("%v", err)
	}
	if end := stream.ends(t, 10*time.Second); !strings.Contains(end, "state_stale") {
		t.Errorf("the stream ends with:\n%s", end)
	}
	server.Start(t)
	eventually(t, "requests are taken again", func() bool { return g.with(t, teamKey) == 200 })
}

// TestDoorWithoutGateway: the same acts on the state directory while nobody
// runs; the key is good when somebody does.
func TestDoorWithoutGateway(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	open := func() *Operator {
		t.Helper()
		o, err := OpenOperator(t.Context(), OperatorOptions{Dir: s.dir})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := open()
	if o.Running {
		t.Error("nobody runs")
	}
	keys, err := o.Client.CreateSubscription(t.Context(), admin.CreateSubscription{Name: "early"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Client.Reload(t.Context()); !errors.As(err, new(*admin.Error)) || !strings.Contains(err.Error(), "no gateway runs") {
		t.Errorf("%v", err)
	}
	// While a command has the directory, a start waits for it.
	go func() {
		time.Sleep(200 * time.Millisecond)
		o.Close()
	}()
	g := s.start(t)
	if got := g.with(t, keys.PrimaryKey); got != 200 {
		t.Errorf("the key that was made before: %d", got)
	}
	running := open()
	defer running.Close()
	if !running.Running {
		t.Error("a gateway runs")
	}
	if l, err := running.Client.Subscriptions(t.Context()); err != nil || len(l) != 2 {
		t.Errorf("%+v %v", l, err)
	}
	var acts []string
	for _, r := range g.auditRecords(t) {
		if r.Kind == audit.KindAdmin && r.Phase != "" {
			acts = append(acts, r.Action+" "+r.Phase+" "+strings.SplitN(r.Actor, ":", 2)[0])
		}
	}
	if want := []string{"subscription.create begin os", "subscription.create done os", "reload begin os", "reload failed os"}; !slices.Equal(acts, want) {
		t.Errorf("acts on record: %q", acts)
	}
}

// TestRestore: a restored state serves only after somebody has accepted that it
// is older, and its new audit log names the one before.
func TestRestore(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	g := s.start(t)
	door := g.operator()
	keys, err := door.CreateSubscription(t.Context(), admin.CreateSubscription{Name: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	var backup strings.Builder
	if err := door.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if _, err := door.DeleteSubscription(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), OperatorOptions{Dir: s.dir}, strings.NewReader(backup.String())); err == nil {
		t.Fatal("restored under a running gateway")
	}
	old := g.Verifier()
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), OperatorOptions{Dir: s.dir}, strings.NewReader(backup.String()[:backup.Len()-7])); err == nil {
		t.Fatal("a truncated backup was restored")
	}
	info, err := Restore(t.Context(), OperatorOptions{Dir: s.dir}, strings.NewReader(backup.String()))
	if err != nil || info.Rows != 1 {
		t.Fatalf("%+v %v", info, err)
	}
	_, _, err = Start(t.Context(), Options{Dir: s.dir})
	if err == nil || !strings.Contains(err.Error(), "--accept-older-state") {
		t.Fatalf("%v", err)
	}
	again := s.startWith(t, func(o *Options) { o.AcceptOlderState = true })
	if got := again.with(t, keys.PrimaryKey); got != 200 {
		t.Errorf("the restored key: %d", got)
	}
	if again.Verifier() == old {
		t.Error("the new log has the key of the old one")
	}
	text, err := json.Marshal(again.auditRecords(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"restored from the backup of", "older-state.accepted", strings.Fields(string(info.AuditCheckpoint))[0]} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the new log lacks %q", want)
		}
	}
	// Once is enough.
	s.start(t)
}
