package store_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestPostgresTwoGateways: what one does is in force in the other within a
// second, over notifications.
func TestPostgresTwoGateways(t *testing.T) {
	d := testenv.Postgres(t)
	one, two := openWith(t, postgresOptions(d)), openWith(t, postgresOptions(d))
	if !bytes.Equal(one.DigestKey(), two.DigestKey()) || one.DigestOf("x", "y") != two.DigestOf("x", "y") {
		t.Error("they digest differently")
	}
	heard := make(chan store.Changes, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- two.Watch(ctx, 0, func(c store.Changes) error { heard <- c; return nil }) }()
	<-heard
	var worst time.Duration
	for i := range 20 {
		sub := active(fmt.Sprint(i % 3))
		sub.Name = fmt.Sprint(i)
		began := time.Now()
		if err := one.PutSubscription(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
		select {
		case c := <-heard:
			if len(c.Subscriptions) != 1 || c.Subscriptions[0].Name != sub.Name {
				t.Errorf("heard %+v, want %s", c.Subscriptions, sub.Name)
			}
		case <-time.After(time.Second):
			t.Fatal("not heard within a second")
		}
		worst = max(worst, time.Since(began))
	}
	t.Logf("the slowest of 20 changes was heard after %v, its commit included", worst.Round(time.Millisecond))
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestPostgresRotationByOther: a gateway learns of keys that another made
// before it reads or writes a row with them.
func TestPostgresRotationByOther(t *testing.T) {
	d := testenv.Postgres(t)
	one, two := openWith(t, postgresOptions(d)), openWith(t, postgresOptions(d))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for n, s := range []*store.Store{one, two} {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := s.PutSubscription(context.Background(), active(fmt.Sprintf("w%d-%d", n, i%10))); err != nil {
					t.Errorf("put: %v", err)
				}
				c, err := s.Changes(context.Background(), 0)
				if err != nil || len(c.Damaged) > 0 {
					t.Errorf("%v, damaged %v", err, c.Damaged)
				}
			}
		})
	}
	var rotations sync.WaitGroup
	for _, s := range []*store.Store{one, two} {
		rotations.Go(func() {
			for range 3 {
				if err := s.RotateDataKey(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	rotations.Wait()
	stop()
	wg.Wait()
	a, errA := one.Changes(t.Context(), 0)
	b, errB := two.Changes(t.Context(), 0)
	if diff := cmp.Diff(a.Subscriptions, b.Subscriptions); diff != "" || errA != nil || errB != nil || len(a.Damaged)+len(b.Damaged) > 0 {
		t.Errorf("%v %v %v %v\n%s", errA, errB, a.Damaged, b.Damaged, diff)
	}
}

// TestPostgresBeginTogether: gateways that start at the same moment on a new
// database begin it once.
func TestPostgresBeginTogether(t *testing.T) {
	d := testenv.Postgres(t)
	keys := make([]string, 4)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			s, err := store.Open(context.Background(), filepath.Join(t.TempDir(), fmt.Sprint(i)), postgresOptions(d))
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = string(s.DigestKey())
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] || len(k) != 32 {
			t.Error("they have different keys")
		}
	}
}

// TestPostgresOneProcess: the local directory still belongs to one process.
func TestPostgresOneProcess(t *testing.T) {
	opt, dir := postgresOptions(testenv.Postgres(t)), t.TempDir()
	s, err := store.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var locked *store.LockedError
	if _, err := store.Open(t.Context(), dir, opt); !errors.As(err, &locked) {
		t.Errorf("got %v, want a LockedError", err)
	}
}

func TestPostgresTLS(t *testing.T) {
	server := testenv.NewPostgresServer(t, testenv.PostgresOptions{TLS: true, Settings: []string{"ssl_min_protocol_version = 'TLSv1.3'"}})
	d := server.Create(t)
	pem, err := os.ReadFile(d.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	opt := postgresOptions(d)
	opt.Postgres.Host, opt.Postgres.TLS = "localhost", &tls.Config{RootCAs: pool}
	var dialled []string
	opt.Postgres.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialled = append(dialled, addr)
		return (&net.Dialer{}).DialContext(ctx, network, d.Addr())
	}
	s := openWith(t, opt)
	if err := s.PutSubscription(t.Context(), active("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The name goes to Dial as it was declared: nothing is resolved here.
	for _, addr := range dialled {
		if want := fmt.Sprintf("localhost:%d", d.Port); addr != want {
			t.Errorf("dialled %s, want %s", addr, want)
		}
	}
	opt.Postgres.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	refusedWith(t, opt, "certificate")
	opt.Postgres.TLS = &tls.Config{RootCAs: pool, ServerName: "other"}
	refusedWith(t, opt, "certificate")
}

// TestPostgresEnvironment: nothing of it is used.
func TestPostgresEnvironment(t *testing.T) {
	d := testenv.Postgres(t) // before: the tests' own connections use it
	for name, value := range map[string]string{
		"PGHOST": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody", "PGPASSWORD": "x", "PGDATABASE": "x", "PGSSLMODE": "verify-full",
		"PGOPTIONS": "-c synchronous_commit=off", "PGTARGETSESSIONATTRS": "read-only", "PGSSLROOTCERT": "/nowhere",
	} {
		t.Setenv(name, value)
	}
	openWith(t, postgresOptions(d))
}

// TestBackupMoves: a backup of one kind of database restores into the other.
func TestBackupMoves(t *testing.T) {
	kek := &storetest.KEK{Name: "kek"}
	from := openWith(t, store.Options{KEK: kek})
	for _, id := range []string{"a", "B"} {
		if err := from.PutSubscription(t.Context(), active(id)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := from.ListSubscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, opt := range []store.Options{postgresOptions(testenv.Postgres(t)), {KEK: kek}} {
		var b bytes.Buffer
		if err := from.Backup(t.Context(), &b, store.BackupMeta{}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := store.Restore(t.Context(), dir, &b, opt); err != nil {
			t.Fatal(err)
		}
		if from, err = store.Open(t.Context(), dir, opt); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = from.Close() })
		got, err := from.ListSubscriptions(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
}
