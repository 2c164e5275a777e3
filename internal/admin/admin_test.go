package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// shortDir is a directory whose path fits into a socket's address.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "admin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fixture is a door with a real store and a real audit log.
type fixture struct {
	*Door
	store *store.Store
	audit *audit.Log
	dir   string
	log   bytes.Buffer
}

func newFixture(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{dir: shortDir(t)}
	var err error
	if f.store, err = store.Open(t.Context(), filepath.Join(f.dir, "state"), store.Options{}); err != nil {
		t.Fatal(err)
	}
	key, verifier, err := audit.NewKey("test", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if f.audit, err = audit.Open(t.Context(), filepath.Join(f.dir, "audit"), audit.Options{Key: key, Gather: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.audit.Close(context.Background())
		f.store.Close()
	})
	opt := Options{Audit: f.audit, Log: slog.New(slog.NewTextHandler(&f.log, nil)), Now: time.Now, Rand: rand.Reader, Actions: Actions{
		Subscriptions: f.store, AuditDir: filepath.Join(f.dir, "audit"), AuditVerifier: verifier,
		KeyDigest:  func(key string) []byte { d := verify.Digest(f.store.DigestKey(), key); return d[:] },
		SiteDigest: func() string { return "sha256:site" },
		Status: func(context.Context) (Status, error) {
			return Status{Audit: AuditStatus{Durable: f.audit.Status().Durable}}, nil
		},
		Digest: f.store.DigestOf,
		Backup: func(ctx context.Context, w io.Writer) error { return f.store.Backup(ctx, w, store.BackupMeta{}) },
	}}
	if change != nil {
		change(&opt)
	}
	f.Door = NewDoor(opt)
	return f
}

// client asks as somebody with these roles.
func (f *fixture) client(roles ...string) *Client {
	return NewLocalClient(f.Door, Actor{Name: "os:7:tester", Roles: roles})
}

// records are all that the log holds.
func (f *fixture) records(t *testing.T) []audit.Record {
	t.Helper()
	f.Flush()
	if err := f.audit.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out []audit.Record
	for e, err := range audit.Entries(filepath.Join(f.dir, "audit"), 0, f.audit.Status().Size) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// lines are the records in short, without the log's own first.
func lines(records []audit.Record) []string {
	var out []string
	for _, r := range records {
		if r.Kind == audit.KindAdmin {
			out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", r.Action, r.Phase, r.Outcome, r.Target, r.Actor)), " "))
		}
	}
	return out
}

// refusedWith asserts an error of the door.
func refusedWith(t *testing.T, err error, status int, says string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Error(), says) {
		t.Errorf("%v, want status %d and %q", err, status, says)
	}
}

// TestSubscriptions goes through a subscription's life, and what it leaves on
// record.
func TestSubscriptions(t *testing.T) {
	f := newFixture(t, nil)
	ctx, c := t.Context(), f.client(AllRoles()...)
	keys, err := c.CreateSubscription(ctx, CreateSubscription{Name: "team a", Scope: "/apis"})
	if err != nil || keys.Name != "team a" || len(keys.PrimaryKey) != 32 || len(keys.SecondaryKey) != 32 || keys.PrimaryKey == keys.SecondaryKey {
		t.Fatalf("%+v %v", keys, err)
	}
	stored, err := f.store.GetSubscription(ctx, "team a")
	if err != nil || !bytes.Equal(stored.PrimaryDigest, f.KeyDigest(keys.PrimaryKey)) || !bytes.Equal(stored.SecondaryDigest, f.KeyDigest(keys.SecondaryKey)) {
		t.Errorf("%+v %v", stored, err)
	}
	_, err = c.CreateSubscription(ctx, CreateSubscription{Name: "Team A"})
	refusedWith(t, err, http.StatusConflict, "already")
	again, err := c.RotateKey(ctx, "team a", "secondary")
	if err != nil || again.PrimaryKey != "" || again.SecondaryKey == keys.SecondaryKey || again.Name != "team a" {
		t.Errorf("%+v %v", again, err)
	}
	if s, err := c.SuspendSubscription(ctx, "TEAM A"); err != nil || s.State != "suspended" || s.Name != "team a" {
		t.Errorf("%+v %v", s, err)
	}
	if s, err := c.ActivateSubscription(ctx, "team a"); err != nil || s.State != "active" {
		t.Errorf("%+v %v", s, err)
	}
	if s, err := c.Subscription(ctx, "team a"); err != nil || s.Scope != "/apis" || !s.PrimaryKey || s.Source != "state" {
		t.Errorf("%+v %v", s, err)
	}
	if l, err := c.Subscriptions(ctx); err != nil || len(l) != 1 {
		t.Errorf("%+v %v", l, err)
	}
	if s, err := c.DeleteSubscription(ctx, "team a"); err != nil || s.Name != "team a" {
		t.Errorf("%+v %v", s, err)
	}
	_, err = c.DeleteSubscription(ctx, "team a")
	refusedWith(t, err, http.StatusNotFound, "no subscription")
	_, err = c.RotateKey(ctx, "team a", "third")
	refusedWith(t, err, http.StatusBadRequest, "primary, secondary or both")

	want := []string{
		"subscription.create begin subscription:team a os:7:tester", "subscription.create done done subscription:team a os:7:tester",
		"subscription.create begin subscription:Team A os:7:tester", "subscription.create failed failed subscription:Team A os:7:tester",
	}
	got := f.records(t)
	if short := lines(got); len(short) < 4 || strings.Join(short[:4], "\n") != strings.Join(want, "\n") {
		t.Errorf("records:\n%s", strings.Join(short, "\n"))
	}
	all, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		if text := string(r.Before) + string(r.After) + r.Detail; strings.Contains(text, "team a") || strings.Contains(text, "Team A") {
			t.Errorf("the name stands beside the target: %s", text)
		}
	}
	for _, secret := range []string{keys.PrimaryKey, keys.SecondaryKey, again.SecondaryKey} {
		if strings.Contains(string(all), secret) || strings.Contains(f.log.String(), secret) {
			t.Error("a key stands in a record or the log")
		}
	}
	for _, r := range got {
		if r.Action == "subscription.suspend" && r.Phase == "done" &&
			(!strings.Contains(string(r.Before), `"active"`) || !strings.Contains(string(r.After), `"suspended"`) || r.Site != "sha256:site") {
			t.Errorf("%s %s %s", r.Before, r.After, r.Site)
		}
	}
}

