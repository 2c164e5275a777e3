package gateway

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// The most that an idle connection may hold of the process's memory, heap and
// stacks together, after one request.
const (
	idleHTTP1Bytes = 36 << 10
	idleHTTP2Bytes = 40 << 10
)

// TestIdleConnectionMemory measures idle connections. The clients are another
// process, so that what they hold does not count.
func TestIdleConnectionMemory(t *testing.T) {
	if addr := os.Getenv("CLOISTER_TEST_IDLE"); addr != "" {
		idleClients(t, addr)
		return
	}
	ft := startFront(t)
	for _, row := range []struct {
		proto string
		most  int
	}{{"http/1.1", idleHTTP1Bytes}, {"h2", idleHTTP2Bytes}} {
		const n = 250
		before := heldBytes()
		stop := startIdleClients(t, ft, row.proto, n)
		each := (heldBytes() - before) / n
		t.Logf("%s: %d bytes a connection", row.proto, each)
		if each > row.most || each < 1<<10 {
			t.Errorf("%s: %d bytes a connection, the bound is %d", row.proto, each, row.most)
		}
		stop()
		ft.awaitConnections(t, 0)
	}
}

// heldBytes is what heap and stacks hold once garbage is gone.
func heldBytes() int {
	for range 3 { // what pools hold is gone after two
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// startIdleClients returns when n connections have had their answer.
func startIdleClients(t *testing.T, ft *frontTest, proto string, n int) (stop func()) {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ft.ca.cert.Raw})
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdleConnectionMemory$")
	cmd.Env = append(os.Environ(), "CLOISTER_TEST_IDLE="+ft.addr, "IDLE_CA="+string(ca), "IDLE_PROTO="+proto, "IDLE_COUNT="+strconv.Itoa(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(out)
		t.Fatalf("the clients say %q %q", line, rest)
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}

// idleClients is the other process.
func idleClients(t *testing.T, addr string) {
	block, _ := pem.Decode([]byte(os.Getenv("IDLE_CA")))
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	proto := os.Getenv("IDLE_PROTO")
	cfg := &tls.Config{RootCAs: pool, ServerName: frontTestHost, NextProtos: []string{proto}}
	n, _ := strconv.Atoi(os.Getenv("IDLE_COUNT"))
	for range n {
		conn, err := tls.Dial("tcp", addr, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := askOnce(t, conn, proto); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func askOnce(t *testing.T, conn *tls.Conn, proto string) error {
	if proto == "h2" {
		c := newH2Conn(conn)
		if err := c.WriteSettings(); err != nil {
			return err
		}
		if got := c.get(t); got != 200 {
			return fmt.Errorf("status %d", got)
		}
		return c.WriteRawFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n")
	buf := make([]byte, 4096)
	got, err := conn.Read(buf)
	if err == nil && !strings.HasPrefix(string(buf[:got]), "HTTP/1.1 200") {
		err = fmt.Errorf("%q", buf[:got])
	}
	return err
}
