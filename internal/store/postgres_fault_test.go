package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

func openWith(t *testing.T, opt store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func active(id string) store.Subscription {
	return store.Subscription{ID: id, Scope: "/apis", State: "active"}
}

// refusedWith opens and wants an [store.Error] that says each of words.
func refusedWith(t *testing.T, opt store.Options, words ...string) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), opt)
	if err == nil {
		_ = s.Close()
		t.Fatalf("opened, want an error with %q", words)
	}
	var typed *store.Error
	if !errors.As(err, &typed) || typed.Mend == "" {
		t.Errorf("got %v, want an Error with a mend", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// TestPostgresConnectionCut cuts the connection in the middle of a change: it
// was not done, and is done again; or nobody knows, and the error says so.
func TestPostgresConnectionCut(t *testing.T) {
	d := testenv.Postgres(t)
	opt := postgresOptions(d)
	direct := openWith(t, opt)
	c := newCutter(t, d.Addr())
	opt.Postgres.Port = c.port
	s := openWith(t, opt)

	t.Run("before the commit", func(t *testing.T) {
		for _, at := range []string{"INSERT INTO subscription ", "commit"} {
			c.arm(at, false)
			_, err := s.CreateSubscription(t.Context(), active(at))
			var uncertain *store.UncertainError
			switch {
			case c.count() != 1:
				t.Errorf("%s: nothing was cut", at)
			case err != nil && !errors.As(err, &uncertain):
				t.Errorf("%s: %v", at, err)
			case err == nil:
				if _, err := direct.GetSubscription(t.Context(), at); err != nil {
					t.Errorf("%s: acknowledged and lost: %v", at, err)
				}
			}
		}
	})
	t.Run("after COMMIT was sent", func(t *testing.T) {
		c.arm("commit", true)
		_, err := s.CreateSubscription(t.Context(), active("sent"))
		var uncertain *store.UncertainError
		if !errors.As(err, &uncertain) || !strings.Contains(err.Error(), `creating subscription "sent"`) || c.count() != 1 {
			t.Errorf("got %v, want an UncertainError", err)
		}
		// And indeed it was done, or will be in a moment.
		_, err = direct.GetSubscription(t.Context(), "sent")
		for began := time.Now(); err != nil && time.Since(began) < 5*time.Second; {
			time.Sleep(5 * time.Millisecond)
			_, err = direct.GetSubscription(t.Context(), "sent")
		}
		if err != nil {
			t.Error(err)
		}
		// The next one does not suffer.
		if err := s.PutSubscription(t.Context(), active("next")); err != nil {
			t.Error(err)
		}
	})
	t.Run("while reading", func(t *testing.T) {
		c.arm("ORDER BY id", false)
		if subs, err := s.ListSubscriptions(t.Context()); err != nil || len(subs) == 0 || c.count() != 1 {
			t.Errorf("%v, %v, %d cuts", subs, err, c.count())
		}
	})
	t.Run("a server that is silent", func(t *testing.T) {
		c.setStall(true)
		defer c.setStall(false)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := s.ListSubscriptions(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestPostgresSlow: a caller that does not wait longer gets an answer, and what
// it wanted is not done later.
func TestPostgresSlow(t *testing.T) {
	d := testenv.Postgres(t)
	s := openWith(t, postgresOptions(d))
	held := make(chan struct{})
	go func() {
		defer close(held)
		d.Exec(t, "BEGIN; SELECT 1 FROM cloister.state FOR UPDATE; SELECT pg_sleep(0.8); COMMIT")
	}()
	time.Sleep(200 * time.Millisecond) // until it holds the lock
	for name, stop := range map[string]func() (context.Context, context.CancelFunc){
		"a deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 100*time.Millisecond)
		},
		"a caller that goes away": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := stop()
		began := time.Now()
		err := s.PutSubscription(ctx, active(name))
		if !errors.Is(err, ctx.Err()) || time.Since(began) > 500*time.Millisecond {
			t.Errorf("%s: after %v: %v", name, time.Since(began), err)
		}
		cancel()
	}
	<-held
	time.Sleep(50 * time.Millisecond)
	if subs, err := s.ListSubscriptions(t.Context()); err != nil || len(subs) > 0 {
		t.Errorf("done after all: %v, %v", subs, err)
	}
	if err := s.PutSubscription(t.Context(), active("next")); err != nil {
		t.Error(err)
	}
}

// TestPostgresRestart: while the server is away nothing is answered, and
// followers hear again when it is back.
func TestPostgresRestart(t *testing.T) {
	server := testenv.NewPostgresServer(t, testenv.PostgresOptions{})
	s := openWith(t, postgresOptions(server.Create(t)))
	if err := s.PutSubscription(t.Context(), active("a")); err != nil {
		t.Fatal(err)
	}
	heard := make(chan store.Changes, 10)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Watch(ctx, 0, func(c store.Changes) error { heard <- c; return nil }) }()
	<-heard

	server.Crash(t)
	if err := s.PutSubscription(t.Context(), active("b")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("put: %v, want ErrUnavailable", err)
	}
	time.Sleep(300 * time.Millisecond)
	if age := time.Since(s.Heard()); age < 250*time.Millisecond {
		t.Errorf("heard %v ago from a server that is down", age)
	}
	server.Start(t)
	if _, err := s.GetSubscription(t.Context(), "a"); err != nil {
		t.Errorf("acknowledged before the crash: %v", err)
	}
	if err := s.PutSubscription(t.Context(), active("c")); err != nil {
		t.Errorf("put: %v", err)
	}
	select {
	case c := <-heard:
		if len(c.Subscriptions) != 1 || c.Subscriptions[0].ID != "c" {
			t.Errorf("heard %+v", c)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing is heard after the restart")
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestPostgresUnsafeServer: a server that loses what it acknowledges is refused,
// also when it becomes one later.
func TestPostgresUnsafeServer(t *testing.T) {
	server := testenv.NewPostgresServer(t, testenv.PostgresOptions{})
	d := server.Create(t)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		server.Configure(t, setting+" = off")
		server.Reload(t)
		time.Sleep(100 * time.Millisecond)
		refusedWith(t, postgresOptions(d), setting+" = off", "set "+setting+" = on", d.Addr())
		server.Configure(t, setting+" = on")
		server.Reload(t)
		time.Sleep(100 * time.Millisecond)
	}
	openWith(t, postgresOptions(d))
}

func TestPostgresRefusals(t *testing.T) {
	d := testenv.Postgres(t)
	good := func() store.Options { return postgresOptions(d) }

	opt := good()
	opt.KEK = nil
	refusedWith(t, opt, "needs a key-encryption key", "state.encryption")

	opt = good()
	opt.Postgres.Password = func(context.Context) (string, error) { return "wrong", nil }
	refusedWith(t, opt, "password authentication failed", "state.postgres")

	opt = good()
	opt.Postgres.Database = "nowhere"
	refusedWith(t, opt, "nowhere", "state.postgres")

	opt = good()
	opt.Postgres.Port = testenv.Port(t)
	refusedWith(t, opt, "does not answer", "see that PostgreSQL runs")

	s := openWith(t, good())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opt = good()
	opt.KEK = &storetest.KEK{Name: "other"}
	refusedWith(t, opt, `sealed with the key-encryption key "kek"`, `"other"`)

	d.Exec(t, "DELETE FROM cloister.keyring")
	refusedWith(t, good(), "its keyring is missing", "backup")
	d.Exec(t, "INSERT INTO cloister.migration VALUES (9, 'grants', 0)")
	refusedWith(t, good(), `step 9 "grants"`, "run the version that wrote it")
}

// TestPostgresNoOwner: a role that may not make the schema says so.
func TestPostgresNoOwner(t *testing.T) {
	d := testenv.Postgres(t)
	d.Exec(t, "ALTER DATABASE "+d.Database+" OWNER TO admin")
	refusedWith(t, postgresOptions(d), "permission denied", "owner of the database")
}
