package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// modelHost is a name that the certificates of httptest hold.
const modelHost = "aoai.example.com"

// endpointAt is the private endpoint of modelHost.
func endpointAt(addr, connections string) string {
	return fmt.Sprintf(`- type: Microsoft.Network/virtualNetworks
  name: v
  properties:
    addressSpace: {addressPrefixes: [127.0.9.0/24]}
    subnets: [{name: endpoints, properties: {addressPrefix: 127.0.9.0/25}}]
- type: Microsoft.Network/privateEndpoints
  name: openai
  properties:
    subnet: {id: v/endpoints}
    %s: [{name: c, properties: {privateLinkServiceId: /subscriptions/x/resourceGroups/y/providers/Microsoft.CognitiveServices/accounts/contoso, groupIds: [account]}}]
    customDnsConfigs: [{fqdn: %s, ipAddresses: [%s]}]
`, connections, modelHost, addr)
}

const (
	automatic = "privateLinkServiceConnections"
	manual    = "manualPrivateLinkServiceConnections"
)

// behindEndpoint makes the backend of a site one that is reached by a private
// endpoint at 127.0.9.4.
func behindEndpoint(t *testing.T, s *testSite, connections string) (port string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.9.4:0")
	if err != nil {
		t.Fatal(err)
	}
	old := s.backend
	s.backend = httptest.NewUnstartedServer(old.Config.Handler)
	s.backend.Listener.Close()
	s.backend.Listener = ln
	s.backend.StartTLS()
	t.Cleanup(s.backend.Close)
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	s.write(t, "network/v.yaml", endpointAt("127.0.9.4", connections))
	s.write(t, "cloister.yaml", s.behind("127.0.9.4", port))
	s.write(t, "apim/apis/openai/apiInformation.json", fmt.Sprintf(
		`{"properties":{"displayName":"OpenAI","path":"openai","protocols":["https"],"serviceUrl":"https://%s:%s/openai","subscriptionRequired":true}}`, modelHost, port))
	return port
}

// behind is config with the backend at modelHost, pinned to an address.
func (s *testSite) behind(pinned, port string) string {
	return moved(s.config(""), s.backend.URL, pinned, port)
}

// moved is a configuration whose backend was at a URL and is at modelHost.
func moved(config, from, pinned, port string) string {
	was := from[strings.LastIndexByte(from, ':')+1:]
	config = strings.Replace(config, from, "https://"+modelHost+":"+port, 1)
	return strings.Replace(config, "model: [{host: 127.0.0.1, port: "+was+"}]", "model: [{host: "+modelHost+", port: "+port+", addresses: ["+pinned+"]}]", 1)
}

