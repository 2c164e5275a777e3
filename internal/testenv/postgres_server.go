package testenv

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgresOptions of [NewPostgresServer].
type PostgresOptions struct {
	// TLS lets the server speak TLS with a certificate made for the test.
	TLS bool
	// Settings are further lines of postgresql.conf.
	Settings []string
}

// PostgresServer is a throw-away PostgreSQL on loopback. It runs as nobody
// when the tests run as root, because PostgreSQL refuses root.
type PostgresServer struct {
	// Port on 127.0.0.1; the same after a restart.
	Port int
	// CAFile: see [PostgresDatabase].
	CAFile string

	dir        string
	postgres   string
	credential *syscall.Credential
	keeper     *exec.Cmd
	end        io.WriteCloser // of the keeper: what it reads tells it how to end
}

// keeperScript runs the server and waits for one line, or for the end of the
// test binary, which closes the pipe: no server outlives its tests, not even
// tests that are killed.
const keeperScript = `
"$1" -D "$2/data" >>"$2/log" 2>&1 &
pid=$!
read how
[ -n "$how" ] || how=QUIT
kill -"$how" "$pid"
wait "$pid"
[ "$how" = QUIT ] && rm -rf "$2"
exit 0
`

// NewPostgresServer starts a server of the test's own, which ends with it.
func NewPostgresServer(t testing.TB, opt PostgresOptions) *PostgresServer {
	t.Helper()
	s := newPostgresServer(t, opt)
	s.start(t)
	t.Cleanup(func() {
		if s.Running() {
			s.stop(t, "QUIT")
		}
		if err := os.RemoveAll(s.dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newPostgresServer makes the cluster.
func newPostgresServer(t testing.TB, opt PostgresOptions) *PostgresServer {
	t.Helper()
	s := &PostgresServer{Port: Port(t), postgres: postgresTool(t, "postgres")}
	initdb := postgresTool(t, "initdb")
	dir, err := os.MkdirTemp(postgresBase(), "pg-")
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	s.dropRoot(t)
	cmd := s.command(initdb, "-D", filepath.Join(dir, "data"), "-U", "admin", "--auth-local=trust",
		"--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	settings := append([]string{
		"listen_addresses = '127.0.0.1'", "port = " + strconv.Itoa(s.Port),
		"unix_socket_directories = '" + dir + "'", "fsync = on", "shared_buffers = 16MB", "max_connections = 60",
		"min_wal_size = 16MB", "max_wal_size = 64MB",
	}, opt.Settings...)
	if opt.TLS {
		settings = append(settings, s.certificate(t)...)
	}
	s.Configure(t, settings...)
	return s
}

// postgresBase is where clusters are made. In memory where there is enough of
// it: the tests kill servers, not machines, and every flush to a disk would be
// waited for. Not t.TempDir: the path of a Unix socket has a small bound, and
// the server's user has to be able to walk there.
func postgresBase() string {
	const memory, enough = "/dev/shm", 512 << 20
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) > enough {
		return memory
	}
	return "/tmp"
}

// dropRoot gives the directory to nobody where the tests run as root.
func (s *PostgresServer) dropRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		Missing(t, "no user nobody to run PostgreSQL as: %v", err)
		return
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr, os.Chown(s.dir, int(uid), int(gid))); err != nil {
		t.Fatal(err)
	}
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// command runs as the server's user, in a session of its own: an interrupt at
// the terminal is for the tests, which then end the server.
func (s *PostgresServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.credential}
	return cmd
}

// Configure adds lines to postgresql.conf; they hold from the next start on,
// or from [PostgresServer.Reload] on.
func (s *PostgresServer) Configure(t testing.TB, lines ...string) {
	t.Helper()
	path := filepath.Join(s.dir, "data", "postgresql.conf")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Reload makes the running server read its configuration again.
func (s *PostgresServer) Reload(t testing.TB) {
	t.Helper()
	s.Exec(t, "SELECT pg_reload_conf()")
}

// Start starts the server again after [PostgresServer.Stop].
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	s.start(t)
}

func (s *PostgresServer) start(t testing.TB) {
	t.Helper()
	s.keeper = s.command("/bin/sh", "-c", keeperScript, "keeper", s.postgres, s.dir)
	var err error
	if s.end, err = s.keeper.StdinPipe(); err == nil {
		err = s.keeper.Start()
	}
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	deadline := time.Now().Add(startTimeout)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := s.connect(ctx, "postgres")
		cancel()
		if err == nil {
			_ = conn.Close(context.Background())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the server as its administrator would: connections are cut, what
// was committed is kept.
func (s *PostgresServer) Stop(t testing.TB) {
	t.Helper()
	s.stop(t, "INT")
}

// Crash kills the server at once; [PostgresServer.Start] then recovers.
func (s *PostgresServer) Crash(t testing.TB) {
	t.Helper()
	// Not QUIT, which is the keeper's word for the end of everything.
	s.stop(t, "KILL")
}

func (s *PostgresServer) stop(t testing.TB, how string) {
	t.Helper()
	if !s.Running() {
		return
	}
	_, err := io.WriteString(s.end, how+"\n")
	if err := errors.Join(err, s.end.Close(), s.keeper.Wait()); err != nil {
		t.Errorf("stopping PostgreSQL: %v\n%s", err, s.log())
	}
	s.keeper = nil
}

// Running reports whether the server was started and not stopped.
func (s *PostgresServer) Running() bool { return s.keeper != nil }

func (s *PostgresServer) log() []byte {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(b)
}
