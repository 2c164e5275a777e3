package testenv

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func dial(t *testing.T, d *PostgresDatabase, password string) (*pgx.Conn, error) {
	t.Helper()
	config, err := pgx.ParseConfig("host=127.0.0.1 user=x dbname=x sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.Port, config.Database, config.User, config.Password = uint16(d.Port), d.Database, d.User, password
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return pgx.ConnectConfig(ctx, config)
}

func TestPostgres(t *testing.T) {
	one, other := Postgres(t), Postgres(t)
	if one.Server != other.Server || one.Database == other.Database {
		t.Errorf("want two databases on one server: %+v %+v", one, other)
	}
	if _, err := dial(t, one, "wrong"); err == nil {
		t.Error("a wrong password was let in")
	}
	conn, err := dial(t, one, one.Password)
	if err != nil {
		t.Fatal(err)
	}
	var fsync string
	if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil || fsync != "on" {
		t.Errorf("fsync is %q, %v", fsync, err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPostgresRestart: what was committed is there after a stop and after a
// crash.
func TestPostgresRestart(t *testing.T) {
	s := NewPostgresServer(t, PostgresOptions{})
	d := s.Create(t)
	d.Exec(t, "CREATE TABLE x (y int)")
	s.Stop(t)
	if _, err := dial(t, d, d.Password); err == nil || s.Running() {
		t.Error("a stopped server answers")
	}
	s.Start(t)
	d.Exec(t, "INSERT INTO x VALUES (1)")
	s.Crash(t)
	s.Start(t)
	d.Exec(t, "DO $$ BEGIN ASSERT (SELECT count(*) FROM x) = 1; END $$")
}
