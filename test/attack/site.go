package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// goodKey and badKey are of gateways that nobody else can reach. Attackers
// have a key too: what they could do without one they can do with it.
const (
	goodKey = "attack-table-well-behaved-0123456789"
	badKey  = "attack-table-ill-behaved-01234567890"
)

// siteOptions are what an attack changes of the site and its process.
type siteOptions struct {
	// limits is the inside of limits in cloister.yaml: the defaults where
	// empty.
	limits string
	// env is added to the environment.
	env []string
	// files is RLIMIT_NOFILE; 0: as it is here.
	files int
	// auditSize puts the audit log on a file system of its own of this size,
	// as mount(8) writes it. That needs root.
	auditSize string
}

// writeSite writes a site with two subscriptions, one API whose requests go to
// the backend, and one whose requests go to a pool of two.
func writeSite(dir string, opt siteOptions, port, health int, b *backend) error {
	member := func(name string) string {
		return fmt.Sprintf(`{"properties":{"url":"https://%s/%s","protocol":"http"}}`, b.address(), name)
	}
	files := map[string]string{
		"cloister.yaml":                                fmt.Sprintf(siteConfig, port, health, opt.limits, b.port()),
		"keys/good":                                    goodKey + "\n",
		"keys/bad":                                     badKey + "\n",
		"tls/backend.pem":                              string(b.caPEM),
		"apim/apis/openai/apiInformation.json":         apiInformation("openai"),
		"apim/apis/openai/specification.yaml":          specification,
		"apim/apis/openai/policy.xml":                  to("openai"),
		"apim/apis/pool/apiInformation.json":           apiInformation("pool"),
		"apim/apis/pool/specification.yaml":            specification,
		"apim/apis/pool/policy.xml":                    to("pool"),
		"apim/backends/openai/backendInformation.json": member("openai"),
		"apim/backends/one/backendInformation.json":    member("one"),
		"apim/backends/two/backendInformation.json":    member("two"),
		"apim/backends/pool/backendInformation.json": `{"properties":{"type":"Pool","pool":{"services":[` +
			`{"id":"/backends/one","priority":1,"weight":1},{"id":"/backends/two","priority":1,"weight":1}]}}}`,
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

const siteConfig = `name: attack
listeners: [{address: 127.0.0.1, port: %d}]
hostnames: [{name: localhost, default: true}]
health: {address: "127.0.0.1:%d"}
limits: {%s}
subscriptions:
- {name: good, scope: /apis, primaryKey: {file: keys/good}}
- {name: bad, scope: /apis, primaryKey: {file: keys/bad}}
destinations:
  model: [{host: 127.0.0.1, port: %d}]
backends:
  openai: {caFile: tls/backend.pem, maxConnections: 4096, credential: {none: true}}
  one: {caFile: tls/backend.pem, maxConnections: 4096, credential: {none: true}}
  two: {caFile: tls/backend.pem, maxConnections: 4096, credential: {none: true}}
telemetry: {accessLog: access.log}
`

func apiInformation(path string) string {
	return fmt.Sprintf(`{"properties": {
  "displayName": %[1]q, "path": %[1]q, "protocols": ["https"], "subscriptionRequired": true,
  "subscriptionKeyParameterNames": {"header": "api-key", "query": "subscription-key"}
}}
`, path)
}

// to is a policy that sends requests to a backend.
func to(backend string) string {
	return fmt.Sprintf(`<policies>
  <inbound><base /><set-backend-service backend-id=%q /></inbound>
  <backend><forward-request /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>
`, backend)
}

const specification = `openapi: 3.0.1
info: {title: OpenAI, version: "1"}
paths:
  /*:
    get: {operationId: get, responses: {"200": {description: ok}}}
    post: {operationId: post, responses: {"200": {description: ok}}}
`
