package testenv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresDatabase is an empty database of its own on a PostgreSQL server on
// loopback: what a test has to know to connect to it.
type PostgresDatabase struct {
	// Host is 127.0.0.1.
	Host string
	Port int
	// Database belongs to User, who may do nothing outside it.
	Database, User, Password string
	// CAFile signed the server's certificate for the name localhost; empty:
	// the server speaks no TLS.
	CAFile string
	// Server is what runs it.
	Server *PostgresServer
}

// Addr is Host and Port joined.
func (d *PostgresDatabase) Addr() string { return net.JoinHostPort(d.Host, strconv.Itoa(d.Port)) }

// shared is the one server of a test binary. Making a cluster takes about a
// second; a database on it, a twentieth of that.
var shared struct {
	sync.Mutex
	server *PostgresServer
}

// Postgres gives the test an empty database on the server that all tests of
// its binary share. A test that stops or changes the server wants
// [NewPostgresServer]. The server ends with the test binary, however that ends.
func Postgres(t testing.TB) *PostgresDatabase {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		server := newPostgresServer(t, PostgresOptions{})
		server.start(t)
		shared.server = server
	}
	return shared.server.Create(t)
}

// Create makes an empty database with an owner. It stays until the server
// ends: dropping one costs the server a checkpoint.
func (s *PostgresServer) Create(t testing.TB) *PostgresDatabase {
	t.Helper()
	name := "t_" + randomHex(t, 6)
	d := &PostgresDatabase{
		Host: "127.0.0.1", Port: s.Port, Database: name, User: name, Password: randomHex(t, 12),
		CAFile: s.CAFile, Server: s,
	}
	// Names and the password are hexadecimal: there is nothing to quote.
	s.Exec(t, "CREATE ROLE "+name+" LOGIN PASSWORD '"+d.Password+"'")
	s.Exec(t, "CREATE DATABASE "+name+" OWNER "+name)
	return d
}

// Exec runs one statement as the server's administrator.
func (s *PostgresServer) Exec(t testing.TB, statement string) {
	t.Helper()
	s.exec(t, "postgres", statement)
}

// Exec runs one statement in the database as the server's administrator.
func (d *PostgresDatabase) Exec(t testing.TB, statement string) {
	t.Helper()
	d.Server.exec(t, d.Database, statement)
}

func (s *PostgresServer) exec(t testing.TB, database, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := s.connect(ctx, database)
	if err != nil {
		t.Fatalf("connecting to the test's PostgreSQL: %v\n%s", err, s.log())
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// connect goes through the Unix socket, where the administrator is trusted.
func (s *PostgresServer) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("host=" + s.dir + " port=" + strconv.Itoa(s.Port) +
		" user=admin dbname=" + database + " sslmode=disable")
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

func randomHex(t testing.TB, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// postgresTool finds a program of the server. Debian keeps them out of PATH,
// one directory per version.
func postgresTool(t testing.TB, name string) string {
	t.Helper()
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		t.Fatal(err)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(dirs)))
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "%s of PostgreSQL is not installed; run: sudo make deps", name)
	}
	return path
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
