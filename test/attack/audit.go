package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// auditDir is where the gateway writes its audit log.
func (g *gateway) auditDir() string { return filepath.Join(g.dir, "state", "audit") }

// mountAudit gives the audit log a file system of its own.
func (g *gateway) mountAudit(size string) error {
	if err := os.MkdirAll(g.auditDir(), 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", g.auditDir(), "tmpfs", 0, "mode=0700,size="+size); err != nil {
		return fmt.Errorf("a file system that can be filled (needs root): %w", err)
	}
	g.mounted = true
	return nil
}

// growAudit makes room on it.
func (g *gateway) growAudit(size string) error {
	return syscall.Mount("tmpfs", g.auditDir(), "tmpfs", syscall.MS_REMOUNT, "mode=0700,size="+size)
}

// remove takes the site from the disk.
func (g *gateway) remove() error {
	var err error
	if g.mounted {
		err = syscall.Unmount(g.auditDir(), 0)
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// needsRoot reports whether the attack mounts a file system.
func (a attack) needsRoot() bool { return a.site.auditSize != "" }

// auditFull asks until the audit log has no room, sees that nobody is served
// without evidence, makes room, and sees that everybody is served again.
func auditFull(t *trial) {
	client := t.client(0, true)
	defer client.CloseIdleConnections()
	asked, status, body := 0, http.StatusOK, ""
	for ; status == http.StatusOK && t.ctx.Err() == nil; asked++ {
		status, body = t.askOnce(client)
	}
	t.note("%d requests filled 1 MiB, then %d %.120q", asked-1, status, body)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "cannot record") {
		t.broken("with the audit log full: %d %.200q, want 503 and a reason", status, body)
		return
	}
	if err := t.until(func() bool { _, err := t.gateway.ask("/readyz"); return err != nil }, 3*time.Second); err != nil {
		t.broken("with the audit log full the gateway says that it is ready")
	}
	for range 20 {
		if status, body := t.askOnce(client); status != http.StatusServiceUnavailable {
			t.broken("with the audit log full somebody is served: %d %.200q", status, body)
		}
	}
	if err := t.gateway.growAudit("64m"); err != nil {
		t.broken("making room: %v", err)
		return
	}
	began := time.Now()
	if err := t.until(func() bool { _, err := t.gateway.ask("/readyz"); return err == nil }, 10*time.Second); err != nil {
		t.broken("10 s after there is room the gateway is not ready")
		return
	}
	t.note("ready %.1f s after there was room", time.Since(began).Seconds())
	t.newcomer()
}

// askOnce is one ordinary request of an attacker's.
func (t *trial) askOnce(client *http.Client) (status int, body string) {
	resp, err := t.send(client, "good2", strings.NewReader(chatBody))
	if err != nil {
		return cutOffStatus, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return cutOffStatus, err.Error()
	}
	return resp.StatusCode, string(b)
}