// TestBadSubscriptions: what cannot be is refused with what would do.
func TestBadSubscriptions(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Actions.Scope = func(scope string) error {
			if scope != "/apis" {
				return errors.New("the site has nothing of scope " + scope)
			}
			return nil
		}
		o.Actions.Declared = func() []Declared {
			return []Declared{
				{Name: "own", Scope: "/apis", State: "active", PrimaryKey: true},
				{Name: "bare", Scope: "/products/gold", State: "suspended"},
			}
		}
	})
	ctx, c := t.Context(), f.client(AllRoles()...)
	for _, bad := range []struct {
		in     CreateSubscription
		status int
		says   string
	}{
		{CreateSubscription{Name: ""}, 400, "is not a name"},
		{CreateSubscription{Name: "a/b"}, 400, "is not a name"},
		{CreateSubscription{Name: " a"}, 400, "is not a name"},
		{CreateSubscription{Name: "a\nb"}, 400, "is not a name"},
		{CreateSubscription{Name: strings.Repeat("a", 300)}, 400, "is not a name"},
		{CreateSubscription{Name: "a", Scope: "/apis/none"}, 400, "nothing of scope"},
		{CreateSubscription{Name: "OWN"}, 409, "keys of its own"},
		{CreateSubscription{Name: "bare", Scope: "/apis"}, 409, "declares the subscription"},
	} {
		_, err := c.CreateSubscription(ctx, bad.in)
		refusedWith(t, err, bad.status, bad.says)
	}
	if s, err := c.Subscription(ctx, "bare"); err != nil || s.Source != "site" || s.State != "suspended" {
		t.Errorf("%+v %v", s, err)
	}
	_, err := c.SuspendSubscription(ctx, "bare")
	refusedWith(t, err, 409, "is the site's")
	if l, err := c.Subscriptions(ctx); err != nil || len(l) != 2 || l[0].Name != "bare" {
		t.Errorf("%+v %v", l, err)
	}
	for _, body := range []string{"", "{", `{"name":"a"}{"name":"b"}`, `{"name":"a","admin":true}`, `[]`, strings.Repeat(" ", 70<<10)} {
		r, _ := http.NewRequestWithContext(WithActor(ctx, Actor{Name: "t", Roles: AllRoles()}), "POST", "/v1/subscriptions", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		w := newRecorder()
		f.ServeHTTP(w, r)
		if w.status != 400 && w.status != 413 {
			t.Errorf("%.20q: %d", body, w.status)
		}
		r.Header.Set("Content-Type", "text/plain") // what a page may have a browser send
		w = newRecorder()
		f.ServeHTTP(w, r)
		if w.status != http.StatusUnsupportedMediaType {
			t.Errorf("text/plain: %d", w.status)
		}
	}
}