// TestEndpointWhileServing: what is decided about a private endpoint is in force
// when the door has answered, for requests, open streams, WebSockets and what
// policies call; records name the endpoint and say why.
func TestEndpointWhileServing(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/socket") {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			_ = c.Write(r.Context(), websocket.MessageText, []byte("hello"))
			_, _, _ = c.Read(r.Context())
			return
		}
		endless(w, r)
	}), nil)
	port := behindEndpoint(t, s, manual)
	s.write(t, "cloister.yaml", with(s.behind("127.0.9.4", port), [2]string{"destinations",
		"  call: [{host: " + modelHost + ", port: " + port + ", addresses: [127.0.9.4], caFile: tls/backend.pem}]"}))
	s.write(t, "apim/apis/calls/apiInformation.json", api("calls", `,"serviceUrl":"https://`+modelHost+`:`+port+`/openai","subscriptionRequired":true`))
	s.write(t, "apim/apis/calls/specification.yaml", wildcardSpecification)
	s.write(t, "apim/apis/calls/policy.xml", `<policies><inbound><send-request mode="new" response-variable-name="a" timeout="5" ignore-error="true"><set-url>https://`+modelHost+`:`+port+`/x</set-url><set-method>GET</set-method></send-request>
<return-response><set-status code="@(context.Variables["a"] == null ? 599 : ((IResponse)context.Variables["a"]).StatusCode)" /></return-response></inbound></policies>`)
	g := s.start(t)
	ctx, door := t.Context(), g.operator()
	calls := func() int {
		resp, _ := g.do(t, "GET", "/calls/x", "", nil)
		return resp.StatusCode
	}
	list, err := door.Connections(ctx)
	if err != nil || len(list) != 1 || list[0].State != site.ConnectionPending || list[0].Source != "site" || list[0].Subnet != "v/endpoints" || list[0].Hosts[0] != modelHost {
		t.Fatalf("%+v %v", list, err)
	}
	if got := g.with(t, teamKey); got != 500 {
		t.Errorf("pending: %d", got)
	}
	if got := calls(); got != 599 {
		t.Errorf("pending, a call of a policy: %d", got)
	}
	rec := g.awaitRecords(t, 2)[0]
	if field(rec, "backend.endpoint") != "openai" || field(rec, "backend.address") != nil || fmt.Sprint(rec["reasons"]) != "[backend-connection-failure endpoint-not-approved]" || field(rec, "error.reason") != "BackendConnectionFailure" {
		t.Errorf("%v", rec)
	}
	got, err := door.ApproveConnection(ctx, "OpenAI", admin.DecideConnection{Description: "ticket 7"})
	if err != nil || got.State != site.ConnectionApproved || got.Source != "state" || got.Description != "ticket 7" || !strings.HasPrefix(got.By, "os:") || got.Decided.IsZero() {
		t.Fatalf("%+v %v", got, err)
	}
	if a, b := g.with(t, teamKey), calls(); a != 200 || b != 200 {
		t.Errorf("approved: %d and %d", a, b)
	}
	rec = g.awaitRecords(t, 4)[2]
	if field(rec, "backend.endpoint") != "openai" || field(rec, "backend.address") != "127.0.9.4:"+port {
		t.Errorf("%v", rec)
	}
	stream := g.stream(t, teamKey)
	socket, _, err := g.dial(t, "/openai/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, text, err := socket.Read(ctx); err != nil || string(text) != "hello" {
		t.Fatalf("%q %v", text, err)
	}
	_, err = door.ApproveConnection(ctx, "openai", admin.DecideConnection{})
	if e := new(admin.Error); !errors.As(err, &e) || e.Status != 409 {
		t.Errorf("approved twice: %v", err)
	}
	if _, err := door.RejectConnection(ctx, "openai", admin.DecideConnection{Description: "leak"}); err != nil {
		t.Fatal(err)
	}
	if end := stream.ends(t, time.Second); !strings.Contains(end, "endpoint_not_approved") {
		t.Errorf("the stream ends with\n%s", end)
	}
	over, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, _, err := socket.Read(over); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the WebSocket: %v", err)
	}
	if a, b := g.with(t, teamKey), calls(); a != 500 || b != 599 {
		t.Errorf("rejected: %d and %d", a, b)
	}
	cut := 0
	for _, r := range g.awaitRecords(t, 8) {
		if r["cut"] == "endpoint" {
			cut++
		}
	}
	if cut != 2 {
		t.Errorf("%d records say that the endpoint was cut, want 2\n%s", cut, g.records)
	}
	if _, err := door.ApproveConnection(ctx, "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	if got := g.with(t, teamKey); got != 200 {
		t.Errorf("approved again: %d", got)
	}
	if _, err := door.RemoveConnection(ctx, "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	if got := g.with(t, teamKey); got != 500 {
		t.Errorf("removed: %d", got)
	}
	for _, act := range []func(context.Context, string, admin.DecideConnection) (admin.Connection, error){door.ApproveConnection, door.RejectConnection, door.RemoveConnection} {
		if _, err := act(ctx, "openai", admin.DecideConnection{}); err == nil || !strings.Contains(err.Error(), "Disconnected") {
			t.Errorf("removed, and then: %v", err)
		}
	}
	if _, err := door.ApproveConnection(ctx, "opennai", admin.DecideConnection{}); err == nil || !strings.Contains(err.Error(), "openai") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := door.ApproveConnection(ctx, "openai", admin.DecideConnection{Description: "a\nb"}); err == nil {
		t.Error("a description of two lines")
	}
	var acts []string
	allowed, denied := 0, 0
	for _, r := range g.auditRecords(t) {
		switch {
		case r.Kind == audit.KindAdmin && r.Phase == "done" && strings.HasPrefix(r.Action, "connection."):
			acts = append(acts, r.Action)
			if r.Target != "connection:openai" || !strings.Contains(string(r.Before), `"state"`) || !strings.Contains(string(r.After), `"127.0.9.4"`) {
				t.Errorf("%+v", r)
			}
		case r.Kind == audit.KindAccess && r.API == "openai" && r.Outcome == "allow":
			if allowed++; r.Endpoint != "openai 127.0.9.4" {
				t.Errorf("%+v", r)
			}
		case r.Kind == audit.KindAccess && r.API == "openai" && r.Outcome == "deny":
			if denied++; r.Endpoint != "openai 127.0.9.4" || !slices.Equal(r.Reasons, []string{"backend-connection-failure", "endpoint-not-approved"}) {
				t.Errorf("%+v", r)
			}
		}
	}
	if want := []string{"connection.approve", "connection.reject", "connection.approve", "connection.remove"}; !slices.Equal(acts, want) {
		t.Errorf("acts: %q", acts)
	}
	if allowed == 0 || denied != 3 {
		t.Errorf("%d allowed, %d denied", allowed, denied)
	}
}

