package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// door is what a client has to know of a gateway.
type door struct {
	port  int
	roots *x509.CertPool
}

func (d door) address() string { return loopback(d.port) }

// gateway is "cloister serve" on a site of its own.
type gateway struct {
	door
	dir string
	// mounted: the audit log has a file system of its own.
	mounted bool
	health  int
	cmd     *exec.Cmd
	log     *output
	done    chan struct{}
	probe   *http.Client
}

// output collects what a process prints; it is read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is the end of it: an attack fills logs.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.b.Bytes()
	return string(b[max(0, len(b)-2000):])
}

func startGateway(ctx context.Context, program string, opt siteOptions, b *backend) (*gateway, error) {
	dir, err := os.MkdirTemp("", "cloister-attack-")
	if err != nil {
		return nil, err
	}
	g := &gateway{
		dir: dir, log: &output{}, done: make(chan struct{}),
		// A connection for each question: one that is kept would hide that no
		// other is accepted.
		probe: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	if err := g.start(ctx, program, opt, b); err != nil {
		return nil, errors.Join(err, g.remove())
	}
	return g, nil
}

func (g *gateway) start(ctx context.Context, program string, opt siteOptions, b *backend) (err error) {
	if g.port, g.health, err = freePorts(); err != nil {
		return err
	}
	if err := writeSite(g.dir, opt, g.port, g.health, b); err != nil {
		return err
	}
	ca := filepath.Dir(g.caFile())
	if _, err := issue.InitCA(ca, issue.Options{
		Name: "attack", PermittedDNS: []string{"localhost"}, PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}); err != nil {
		return err
	}
	if g.roots, err = readRoots(g.caFile()); err != nil {
		return err
	}
	if opt.auditSize != "" {
		if err := g.mountAudit(opt.auditSize); err != nil {
			return err
		}
	}
	args := []string{program, "serve", g.dir}
	if opt.files > 0 {
		args = append([]string{"prlimit", fmt.Sprintf("--nofile=%d:%[1]d", opt.files)}, args...)
	}
	g.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	g.cmd.Env = append(os.Environ(), opt.env...)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	// An attack that is killed leaves no gateway behind.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		return err
	}
	go func() {
		g.cmd.Wait()
		close(g.done)
	}()
	if err := g.awaitReady(); err != nil {
		g.cmd.Process.Kill()
		<-g.done
		return err
	}
	return nil
}

func (g *gateway) awaitReady() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := g.ask("/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-g.done:
			return fmt.Errorf("the gateway does not start: %s", g.log)
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the gateway is not ready: %w", err)
		}
	}
}

// stop ends the gateway and removes its site.
func (g *gateway) stop() error {
	g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended: judge says so
	select {
	case <-g.done:
		return g.remove()
	case <-time.After(20 * time.Second):
		g.cmd.Process.Kill()
		<-g.done
		return errors.Join(errors.New("the gateway did not end within 20 s of SIGTERM"), g.remove())
	}
}

// caFile is the certificate of the site's own CA.
func (g *gateway) caFile() string { return filepath.Join(g.dir, "state", "ca", issue.CertificateFile) }

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return roots, nil
}

// ask gets a path of the health address.
func (g *gateway) ask(path string) (string, error) {
	resp, err := g.probe.Get("http://" + loopback(g.health) + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(body), err
}

// metric is the value of one series.
func (g *gateway) metric(series string) (int, error) {
	text, err := g.ask("/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int(f), err
		}
	}
	return 0, fmt.Errorf("no metric %s", series)
}

// rest is what a gateway has open.
type rest struct{ connections, goroutines int }

func (g *gateway) rest() (rest, error) {
	connections, errC := g.metric("cloister_connections_open")
	goroutines, errG := g.metric("go_goroutines")
	return rest{connections, goroutines}, errors.Join(errC, errG)
}

// atRest is a gateway that has answered once and has nothing to do.
func (g *gateway) atRest(b *backend) (rest, error) {
	client := newClient(g.door, false)
	defer client.CloseIdleConnections()
	if err := chat(context.Background(), client, g.door, goodKey, "good"); err != nil {
		return rest{}, fmt.Errorf("before the attack: %w\n%s", err, g.log)
	}
	client.CloseIdleConnections()
	b.dropIdle()
	time.Sleep(300 * time.Millisecond)
	return g.rest()
}

// peakMemory is the most memory that was resident, in MiB, without the pages of
// the program's own file, which are the kernel's to take back; 0: the process is
// no more.
func (g *gateway) peakMemory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	kib := func(name string) int {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, name+":"); ok {
				n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
				if err == nil {
					return n
				}
			}
		}
		return 0
	}
	return max(0, kib("VmHWM")-kib("RssFile")) >> 10
}

// watch asks the probe until the returned function is called, which says what
// went wrong.
func (g *gateway) watch() (stop func() []string) {
	end, done := make(chan struct{}), make(chan []string, 1)
	go func() {
		var failures []string
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				done <- failures
				return
			case <-tick.C:
			}
			if _, err := g.ask("/livez"); err != nil {
				failures = append(failures, err.Error())
			}
		}
	}()
	return func() []string {
		close(end)
		return <-done
	}
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// freePorts are two loopback ports that were free a moment ago.
func freePorts() (one, two int, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer a.Close() // after the other is known: the same is not given twice
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer b.Close()
	return a.Addr().(*net.TCPAddr).Port, b.Addr().(*net.TCPAddr).Port, nil
}
