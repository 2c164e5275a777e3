package sdk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/cloister-ai/cloister/internal/testenv"
)

const (
	// Responses need this version or a later one.
	apiVersion = "2025-03-01-preview"
	// embedding is the emulator's deployment for embeddings.
	embedding = "text-embedding-3-small"
	prompt    = "Say something about closed doors."
)

// architecture is a running "cloister up" as an application sees it.
type architecture struct {
	url, deployment, key, scope string
	http                        *http.Client
	token                       azcore.TokenCredential
}

// use makes an architecture of the environment that "cloister up" wrote.
func use(t *testing.T, env map[string]string) *architecture {
	t.Helper()
	for _, name := range []string{
		"CLOISTER_URL", "CLOISTER_CA", "CLOISTER_API_KEY", "CLOISTER_DEPLOYMENT", "CLOISTER_TOKEN_SCOPE",
		"AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
	} {
		if env[name] == "" {
			t.Fatalf("the environment file has no %s", name)
		}
	}
	a := &architecture{
		url: env["CLOISTER_URL"], deployment: env["CLOISTER_DEPLOYMENT"],
		key: env["CLOISTER_API_KEY"], scope: env["CLOISTER_TOKEN_SCOPE"],
		http: clientTrusting(t, env["CLOISTER_CA"]),
	}
	// azidentity reads the authority from the environment, as in production.
	t.Setenv("AZURE_AUTHORITY_HOST", env["AZURE_AUTHORITY_HOST"])
	a.token = a.credential(t, env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"], env["AZURE_CLIENT_SECRET"])
	return a
}

func clientTrusting(t *testing.T, file string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", file)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (a *architecture) credential(t *testing.T, tenant, client, secret string) *azidentity.ClientSecretCredential {
	t.Helper()
	c, err := azidentity.NewClientSecretCredential(tenant, client, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            azcore.ClientOptions{Transport: a.http, Retry: policy.RetryOptions{MaxRetries: -1}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rawToken is an access token as a string, for the surface whose client takes
// nothing else.
func (a *architecture) rawToken(t *testing.T) string {
	t.Helper()
	token, err := a.token.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{a.scope}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}

// clients are the ways in which openai-go reaches the gateway.
func (a *architecture) clients(t *testing.T) map[string]openai.Client {
	t.Helper()
	client := func(options ...option.RequestOption) openai.Client {
		return openai.NewClient(append(options, option.WithHTTPClient(a.http), option.WithMaxRetries(0))...)
	}
	v1 := option.WithBaseURL(strings.TrimSuffix(a.url, "/") + "/openai/v1/")
	return map[string]openai.Client{
		"azure with key":   client(azure.WithEndpoint(a.url, apiVersion), azure.WithAPIKey(a.key)),
		"azure with token": client(azure.WithEndpoint(a.url, apiVersion), azure.WithTokenCredential(a.token, azure.WithTokenCredentialScopes([]string{a.scope}))),
		"v1 with key":      client(v1, option.WithAPIKey(a.key)),
		"v1 with token":    client(v1, option.WithAPIKey(a.rawToken(t))),
	}
}

func TestOpenAIGo(t *testing.T) {
	a := use(t, testenv.Up(t).Env)
	for name, client := range a.clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("complete", func(t *testing.T) { complete(t, client, a.deployment) })
			t.Run("stream", func(t *testing.T) { stream(t, client, a.deployment) })
			t.Run("embed", func(t *testing.T) { embed(t, client) })
			t.Run("responses", func(t *testing.T) { respond(t, client, a.deployment) })
		})
	}
	t.Run("refused", func(t *testing.T) { refused(t, a) })
}

func chat(deployment string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    deployment,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
	}
}

func complete(t *testing.T, client openai.Client, deployment string) {
	answer, err := client.Chat.Completions.New(t.Context(), chat(deployment))
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Choices) != 1 || answer.Choices[0].Message.Content == "" || answer.Usage.TotalTokens == 0 {
		t.Errorf("answer: %s", answer.RawJSON())
	}
}

func stream(t *testing.T, client openai.Client, deployment string) {
	params := chat(deployment)
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	s := client.Chat.Completions.NewStreaming(t.Context(), params)
	defer s.Close()
	var text strings.Builder
	chunks, total := 0, int64(0)
	for s.Next() {
		for _, choice := range s.Current().Choices {
			text.WriteString(choice.Delta.Content)
			chunks++
		}
		total = max(total, s.Current().Usage.TotalTokens)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if chunks < 3 || text.Len() == 0 || total == 0 {
		t.Errorf("%d chunks, %d tokens: %q", chunks, total, text.String())
	}
}

func embed(t *testing.T, client openai.Client) {
	answer, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: embedding, Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String(prompt)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) != 1 || len(answer.Data[0].Embedding) == 0 {
		t.Errorf("answer: %s", answer.RawJSON())
	}
}

func respond(t *testing.T, client openai.Client, deployment string) {
	answer, err := client.Responses.New(t.Context(), responses.ResponseNewParams{
		Model: deployment, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(prompt)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer.OutputText() == "" {
		t.Errorf("answer: %s", answer.RawJSON())
	}
}

// refused: with a credential that is not right nobody gets an answer.
func refused(t *testing.T, a *architecture) {
	wrong := strings.Repeat("0", len(a.key))
	v1 := strings.TrimSuffix(a.url, "/") + "/openai/v1/"
	for name, options := range map[string][]option.RequestOption{
		"azure with a wrong key":                      {azure.WithEndpoint(a.url, apiVersion), azure.WithAPIKey(wrong)},
		"v1 with a wrong key":                         {option.WithBaseURL(v1), option.WithAPIKey(wrong)},
		"v1 with a token whose signature was changed": {option.WithBaseURL(v1), option.WithAPIKey(spoiled(a.rawToken(t)))},
	} {
		client := openai.NewClient(append(options, option.WithHTTPClient(a.http), option.WithMaxRetries(0))...)
		_, err := client.Chat.Completions.New(t.Context(), chat(a.deployment))
		var answer *openai.Error
		if !errors.As(err, &answer) || answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %v, want 401", name, err)
		}
	}
}

// spoiled is a token with another byte in the middle of its signature.
func spoiled(token string) string {
	b := []byte(token)
	i := strings.LastIndexByte(token, '.') + 20
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