// TestEndpointReload: a document that changes an endpoint is decided about anew,
// and ends what leads past it; one that changes it back finds the decision of
// before.
func TestEndpointReload(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	port := behindEndpoint(t, s, automatic)
	s.write(t, "network/v.yaml", "[]\n")
	g := s.start(t)
	reload := func(network string) {
		t.Helper()
		s.write(t, "network/v.yaml", network)
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatal(r.Problems.Err(), err)
		}
	}
	// Without an endpoint, to any address that is declared.
	direct := g.stream(t, teamKey)
	reload(endpointAt("127.0.9.4", automatic))
	direct.goesOn(t)
	reload(endpointAt("127.0.9.4", manual))
	if end := direct.ends(t, time.Second); !strings.Contains(end, "endpoint_not_approved") {
		t.Errorf("the stream ends with\n%s", end)
	}
	if got := g.with(t, teamKey); got != 500 {
		t.Errorf("pending by the document: %d", got)
	}
	door := g.operator()
	if _, err := door.ApproveConnection(t.Context(), "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	if got := g.with(t, teamKey); got != 200 {
		t.Errorf("approved: %d", got)
	}
	// A site whose endpoint has another address than its destination is refused.
	s.write(t, "network/v.yaml", endpointAt("127.0.9.5", automatic))
	r, err := g.Reload(t.Context())
	if err != nil || r.Accepted() || !strings.Contains(r.Problems.Err().Error(), "127.0.9.5") {
		t.Fatal(r.Problems.Err(), err)
	}
	if got := g.with(t, teamKey); got != 200 {
		t.Errorf("the site of before: %d", got)
	}
	stream := g.stream(t, teamKey)
	s.write(t, "cloister.yaml", s.behind("127.0.9.5", port))
	reload(endpointAt("127.0.9.5", manual))
	stream.ends(t, time.Second)
	list, err := door.Connections(t.Context())
	if err != nil || list[0].State != site.ConnectionPending || list[0].Source != "site" {
		t.Errorf("a changed document is not asked about: %+v %v", list, err)
	}
	s.write(t, "cloister.yaml", s.behind("127.0.9.4", port))
	reload(endpointAt("127.0.9.4", manual))
	if got := g.with(t, teamKey); got != 200 {
		t.Errorf("approved before: %d", got)
	}
}

