package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloister-ai/cloister/internal/lab"
	"github.com/cloister-ai/cloister/internal/testenv"
)

var update = flag.Bool("update", false, "write golden files and pages anew")

// TestMain lets the test binary be the program as well: scripts run it as
// "cloister", and its coverage counts.
func TestMain(m *testing.M) {
	lab.Main() // its own processes have other names
	testscript.Main(m, map[string]func(){
		"cloister": func() {
			os.Exit(Main(context.Background(), os.Args[1:], Env{
				Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
				Signals: Signals, Version: "1.2.3", Commit: "0123456789abcdef",
			}))
		},
	})
}

// TestScripts runs the commands as a user does; the scripts are in
// testdata/script.
func TestScripts(t *testing.T) {
	_, openssl := testenv.Find(t, "openssl")
	_, ptyErr := os.Stat("/dev/ptmx")
	pty := ptyErr == nil
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "openssl":
				return openssl, nil
			case "lab":
				return labHere(t), nil
			case "pty":
				return pty, nil
			case "root":
				return runtime.GOOS == "linux" && os.Getuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": awaitCommand, "call": callCommand, "signal": signalCommand, "tlsserver": tlsServerCommand,
			"busyport": busyPortCommand, "manager": managerCommand, "replace": replaceCommand, "mode": modeCommand,
			"knows": knowsCommand, "stranger": strangerCommand, "smalldisk": smallDiskCommand,
			"freeport": freePortCommand, "fingerprint": fingerprintCommand,
		},
	})
}

// scriptTimeout bounds every wait of a script.
const scriptTimeout = 30 * time.Second

// awaitCommand is "await FILE REGEXP": waits until the file matches, and sets
// a variable for every named group.
func awaitCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	var text []byte
	for end := time.Now().Add(scriptTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if text, err = os.ReadFile(ts.MkAbs(args[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		match := pattern.FindSubmatch(text)
		if match == nil {
			continue
		}
		for i, name := range pattern.SubexpNames() {
			if name != "" {
				ts.Setenv(name, string(match[i]))
			}
		}
		return
	}
	ts.Fatalf("%s does not match %s:\n%s", args[0], args[1], text)
}

// callCommand is "call [-ip] CAFILE URL STATUS [NAME:VALUE...]": one GET over a
// connection of its own, whose answer has to have the status. The URL's host is
// an address; the certificate has to be localhost's, or with -ip the address's.
func callCommand(ts *testscript.TestScript, neg bool, args []string) {
	byAddress := len(args) > 0 && args[0] == "-ip"
	if byAddress {
		args = args[1:]
	}
	if neg || len(args) < 3 {
		ts.Fatalf("usage: call [-ip] CAFILE URL STATUS [NAME:VALUE...]")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(args[0]))) {
		ts.Fatalf("%s holds no certificate", args[0])
	}
	req, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	if !byAddress {
		transport.TLSClientConfig.ServerName = "localhost"
		req.Host = "localhost:" + req.URL.Port()
	}
	for _, h := range args[3:] {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: transport, Timeout: scriptTimeout}
	resp, err := client.Do(req)
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[2] {
		ts.Fatalf("status %d, not %s: %s", resp.StatusCode, args[2], body)
	}
}

// signalCommand is "signal NAME PIDFILE".
func signalCommand(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM}
	if neg || len(args) != 2 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP|INT|TERM PIDFILE")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signals[args[0]]))
}

// tlsServerCommand is "tlsserver NAME": a model on loopback that answers 200,
// its certificate in NAME.pem and its port in the variable NAME.
func tlsServerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tlsserver NAME")
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // probes hang up
	s.StartTLS()
	ts.Defer(s.Close)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), cert, 0o644))
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// busyPortCommand is "busyport NAME": a loopback port on which somebody else
// listens.
func busyPortCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: busyport NAME")
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ln.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// managerCommand is "manager FILE": a service manager, which writes to the file
// what it is told, and sets NOTIFY_SOCKET.
func managerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: manager FILE")
	}
	dir, err := os.MkdirTemp("", "notify") // short enough for a socket's path
	ts.Check(err)
	socket := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			fmt.Fprintf(f, "%s\n--\n", b[:n])
		}
	}()
	ts.Defer(func() {
		conn.Close()
		<-done
		f.Close()
		os.RemoveAll(dir)
	})
	ts.Setenv("NOTIFY_SOCKET", socket)
}

// replaceCommand is "replace FILE OLD NEW": OLD has to be there. "\n" in NEW is
// a line break.
func replaceCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s lacks %q", args[0], args[1])
	}
	text = strings.Replace(text, args[1], strings.ReplaceAll(args[2], `\n`, "\n"), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// modeCommand is "mode OCTAL FILE...".
func modeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode OCTAL FILE...")
	}
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, not %s", name, got, args[0])
		}
	}
}
