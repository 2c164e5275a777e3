package app

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/cloister-ai/cloister/internal/testenv"
)

// addressCheckOff is the hook of the egress package, see there.
//
//go:linkname addressCheckOff github.com/cloister-ai/cloister/internal/network/egress.addressCheckOff
var addressCheckOff bool

// outsideEnv tells TestNothingLeaves that it runs in its namespaces; it holds the network
// namespace that it came from.
const outsideEnv = "CLOISTER_OUTSIDE_NAMESPACE"

// TestNothingLeaves: whatever policies, redirects, DNS answers, callers and configuration
// try, no packet leaves the gateway's machine for an address that is not private. A
// counter on its outer interface stays at zero; with the address check switched off
// it counts packets for every attempt that this check stops, so that the counter and
// the attempts are shown to work.
func TestNothingLeaves(t *testing.T) {
	here, err := os.Readlink("/proc/self/ns/net")
	must(t, err)
	if was := os.Getenv(outsideEnv); was != "" {
		if was == here {
			t.Fatal("this is not a namespace of its own")
		}
		outsideInNamespace(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingLeaves$", "-test.count=1", "-test.v", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), outsideEnv+"="+here, "GODEBUG=netdns=cgo+go", "NO_PROXY=", "no_proxy=")
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, v+"=http://"+proxyAddr+":3128", strings.ToLower(v)+"=http://"+proxyAddr+":3128")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		testenv.Missing(t, "this user may not make network namespaces: %v", err)
	}
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNothingLeaves (") {
		t.Errorf("in the namespace: %v", err)
	}
}

func outsideInNamespace(t *testing.T) {
	makeOutside(t)
	bindFile(t, "/etc/resolv.conf", "nameserver 93.184.5.7\nsearch search.example\n")
	bindFile(t, "/etc/hosts", "127.0.0.1 localhost\n93.184.1.13 model-hosts.example.com\n")
	var attempts []attempt
	attempts = append(attempts, policyAttempts()...)
	attempts = append(attempts, answeredAttempts()...)
	attempts = append(attempts, answerAttempts()...)
	attempts = append(attempts, siteAttempts()...)
	w := &world{t: t}
	seen := map[string]bool{}
	for _, a := range attempts {
		if seen[a.name] {
			t.Fatalf("two attempts are called %q", a.name)
		}
		seen[a.name] = true
		if a.dns != nil {
			w.names = append(w.names, *a.dns)
		}
	}
	if len(attempts) < 30 {
		t.Fatalf("%d attempts, at least 30", len(attempts))
	}
	w.makeSite()
	t.Run("checked", func(t *testing.T) { w.phase(t, attempts, true) })
	addressCheckOff = true
	defer func() { addressCheckOff = false }()
	t.Run("unchecked", func(t *testing.T) { w.phase(t, attempts, false) })
}

// phase tries everything once, on a gateway of its own.
func (w *world) phase(t *testing.T, attempts []attempt, checked bool) {
	began := time.Now()
	w.t = t
	w.reset()
	counter := countPackets(t)
	w.running = w.site.start(t)
	counted := 0
	for _, a := range attempts {
		w.begin()
		logged := len(w.log.String())
		to := netip.MustParseAddr(a.to).Unmap()
		before := counter.to(to)
		said := a.run(w)
		missing := ""
		for range 100 { // what happens behind an answer
			missing = lacks(said+w.refused()+w.log.String()[logged:], a.want)
			if missing == "" {
				break
			}
			time.Sleep(10 * time.Millisecond)
			if !checked && a.earlier == "" {
				break
			}
		}
		open := !checked && a.earlier == ""
		if open {
			for range 300 {
				if counter.to(to) > before {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		n := counter.to(to) - before
		what := fmt.Sprintf("%s (to %s): %s%s", a.name, a.to, strings.TrimSpace(said), w.refused()+w.log.String()[logged:])
		switch {
		case open && n == 0:
			t.Errorf("without the check, no packet: %s", what)
		case !open && n != 0:
			t.Errorf("%d packets: %s", n, what)
		case !open && missing != "":
			t.Errorf("it does not say %q: %s", missing, what)
		}
		if open && n > 0 {
			counted++
		}
		t.Logf("%-60s %-18s %3d packets; %s", a.name, a.to, n, a.earlier)
	}
	time.Sleep(200 * time.Millisecond)
	sum, by := counter.all()
	if checked && sum != 0 {
		t.Errorf("%d packets: %s", sum, by)
	}
	t.Logf("%d attempts, %d packets, %d attempts with packets, %v", len(attempts), sum, counted, time.Since(began).Round(time.Millisecond))
}

// lacks is the first part that the text does not have.
func lacks(text string, parts []string) string {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return p
		}
	}
	return ""
}