// TestEndpointTwoGateways: what one door decides is in force in both gateways
// within a second, open streams included, and after a restart.
func TestEndpointTwoGateways(t *testing.T) {
	db := testenv.Postgres(t)
	shared := func() *testSite {
		s := newSharedSite(t, db, nil)
		text, err := os.ReadFile(filepath.Join(s.dir, "cloister.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		at := s.backend.URL
		port := behindEndpoint(t, s, automatic)
		s.write(t, "cloister.yaml", moved(string(text), at, "127.0.9.4", port))
		return s
	}
	sa, sb := shared(), shared()
	a, b := sa.start(t), sb.start(t)
	ctx := t.Context()
	here, there := a.stream(t, teamKey), b.stream(t, teamKey)
	begun := time.Now()
	if _, err := a.operator().RejectConnection(ctx, "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	if got := a.with(t, teamKey); got != 500 {
		t.Errorf("at the gateway that rejected: %d", got)
	}
	here.ends(t, time.Second)
	there.ends(t, time.Second-time.Since(begun))
	if got := b.with(t, teamKey); got != 500 {
		t.Errorf("at the other one: %d", got)
	}
	shutdown, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := b.Shutdown(shutdown); err != nil {
		t.Fatal(err)
	}
	b = sb.start(t)
	if got := b.with(t, teamKey); got != 500 {
		t.Errorf("after a restart: %d", got)
	}
	begun = time.Now()
	if _, err := b.operator().ApproveConnection(ctx, "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "approved at the other gateway", func() bool { return a.with(t, teamKey) == 200 })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("approved after %s", took)
	}
	list, err := a.operator().Connections(ctx)
	if err != nil || list[0].State != site.ConnectionApproved || list[0].Source != "state" {
		t.Errorf("%+v %v", list, err)
	}
}

// TestEndpointWithoutGateway: the same acts while nobody runs.
func TestEndpointWithoutGateway(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	behindEndpoint(t, s, automatic)
	o, err := OpenOperator(t.Context(), OperatorOptions{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.Client.RejectConnection(t.Context(), "openai", admin.DecideConnection{Description: "not yet"})
	if err != nil || got.State != site.ConnectionRejected {
		t.Errorf("%+v %v", got, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	g := s.start(t)
	if got := g.with(t, teamKey); got != 500 {
		t.Errorf("rejected before the start: %d", got)
	}
	if list, err := g.operator().Connections(t.Context()); err != nil || list[0].Description != "not yet" || list[0].Source != "state" {
		t.Errorf("%+v %v", list, err)
	}
}

// TestEndpointCheck: what "check" says of endpoints, and which documents it
// refuses or warns of.
func TestEndpointCheck(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), nil)
	port := behindEndpoint(t, s, automatic)
	check := func(live bool) *Report {
		t.Helper()
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir, Live: live})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := check(true)
	if !r.OK || len(r.Endpoints) != 1 {
		t.Fatalf("%+v %v", r.Endpoints, r.Problems.Err())
	}
	if e := r.Endpoints[0]; e.Name != "openai" || fmt.Sprintf("%v %v %s %s %q", e.Hosts, e.Addresses, e.Subnet, e.State, e.UsedBy) != `[aoai.example.com] [127.0.9.4] v/endpoints Approved ["backend openai"]` {
		t.Errorf("%+v", e)
	}
	i := slices.IndexFunc(r.Live, func(p *egress.Probe) bool { return p.Host == modelHost })
	if i < 0 || !r.Live[i].OK || r.Live[i].Endpoint != "openai" || r.Live[i].Address.String() != "127.0.9.4:"+port {
		t.Errorf("%+v", r.Live)
	}
	has := func(r *Report, code, file string) bool {
		return slices.ContainsFunc(r.Problems, func(p site.Problem) bool {
			return p.Code == code && p.Pos.File == file && p.Pos.Line > 0 && p.Mend != ""
		})
	}
	s.write(t, "network/v.yaml", endpointAt("127.0.9.4", manual))
	if r := check(true); r.OK || r.Problems.HasErrors() {
		t.Errorf("pending: %v, ok %v", r.Problems, r.OK)
	}
	s.write(t, "network/v.yaml", endpointAt("127.0.9.7", automatic))
	if r := check(false); !has(r, "destination-endpoint-address", "cloister.yaml") {
		t.Errorf("pinned past the endpoint: %v", r.Problems)
	}
	s.write(t, "network/v.yaml", strings.ReplaceAll(endpointAt("127.0.9.4", automatic), modelHost, "other.example"))
	if r := check(false); r.Problems.HasErrors() || has(r, "endpoint-unused", "network/v.yaml") {
		t.Errorf("its address is used all the same: %v", r.Problems)
	}
	s.write(t, "network/v.yaml", strings.ReplaceAll(endpointAt("127.0.9.8", automatic), modelHost, "other.example"))
	if r := check(false); !has(r, "endpoint-unused", "network/v.yaml") {
		t.Errorf("an endpoint that nobody uses: %v", r.Problems)
	}
	s.write(t, "network/v.yaml", strings.ReplaceAll(endpointAt("127.0.9.4", automatic), "[account]", "[acount]"))
	if r := check(false); !has(r, "endpoint-group", "network/v.yaml") {
		t.Errorf("a misspelt group: %v", r.Problems)
	}
	s.write(t, "network/v.yaml", endpointAt("127.0.9.4", automatic))
	s.write(t, "cloister.yaml", strings.Replace(s.behind("127.0.9.4", port), "model: [", "model: [{host: fabrikam.openai.azure.com}, ", 1))
	if r := check(false); !has(r, "endpoint-missing", "cloister.yaml") {
		t.Errorf("a host of Azure without an endpoint: %v", r.Problems)
	}
}

// TestEndpointPool: of a pool the member whose endpoint is rejected gets nothing,
// without an error to anybody, and gets its share again within a second after it is
// approved.
func TestEndpointPool(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "endpoint") }), nil)
	port := behindEndpoint(t, s, automatic)
	other, otherPort := server(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") }))
	config := with(s.behind("127.0.9.4", port), [2]string{"backends", "  two: {url: " + other.URL + ", caFile: tls/backend.pem, credential: {none: true}}"})
	config = strings.Replace(config, "model: [", "model: [{host: 127.0.0.1, port: "+otherPort+"}, ", 1)
	s.write(t, "cloister.yaml", config)
	s.write(t, "apim/backends/pool/backendInformation.json", `{"properties":{"type":"Pool","pool":{"services":[{"id":"/backends/openai"},{"id":"/backends/two"}]}}}`)
	s.write(t, "apim/apis/openai/policy.xml", `<policies><inbound><base /><set-backend-service backend-id="pool" /></inbound></policies>`)
	g := s.start(t)
	ask := func(n int) (viaEndpoint int) {
		t.Helper()
		for range n {
			resp, body := g.do(t, "GET", "/openai/x", "", nil)
			if resp.StatusCode != 200 {
				t.Errorf("%s", resp.Status)
			}
			if body == "endpoint" {
				viaEndpoint++
			}
		}
		return viaEndpoint
	}
	if n := ask(10); n != 5 {
		t.Errorf("%d of 10 by the endpoint", n)
	}
	if _, err := g.operator().RejectConnection(t.Context(), "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	if n := ask(20); n != 0 {
		t.Errorf("%d by the rejected endpoint", n)
	}
	if _, err := g.operator().ApproveConnection(t.Context(), "openai", admin.DecideConnection{}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	eventually(t, "the member is in use again", func() bool { return ask(2) > 0 })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("in use after %s", took)
	}
	for _, r := range g.auditRecords(t) {
		if r.Kind == audit.KindAccess && (r.Outcome != "allow" || r.Endpoint != "openai 127.0.9.4") {
			t.Errorf("%+v", r)
		}
	}
}