// TestRoles: each operation for those who have its role, and for nobody else.
func TestRoles(t *testing.T) {
	f := newFixture(t, nil)
	for _, op := range operations() {
		for _, roles := range [][]string{nil, {site.RoleReader}, {site.RoleOperator}, {site.RoleAuditor}, {site.RoleApprover}} {
			if len(roles) > 0 && (roles[0] == op.role || roles[0] == op.or) {
				continue
			}
			path := strings.ReplaceAll(op.pattern, "{name}", "x")
			r, _ := http.NewRequestWithContext(WithActor(t.Context(), Actor{Name: "token:other", Roles: roles}), op.method, path, strings.NewReader("{}"))
			w := newRecorder()
			f.ServeHTTP(w, r)
			if w.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d", op.action, roles, w.status)
			}
		}
	}
	// Nobody learns what there is without being somebody.
	for _, ctx := range []context.Context{t.Context(), WithActor(t.Context(), Actor{Name: "x", Roles: AllRoles(), Err: errors.New("unknown")})} {
		r, _ := http.NewRequestWithContext(ctx, "GET", "/nothing", nil)
		w := newRecorder()
		f.ServeHTTP(w, r)
		if w.status != http.StatusForbidden {
			t.Errorf("a stranger gets %d", w.status)
		}
	}
	// Strangers, who may come often, leave few records, and are counted.
	f.Flush()
	known, strangers, records := 0, 0, 0
	twoRoles := 0
	for _, op := range operations() {
		if op.or != "" {
			twoRoles++
		}
	}
	for _, r := range f.records(t) {
		switch {
		case r.Outcome != "deny" || r.Reasons[0] != "role-missing":
		case r.Action == "call":
			records++
			strangers += max(r.Count, 1)
		default:
			known++
		}
	}
	if n := len(operations()); known != 3*n-twoRoles || strangers != n+2 || records > 6 {
		t.Errorf("%d refusals of known actors, %d of strangers in %d records; want %d and %d", known, strangers, records, 3*n-twoRoles, n+2)
	}
}

// silentLog is an audit log that cannot be written.
type silentLog struct{ err error }

func (s silentLog) Append(*audit.Record) audit.Position        { return 0 }
func (s silentLog) Flush(audit.Position)                       {}
func (s silentLog) Wait(context.Context, audit.Position) error { return s.err }

