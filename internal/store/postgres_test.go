package store_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// postgresOptions reach a database as the gateway would, by dial.
func postgresOptions(d *testenv.PostgresDatabase) store.Options {
	return store.Options{
		KEK: &storetest.KEK{Name: "kek"},
		Postgres: &store.Postgres{
			Host: d.Host, Port: d.Port, Database: d.Database, User: d.User,
			Password: func(context.Context) (string, error) { return d.Password, nil },
			Dial:     (&net.Dialer{}).DialContext,
		},
	}
}

func postgresPlace(t *testing.T) storetest.Place {
	d := testenv.Postgres(t)
	return storetest.Place{
		Dir: filepath.Join(t.TempDir(), "state"), Options: postgresOptions(d),
		Exec: func(t testing.TB, statement string) {
			t.Helper()
			d.Exec(t, "SET search_path = cloister; "+statement)
		},
	}
}

func TestPostgresConformance(t *testing.T) { storetest.Run(t, postgresPlace) }