// TestZonesFor: what the gateway's own dialer learns from the site's private zones,
// before and after an endpoint is approved; what is wrong with them is a problem of
// the site.
func TestZonesFor(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{"network/v.yaml": networkOfTest, "network/e.yaml": `- {type: Microsoft.Network/privateDnsZones, name: privatelink.openai.azure.com}
- {type: Microsoft.Network/privateDnsZones/virtualNetworkLinks, name: privatelink.openai.azure.com/v, properties: {virtualNetwork: {id: v}}}
- {type: Microsoft.Network/privateEndpoints/privateDnsZoneGroups, name: openai/default, properties: {privateDnsZoneConfigs: [{name: a, properties: {privateDnsZoneId: privatelink.openai.azure.com}}]}}
- type: Microsoft.Network/privateEndpoints
  name: openai
  properties:
    subnet: {id: v/other}
    manualPrivateLinkServiceConnections: [{name: c, properties: {privateLinkServiceId: /x/providers/Microsoft.CognitiveServices/accounts/contoso, groupIds: [account]}}]
    ipConfigurations: [{name: a, properties: {privateIPAddress: 10.1.3.4}}]
`})
	s.write(t, "cloister.yaml", strings.Replace(s.config("network: {subnet: gateway}\n"), "model: [", "model: [{host: contoso.openai.azure.com}, ", 1))
	loaded, problems := site.Load(s.dir)
	if loaded == nil {
		t.Fatal(problems.Err())
	}
	if loaded.Network.PrivateEndpoints[0].Status != site.ConnectionPending {
		t.Fatal("the endpoint is not pending")
	}
	zones := zonesFor(loaded)
	for host, want := range map[string]string{
		"contoso.openai.azure.com":              "[10.1.3.4]  true",
		"contoso.privatelink.openai.azure.com":  "[10.1.3.4]  true",
		"fabrikam.privatelink.openai.azure.com": "[]  true",
		"models.contoso.internal":               "[]  false",
	} {
		addrs, ask, known := zones(host)
		if got := fmt.Sprintf("%v %s %v", addrs, ask, known); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	b := preview(loaded, CheckOptions{Dir: s.dir, Now: time.Now})
	defer b.close()
	v := b.endpoints
	if e, r := v.Host("contoso.openai.azure.com"); e == nil || r == nil || r.Code != "endpoint-not-approved" {
		t.Errorf("%+v %+v", e, r)
	}
	// A record that leads past the endpoint is a problem that check shows.
	text, err := os.ReadFile(filepath.Join(s.dir, "network", "e.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "network/e.yaml", strings.Replace(string(text), manual, automatic, 1))
	s.write(t, "network/wrong.yaml", `{type: Microsoft.Network/privateDnsZones/A, name: privatelink.openai.azure.com/contoso, properties: {ttl: 10, aRecords: [{ipv4Address: 10.1.3.9}]}}`)
	r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
	if err != nil || !slices.ContainsFunc(r.Problems, func(p site.Problem) bool {
		return strings.HasPrefix(p.Pos.File, "network/") && strings.Contains(p.Message, "contoso")
	}) {
		t.Errorf("%v %v", r.Problems, err)
	}
}

// TestEndpointSwap: a decision that another gateway has made is in force with the
// site that was compiled after it, whoever hears of it first.
func TestEndpointSwap(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), nil)
	behindEndpoint(t, s, automatic)
	g := s.start(t)
	stream := g.stream(t, teamKey)
	g.stop() // nobody watches the state any more
	id := g.inForce().endpoints.Set().All()[0].ID
	time.Sleep(100 * time.Millisecond)
	_, err := g.state.store.UpdateConnection(t.Context(), id, func(c *store.Connection, _ bool) error {
		c.State = site.ConnectionRejected
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.with(t, teamKey); got != 200 {
		t.Fatalf("the change is heard of: %d", got)
	}
	next, err := g.build(t.Context(), g.Site())
	if err != nil || next.problems.HasErrors() {
		t.Fatal(next.problems.Err(), err)
	}
	if err := g.swap(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	stream.ends(t, time.Second)
	if got := g.with(t, teamKey); got != 500 {
		t.Errorf("rejected before the site was compiled: %d", got)
	}
}
