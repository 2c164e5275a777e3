// Command stream asks a model a question through Cloister and prints the
// answer as it comes, token by token.
//
// It is what an application needs and nothing more: the official openai-go
// SDK, unmodified, with the gateway's address in the place of Azure's. It reads
// the variables of the file that "cloister up" writes:
//
//	CLOISTER_URL          the gateway
//	CLOISTER_CA           a PEM file with the CA that its certificate is from
//	CLOISTER_API_KEY      a subscription key
//	CLOISTER_DEPLOYMENT   the model's deployment
//
// It fails, without a call, with the names of the variables that are missing,
// and with what the gateway answered when it refuses.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
)

// apiVersion of Azure OpenAI's data plane.
const apiVersion = "2024-10-21"

// question is asked when the command line holds none.
const question = "Why is a private network not enough?"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	cfg, err := configFrom(getenv)
	if err != nil {
		return err
	}
	client, err := cfg.client()
	if err != nil {
		return err
	}
	ask := question
	if len(args) > 0 {
		ask = strings.Join(args, " ")
	}
	stream := client.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
		Model:    cfg.deployment,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(ask)},
	})
	defer stream.Close()
	for stream.Next() {
		// The first chunk holds the verdict on the prompt, and no choice.
		for _, choice := range stream.Current().Choices {
			fmt.Fprint(out, choice.Delta.Content)
		}
	}
	fmt.Fprintln(out)
	return explain(stream.Err())
}

// config is what the environment says.
type config struct{ url, ca, key, deployment string }

// configFrom reads the variables; the error names all that are missing.
func configFrom(getenv func(string) string) (config, error) {
	var c config
	var missing []string
	for _, v := range []struct {
		name string
		to   *string
	}{
		{"CLOISTER_URL", &c.url}, {"CLOISTER_CA", &c.ca},
		{"CLOISTER_API_KEY", &c.key}, {"CLOISTER_DEPLOYMENT", &c.deployment},
	} {
		if *v.to = getenv(v.name); *v.to == "" {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return c, fmt.Errorf("%s not set; run \"cloister up\", then source the cloister.env file that it names", strings.Join(missing, ", "))
	}
	return c, nil
}

// client is the SDK's, told where the gateway is and whom to trust.
func (c config) client() (openai.Client, error) {
	pem, err := os.ReadFile(c.ca)
	if err != nil {
		return openai.Client{}, fmt.Errorf("reading CLOISTER_CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return openai.Client{}, fmt.Errorf("CLOISTER_CA: %s holds no PEM certificate", c.ca)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return openai.NewClient(
		azure.WithEndpoint(c.url, apiVersion),
		azure.WithAPIKey(c.key),
		option.WithHTTPClient(&http.Client{Transport: transport}),
	), nil
}

// explain adds the gateway's own words to a refusal: API Management's answers
// have no "error" object, which is all that the SDK looks for.
func explain(err error) error {
	var refused *openai.Error
	if errors.As(err, &refused) && refused.Response != nil {
		body, _ := io.ReadAll(io.LimitReader(refused.Response.Body, 4096))
		return fmt.Errorf("the gateway answered %s: %s", refused.Response.Status, strings.TrimSpace(string(body)))
	}
	return err
}
