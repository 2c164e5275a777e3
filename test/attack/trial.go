package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// trial is one attack under way. What an attack notes may come from several
// goroutines.
type trial struct {
	attack
	together bool
	gateway  *gateway
	backend  *backend
	// ctx ends with the time of the attack.
	ctx   context.Context
	began time.Time

	mu    sync.Mutex // guards the rest
	rep   report
	conns []net.Conn
}

// try runs one attack from the start of its gateway to its end.
func (c campaign) try(ctx context.Context, a attack) report {
	t := &trial{attack: a, together: c.together, rep: report{attack: a}}
	began := time.Now()
	if err := t.stand(ctx, c.program); err != nil {
		t.broken("%v", err)
	}
	t.rep.took = time.Since(began)
	return t.rep
}

func (t *trial) stand(ctx context.Context, program string) (err error) {
	if t.backend, err = startBackend(); err != nil {
		return err
	}
	defer t.backend.close()
	if t.gateway, err = startGateway(ctx, program, t.site, t.backend); err != nil {
		return err
	}
	defer func() {
		if e := t.gateway.stop(); e != nil && err == nil {
			err = e
		}
	}()
	return t.measure(ctx)
}

// measure attacks, and watches meanwhile.
func (t *trial) measure(ctx context.Context) error {
	quiet, err := t.gateway.atRest(t.backend)
	if err != nil {
		return err
	}
	good, err := t.gateway.startGood()
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	watch := t.gateway.watch()

	ctx, cancel := context.WithTimeout(ctx, attackTime)
	t.ctx, t.began = ctx, time.Now()
	t.attack.run(t)
	ended := time.Now()
	cancel()
	t.hangUp()

	time.Sleep(time.Second) // what breaks late breaks here
	if t.rep.good, err = good.stop(); err != nil {
		t.broken("%v", err)
	}
	t.rep.peak = t.gateway.peakMemory()
	silent := watch()
	t.settle(quiet, ended)
	t.judge(silent)
	return nil
}

// settle waits until the gateway is as it was.
func (t *trial) settle(before rest, ended time.Time) {
	const slack = 10 // goroutines that come and go
	var now rest
	for deadline := ended.Add(quietTime + time.Second); ; time.Sleep(100 * time.Millisecond) {
		var err error
		t.backend.dropIdle()
		now, err = t.gateway.rest()
		if err == nil && now.connections == 0 && now.goroutines <= before.goroutines+slack {
			return
		}
		if time.Now().After(deadline) {
			t.broken("%v after the attack: %d connections and %d goroutines, before it %d (%v)",
				quietTime, now.connections, now.goroutines, before.goroutines, err)
			return
		}
	}
}

// judge holds what was seen to the bounds.
func (t *trial) judge(silent []string) {
	t.rep.calls = t.backend.calls(attackers)
	for _, b := range t.rep.breaches(!t.together) {
		t.broken("%s", b)
	}
	if len(silent) > 0 {
		t.broken("the probe failed %d times: %s", len(silent), silent[0])
	}
	select {
	case <-t.gateway.done:
		t.broken("the gateway ended: %s", t.gateway.log)
	default:
	}
}

// broken notes that something does not hold.
func (t *trial) broken(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rep.broken = append(t.rep.broken, fmt.Sprintf(format, args...))
}

// borne notes how long the gateway bore an attacker; the longest counts.
func (t *trial) borne(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rep.gone = max(t.rep.gone, d)
}

// streams notes how many streams one attacker has opened; the most count.
func (t *trial) streamed(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rep.streams, t.rep.countsStreams = max(t.rep.streams, n), true
}

// note adds to what the table says of the attack.
func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rep.note = strings.TrimPrefix(t.rep.note+"; "+fmt.Sprintf(format, args...), "; ")
}

// attackerAddress is the address of the n-th attacker: a /24 of its own, away
// from the well-behaved client's.
func attackerAddress(n int) net.IP { return net.IPv4(127, 0, 1, byte(1+n%200)) }

// connect opens a TCP connection as the n-th attacker.
func (t *trial) connect(n int) (net.Conn, error) { return t.connectBy(n, nil) }

func (t *trial) connectBy(n int, control func(network, address string, c syscall.RawConn) error) (net.Conn, error) {
	d := net.Dialer{Control: control, LocalAddr: &net.TCPAddr{IP: attackerAddress(n)}, Timeout: 10 * time.Second}
	conn, err := d.DialContext(t.ctx, "tcp", t.gateway.address())
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.conns = append(t.conns, conn)
	}
	return conn, err
}

// hangUp closes what the attackers have left open.
func (t *trial) hangUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		c.Close()
	}
}

// dial opens a TLS connection as the n-th attacker.
func (t *trial) dial(n int, protocol string) (*tls.Conn, error) {
	raw, err := t.connect(n)
	if err != nil {
		return nil, err
	}
	return t.secure(raw, protocol)
}

// dialDeaf is dial with the smallest receive buffer, so that what is not read
// soon shows on the other side.
func (t *trial) dialDeaf(n int, protocol string) (*tls.Conn, error) {
	raw, err := t.connectBy(n, func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		})
		return errors.Join(err, failed)
	})
	if err != nil {
		return nil, err
	}
	return t.secure(raw, protocol)
}

func (t *trial) secure(raw net.Conn, protocol string) (*tls.Conn, error) {
	conn := tls.Client(raw, &tls.Config{RootCAs: t.gateway.roots, ServerName: "localhost", NextProtos: []string{protocol}})
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}
