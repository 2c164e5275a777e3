package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// subscriptionKey and upstreamKey are of the benchmark's own gateway, which
// nobody else can reach.
const (
	subscriptionKey = "benchmark-subscription-key-0123456789"
	upstreamKey     = "benchmark-upstream-key-0123456789abcdef"
)

// writeSite writes a site as production runs it: subscriptions, a product's
// worth of operations with templates, a policy, a backend with an API key,
// records to a file. TLS files are copied into it.
func writeSite(dir, tls string, port, health, upstream int) error {
	files := map[string]string{
		"cloister.yaml":                                fmt.Sprintf(siteConfig, port, health, upstream),
		"keys/subscription":                            subscriptionKey + "\n",
		"keys/upstream":                                upstreamKey + "\n",
		"apim/policy.xml":                              globalPolicy,
		"apim/apis/openai/apiInformation.json":         apiInformation,
		"apim/apis/openai/specification.yaml":          specification,
		"apim/apis/openai/policy.xml":                  apiPolicy,
		"apim/backends/openai/backendInformation.json": fmt.Sprintf(`{"properties":{"url":"https://127.0.0.1:%d/openai","protocol":"http"}}`, upstream),
	}
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		content, err := os.ReadFile(filepath.Join(tls, name))
		if err != nil {
			return err
		}
		files["tls/"+name] = string(content)
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

const siteConfig = `name: bench
listeners: [{address: 127.0.0.1, port: %d}]
hostnames: [{name: localhost, default: true, certificate: tls/cert.pem, key: tls/key.pem}]
health: {address: "127.0.0.1:%d"}
subscriptions:
- {name: bench, scope: /apis/openai, primaryKey: {file: keys/subscription}}
destinations:
  model: [{host: 127.0.0.1, port: %d}]
backends:
  openai:
    caFile: tls/ca.pem
    maxConnections: 4096
    credential: {apiKey: {key: {file: keys/upstream}}}
telemetry: {accessLog: access.log}
`

const apiInformation = `{"properties": {
  "displayName": "OpenAI", "path": "openai", "protocols": ["https"],
  "subscriptionRequired": true,
  "subscriptionKeyParameterNames": {"header": "api-key", "query": "subscription-key"}
}}
`

const globalPolicy = `<policies>
  <inbound />
  <backend><forward-request /></backend>
  <outbound />
  <on-error />
</policies>
`

const apiPolicy = `<policies>
  <inbound><base /><set-backend-service backend-id="openai" /></inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>
`

// specification holds the operations that the benchmark calls among others, so
// that routing has something to choose from.
const specification = `openapi: 3.0.1
info: {title: OpenAI, version: "2024-10-21"}
paths:
  /deployments/{deployment-id}/chat/completions:
    post: {operationId: ChatCompletions_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
  /deployments/{deployment-id}/completions:
    post: {operationId: Completions_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
  /deployments/{deployment-id}/embeddings:
    post: {operationId: Embeddings_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
  /deployments/{deployment-id}/audio/transcriptions:
    post: {operationId: Transcriptions_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
  /deployments/{deployment-id}/audio/translations:
    post: {operationId: Translations_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
  /deployments/{deployment-id}/images/generations:
    post: {operationId: ImageGenerations_Create, parameters: [{$ref: "#/components/parameters/deployment"}], responses: {"200": {description: OK}}}
components:
  parameters:
    deployment: {name: deployment-id, in: path, required: true, schema: {type: string}}
`
