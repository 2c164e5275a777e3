package app

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// TestProbesTakeFew: whoever opens connections to the probes takes no place
// from another client, and callers do not notice.
func TestProbesTakeFew(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	at := g.Health().String()
	open := 0
	var conns []net.Conn
	for range 60 {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for _, c := range conns {
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			open++
		}
	}
	if open == 0 || open > fewPerClient {
		t.Errorf("%d connections of one client are open", open)
	}
	other := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)}}).DialContext,
	}}
	resp, err := other.Get("http://" + at + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("another client: %s", resp.Status)
	}
	if got := g.with(t, teamKey); got != 200 {
		t.Errorf("a caller: %d", got)
	}
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "the places are given back", func() bool {
		resp, err := http.Get("http://" + at + "/livez")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
}
