package app

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/emulator"
)

// hubSite is a site whose policies log to an emulated event hub, through the
// logger "hub" with these credentials; PORT in them is the port of the
// namespace.
func hubSite(t *testing.T, credentials, policy string) (*testSite, *emulator.EventHubs) {
	t.Helper()
	hubs := &emulator.EventHubs{Hubs: []string{"logs"}, Keys: map[string]string{"send": "a2V5IG9mIHRoZSBodWI="}}
	_, port := server(t, hubs)
	s := newSite(t, http.HandlerFunc(echo), nil)
	for name, text := range map[string]string{
		"cloister.yaml": with(s.config("namedValues: {Logger-Credentials--1: {file: keys/hub}}\n"),
			[2]string{"destinations", "  call: [{host: 127.0.0.1, port: " + port + ", caFile: tls/backend.pem}]"}),
		"keys/hub": "Endpoint=sb://127.0.0.1:" + port + "/;SharedAccessKeyName=send;SharedAccessKey=a2V5IG9mIHRoZSBodWI=",
		"apim/named values/1/namedValueInformation.json": `{"properties": {"displayName": "Logger-Credentials--1", "secret": true}}`,
		"apim/loggers/hub/loggerInformation.json":        strings.ReplaceAll(`{"properties": `+credentials+`}`, "PORT", port),
		"apim/apis/openai/policy.xml":                    policy,
	} {
		s.write(t, name, text)
	}
	return s, hubs
}

const hubPolicy = `<policies>
  <inbound>
    <base />
    <log-to-eventhub logger-id="hub">@(context.Request.Method + " " + context.Request.OriginalUrl.Path)</log-to-eventhub>
  </inbound>
  <outbound>
    <base />
    <log-to-eventhub logger-id="HUB" partition-key="@(context.Subscription.Id)">@(context.Response.StatusCode.ToString())</log-to-eventhub>
  </outbound>
</policies>`

// TestLogToEventhub: messages arrive at the hub, signed with the key of a named
// value; those that wait are sent before the process ends; a reload that changes
// nothing of the logger goes on with it.
func TestLogToEventhub(t *testing.T) {
	s, hubs := hubSite(t, `{"loggerType": "azureEventHub", "isBuffered": true, "credentials": {"name": "logs", "connectionString": "{{Logger-Credentials--1}}"}}`, hubPolicy)
	g := s.start(t)
	g.do(t, "POST", "/openai/x", "", nil)
	eventually(t, "two messages", func() bool { return len(hubs.Events()) == 2 })
	got := hubs.Events()
	if got[0].Body != "POST /openai/x" || got[1].Body != "200" || got[1].PartitionKey != "team" || got[0].Hub != "logs" {
		t.Errorf("%+v", got)
	}
	before := g.events.senders["hub"]
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() || g.events.senders["hub"] != before {
		t.Error(r, err)
	}
	for range 20 {
		g.do(t, "GET", "/openai/x", "", nil)
	}
	// Without the logger nothing more goes there, and what waited has arrived.
	s.write(t, "apim/apis/openai/policy.xml", "<policies />")
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() || len(g.events.senders) != 0 {
		t.Error(r, err)
	}
	eventually(t, "all messages", func() bool { return len(hubs.Events()) == 42 })
	s.write(t, "apim/apis/openai/policy.xml", hubPolicy)
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Error(r, err)
	}
	for range 20 {
		g.do(t, "GET", "/openai/x", "", nil)
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if n := len(hubs.Events()); n != 82 {
		t.Errorf("%d messages arrived, want 82", n)
	}
	if strings.Contains(g.log.String()+g.records.String(), "a2V5IG9mIHRoZSBodWI=") {
		t.Error("the key stands in a log")
	}
}

// TestLoggersThatCannotBeUsed: a site whose policies log to what cannot be
// reached is refused, with the place and without the secret.
func TestLoggersThatCannotBeUsed(t *testing.T) {
	f := func(logger, want string) {
		t.Helper()
		s, _ := hubSite(t, logger, hubPolicy)
		_, problems, err := Start(t.Context(), Options{Dir: s.dir})
		if err != nil || !problems.HasErrors() {
			t.Errorf("%s: %v %v", logger, problems, err)
			return
		}
		text := problems.Err().Error()
		if !strings.Contains(text, "policy.xml:4:33") || !strings.Contains(text, want) || strings.Contains(text, "a2V5") {
			t.Errorf("%s: %s\nwant %s", logger, text, want)
		}
	}
	f(`{"loggerType": "applicationInsights", "credentials": {"instrumentationKey": "x"}}`, `its loggerType is "applicationInsights"`)
	f(`{"loggerType": "azureEventHub"}`, "neither a connectionString nor endpointAddress")
	f(`{"loggerType": "azureEventHub", "credentials": {"name": "logs", "connectionString": "{{none}}"}}`, `the named value "none" has no value`)
	f(`{"loggerType": "azureEventHub", "credentials": {"name": "", "connectionString": "{{Logger-Credentials--1}}"}}`, "there is no name of an event hub")
	f(`{"loggerType": "azureEventHub", "credentials": {"name": "logs", "connectionString": "nothing"}}`, "SharedAccessKeyName")
	f(`{"loggerType": "azureEventHub", "credentials": {"name": "logs", "endpointAddress": "contoso.servicebus.windows.net", "identityClientId": "SystemAssigned"}}`, "list 169.254.169.254")
	f(`{"loggerType": "azureEventHub", "credentials": {"name": "logs", "connectionString": "Endpoint=sb://contoso.servicebus.windows.net;SharedAccessKeyName=a;SharedAccessKey=b"}}`, "destinations.call does not list")
}
