package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

func escape(s string) string { return url.QueryEscape(s) }

// Where the gateway's own things lie.
const (
	gatewaySite  = labDir + "/site"
	gatewayState = labDir + "/state"
	gatewayLog   = labDir + "/gateway.log"
	accessLog    = labDir + "/access.log"
	gatewayReady = "127.0.0.1:9443"
)

// labKey is the variable that tells the gateway, and commands, the key of a
// subscription that the lab adds to the site.
const (
	labKey          = "CLOISTER_API_KEY"
	labSubscription = "cloister-lab"
	labDeployment   = "gpt-4o"
)

// lifetime of the lab's authorities: longer than a lab, and long enough that no
// certificate is said to end soon.
const lifetime = 90 * 24 * time.Hour

// gatewayTimeout bounds how long the gateway may take to be ready.
const gatewayTimeout = 20 * time.Second

// furnish brings up what stands in the hosts.
func (n *inner) furnish() error {
	if err := n.serveNames(); err != nil {
		return err
	}
	if !n.setup.Serve {
		return nil
	}
	if err := n.serveServices(); err != nil {
		return err
	}
	h := n.plan.Gateway()
	if h == nil {
		n.details.Notes = append(n.details.Notes, "No gateway runs: network.subnet in cloister.yaml names no subnet.")
		return nil
	}
	return n.startGateway(h)
}

// startGateway runs this program's "serve" in the gateway's host, on a copy of
// the site in which the state, the authority and the listeners are the lab's.
func (n *inner) startGateway(h *Host) error {
	key := nonce()
	if err := n.copySite(h); err != nil {
		return fmt.Errorf("the gateway's copy of the site: %w", err)
	}
	names, err := n.authority(h)
	if err != nil {
		return err
	}
	n.details.Environment = []string{
		"CLOISTER_URL=https://" + names[0], "CLOISTER_DEPLOYMENT=" + labDeployment, labKey + "=" + key,
	}
	for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"} {
		n.details.Environment = append(n.details.Environment, name+"="+caFile)
	}
	log, err := os.OpenFile(gatewayLog, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	c := &running{}
	err = n.launch(c, &execRequest{
		Host: h.Name, Path: cmp.Or(n.setup.Program, "/proc/self/exe"), Argv: []string{"cloister", "serve", gatewaySite}, Dir: gatewaySite, Bare: true,
		Env: append(os.Environ(), labKey+"="+key, "SSL_CERT_FILE="+caFile),
	}, []*os.File{null, log, log})
	null.Close()
	log.Close()
	if err != nil {
		return fmt.Errorf("the gateway: %w", err)
	}
	if err := n.awaitGateway(h, c); err != nil {
		return err
	}
	n.details.Notes = append(n.details.Notes, "The gateway answers at https://"+names[0]+"; in its subnet its log is "+gatewayLog+",", "and "+accessLog+" its access records.")
	go func() { // for as long as the process lives
		for status := range c.status {
			if status.Exited() || status.Signaled() {
				fmt.Fprintf(os.Stderr, "cloister lab: the gateway has ended:\n%s", tail(gatewayLog))
			}
		}
	}()
	return nil
}

// awaitGateway waits until it is ready.
func (n *inner) awaitGateway(h *Host, c *running) error {
	ctx, cancel := context.WithTimeout(context.Background(), gatewayTimeout)
	defer cancel()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
			err = in(n.fabric.hosts[h.Name], func() (err error) {
				conn, err = new(net.Dialer).DialContext(ctx, "tcp4", gatewayReady)
				return err
			})
			return conn, err
		},
	}}
	for {
		if r, err := client.Get("http://" + gatewayReady + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case status := <-c.status:
			var why fromCommand
			if c.failed.receive(&why) == nil && why.Err != "" {
				return fmt.Errorf("the gateway could not be run: %s", why.Err)
			}
			return fmt.Errorf("the gateway ended with exit code %d before it was ready:\n%s", status.ExitStatus(), tail(gatewayLog))
		case <-ctx.Done():
			return fmt.Errorf("the gateway is not ready after %v:\n%s", gatewayTimeout, tail(gatewayLog))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tail is the end of a file.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	const most = 4 << 10
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(f, most))
	return string(text)
}