// TestNothingWithoutRecord: acts are refused while they cannot be recorded;
// how the gateway is can be asked.
func TestNothingWithoutRecord(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Audit = silentLog{errors.New("the disk is full")} })
	c := f.client(AllRoles()...)
	_, err := c.CreateSubscription(t.Context(), CreateSubscription{Name: "a"})
	refusedWith(t, err, http.StatusServiceUnavailable, "the disk is full")
	if l, err := f.store.ListSubscriptions(t.Context()); err != nil || len(l) != 0 {
		t.Errorf("%v %v", l, err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAuditOverTheDoor reads the log, proves a record and digests a name.
func TestAuditOverTheDoor(t *testing.T) {
	f := newFixture(t, nil)
	c := f.client(AllRoles()...)
	if _, err := c.CreateSubscription(t.Context(), CreateSubscription{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	var page AuditPage
	for end := time.Now().Add(10 * time.Second); len(page.Entries) < 2 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if page, err = c.Audit(t.Context(), 0, 2); err != nil {
			t.Fatal(err)
		}
	}
	reading := 0
	for _, l := range lines(f.records(t)) {
		if strings.HasPrefix(l, "audit.read") {
			reading++
		}
	}
	if reading != 1 {
		t.Errorf("reading left %d records, want 1 a minute", reading)
	}
	if len(page.Entries) != 2 || !strings.Contains(string(page.Entries[0].Record), `"subscription.create"`) {
		t.Errorf("%+v", page)
	}
	proof, err := c.AuditProof(t.Context(), page.Entries[1].Index)
	if err != nil || proof.Check(f.AuditVerifier, page.Entries[1].Record) != nil || proof.Check(f.AuditVerifier, page.Entries[0].Record) == nil {
		t.Errorf("%v %v", proof, err)
	}
	digest, err := c.AuditDigest(t.Context(), "client", "10.0.0.1")
	if err != nil || digest != f.store.DigestOf("client", "10.0.0.1") {
		t.Errorf("%q %v", digest, err)
	}
	_, err = c.AuditDigest(t.Context(), "shoe", "43")
	refusedWith(t, err, 400, "kind")
	if page, err := c.Audit(t.Context(), 1<<40, 10); err != nil || len(page.Entries) != 0 {
		t.Errorf("%+v %v", page, err)
	}
}

// TestBackupOverTheDoor: a backup is whole, and one that breaks off is not
// taken for whole.
func TestBackupOverTheDoor(t *testing.T) {
	f := newFixture(t, nil)
	var b bytes.Buffer
	if err := f.client(AllRoles()...).Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if _, err := store.ReadBackup(&b); err != nil {
		t.Error(err)
	}
	broken := newFixture(t, func(o *Options) {
		o.Actions.Backup = func(_ context.Context, w io.Writer) error {
			io.WriteString(w, "half of it")
			return errors.New("the disk failed")
		}
	})
	err := broken.client(AllRoles()...).Backup(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("%v", err)
	}
	down := newFixture(t, func(o *Options) {
		o.Actions.Backup = func(context.Context, io.Writer) error { return errors.New("the database is down") }
	})
	err = down.client(AllRoles()...).Backup(t.Context(), io.Discard)
	refusedWith(t, err, http.StatusInternalServerError, "the database is down")
}

// TestCalls goes over the socket.
func TestCalls(t *testing.T) {
	problems := site.Problems{{Severity: site.Error, Pos: site.Pos{File: "cloister.yaml", Line: 3, Column: 1}, Code: "unknown-field", Message: "x"}}
	f := newFixture(t, func(o *Options) {
		o.Actions.Reload = func(context.Context) (Reloaded, error) {
			return Reloaded{Before: "a", After: "a", Problems: problems}, nil
		}
		o.Actions.Status = func(context.Context) (Status, error) { return Status{}, errors.New("no status today") }
	})
	s := f.listen(t)
	c := NewClient(f.dir)
	r, err := c.Reload(t.Context())
	if err != nil || r.Accepted || r.Before != "a" || len(r.Problems) != 1 || r.Problems[0].Line != 3 {
		t.Errorf("reload: %+v %v", r, err)
	}
	_, err = c.Status(t.Context())
	refusedWith(t, err, http.StatusInternalServerError, "no status today")
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"action=reload actor=os:", "action=status", "no status today"} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, f.log.String())
		}
	}
}

func (f *fixture) listen(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(t.Context(), f.dir, f.Door, f.Door.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

type recorder struct {
	header http.Header
	status int
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }

// TestPeers: root and the owner have every role, nobody else has any.
func TestPeers(t *testing.T) {
	for _, c := range []struct {
		peer peer
		may  bool
	}{{peer{uid: 0}, true}, {peer{uid: 1000}, true}, {peer{uid: 1001}, false}, {peer{uid: 1000, err: errors.New("no credentials")}, false}} {
		if a := c.peer.actor(1000); (len(a.Roles) > 0) != c.may {
			t.Errorf("%+v: %v", c.peer, a)
		}
	}
}

func TestSocket(t *testing.T) {
	f := newFixture(t, nil)
	path := filepath.Join(f.dir, SocketName)
	// What a killed process leaves behind.
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.listen(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := peerOf(conn); p.err != nil || p.uid != uint32(os.Getuid()) {
		t.Errorf("peer: %v", p)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := shortDir(t)
	_, err := NewClient(dir).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no gateway runs") {
		t.Errorf("%v", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), long, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("%v", err)
	}
}