// authority makes the CA of the gateway's own names. The first of them is that by
// which it is called.
func (n *inner) authority(h *Host) (names []string, err error) {
	opt := issue.Options{Name: "Cloister lab gateway", Lifetime: lifetime}
	for _, host := range n.site.Config.Hostnames {
		if _, err := netip.ParseAddr(host.Name); err == nil {
			continue
		}
		opt.PermittedDNS = append(opt.PermittedDNS, strings.TrimPrefix(host.Name, "*."))
		if host.Name != "localhost" && !strings.HasPrefix(host.Name, "*") {
			names = append(names, host.Name)
		}
	}
	for _, a := range h.Addrs {
		opt.PermittedIPs = append(opt.PermittedIPs, netip.PrefixFrom(a, a.BitLen()))
		name := a.String()
		if a.Is6() {
			name = "[" + name + "]"
		}
		names = append(names, name)
	}
	ca, err := issue.InitCA(filepath.Join(gatewayState, "ca"), opt)
	if err != nil {
		return nil, err
	}
	before, err := os.ReadFile(caFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return names, os.WriteFile(caFile, slices.Concat(before, ca.PEM()), 0o644)
}

// copySite lays the site's files into a directory of the lab, with another
// cloister.yaml among them.
func (n *inner) copySite(h *Host) error {
	for _, dir := range []string{gatewaySite, gatewayState} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	list, err := os.ReadDir(n.setup.Site)
	if err != nil {
		return err
	}
	for _, e := range list {
		from, to := filepath.Join(n.setup.Site, e.Name()), filepath.Join(gatewaySite, e.Name())
		if e.Name() == "state" || e.Name() == "cloister.yaml" || e.Name() == "cloister.yml" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(from) // the loader refuses a link that leads outside; here it is one
		if err != nil {
			continue
		}
		if info.IsDir() {
			err = os.Mkdir(to, 0o700)
		} else if info.Mode().IsRegular() {
			err = os.WriteFile(to, nil, 0o600)
		} else {
			continue
		}
		if err == nil {
			err = unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	name := "cloister.yaml"
	data, ok := n.site.Files[name]
	if !ok {
		data = n.site.Files["cloister.yml"]
	}
	config, err := override(data, h)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(gatewaySite, name), config, 0o600)
}

// override changes what of cloister.yaml is about the machine and not about the
// site.
func override(data []byte, h *Host) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("cloister.yaml is no mapping")
	}
	root := doc.Content[0]
	for _, name := range []string{"audit", "admin", "telemetry", "state", "health", "names"} {
		without(root, name)
	}
	var listeners []map[string]any
	hostnames := member(root, "hostnames", yaml.SequenceNode)
	for _, name := range hostnames.Content { // a certificate of theirs would have no name here that leads to it
		without(name, "certificate")
		without(name, "key")
	}
	for _, a := range h.Addrs {
		listeners = append(listeners, map[string]any{"address": a.String(), "port": 443})
		if !named(hostnames, a.String()) {
			entry := map[string]any{"name": a.String()}
			if len(hostnames.Content) == 0 {
				entry["default"] = true
			}
			hostnames.Content = append(hostnames.Content, node(entry))
		}
	}
	subscriptions := member(root, "subscriptions", yaml.SequenceNode)
	subscriptions.Content = append(subscriptions.Content, node(map[string]any{
		"name": labSubscription, "scope": "/apis", "primaryKey": map[string]any{"env": labKey},
	}))
	for name, value := range map[string]any{
		"listeners": listeners, "health": map[string]any{"address": gatewayReady}, "state": map[string]any{"directory": gatewayState},
		"telemetry": map[string]any{"accessLog": accessLog}, "drainTimeout": "1s",
	} {
		without(root, name)
		root.Content = append(root.Content, node(name), node(value))
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	err := e.Encode(&doc)
	return out.Bytes(), errors.Join(err, e.Close())
}

// node is a value as YAML. The values are ours: they can be encoded.
func node(v any) *yaml.Node {
	n := new(yaml.Node)
	if err := n.Encode(v); err != nil {
		n.SetString(fmt.Sprint(v))
	}
	return n
}

// member is the value of a mapping's member, made where it is not there.
func member(mapping *yaml.Node, name string, kind yaml.Kind) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name && mapping.Content[i+1].Kind == kind {
			return mapping.Content[i+1]
		}
	}
	without(mapping, name)
	value := &yaml.Node{Kind: kind}
	mapping.Content = append(mapping.Content, node(name), value)
	return value
}

func without(mapping *yaml.Node, name string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

func named(hostnames *yaml.Node, name string) bool {
	return slices.ContainsFunc(hostnames.Content, func(n *yaml.Node) bool {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "name" {
				return n.Content[i+1].Value == name
			}
		}
		return false
	})
}
