package sdk

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// insideEnv tells a test that it runs in the subnet app of a lab.
const insideEnv = "CLOISTER_TEST_IN_LAB"

// labSite is a site of "cloister init" whose gateway has a name of Azure.
func labSite(t *testing.T, program string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if out, err := exec.Command(program, "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("cloister init: %v\n%s", err, out)
	}
	path := filepath.Join(dir, "cloister.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const host = "- {name: localhost, default: true}\n"
	changed := strings.Replace(string(text), host, "- {name: contoso.azure-api.net, default: true}\n", 1)
	if changed == string(text) {
		t.Fatalf("cloister.yaml has no %s", host)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLabNode: npm's SDK in the subnet of applications.
func TestLabNode(t *testing.T) {
	program := testenv.Binary(t)
	testenv.NodeTests(t, "lab/*.test.mjs", 6, os.Environ(), program, "lab", "run", "--site", labSite(t, program), "--subnet", "app", "--")
}

// TestLabGo: openai-go in the subnet of applications, this test in it.
func TestLabGo(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		inLab(t)
		return
	}
	program := testenv.Binary(t)
	cmd := exec.Command(program, "lab", "run", "--site", labSite(t, program), "--subnet", "app", "--", os.Args[0], "-test.run=^TestLabGo$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestLabGo") {
		t.Fatalf("in the lab: %v\n%s", err, out)
	}
}

func inLab(t *testing.T) {
	url, key, model := os.Getenv("CLOISTER_URL"), os.Getenv("CLOISTER_API_KEY"), os.Getenv("CLOISTER_DEPLOYMENT")
	if url != "https://contoso.azure-api.net" {
		t.Fatalf("CLOISTER_URL is %q", url)
	}
	// The CA comes by SSL_CERT_FILE, which Go reads: nothing is told to the SDK.
	client := func(endpoint string, timeout time.Duration) openai.Client {
		return openai.NewClient(azure.WithEndpoint(endpoint, "2024-10-21"), azure.WithAPIKey(key), option.WithMaxRetries(0), option.WithRequestTimeout(timeout))
	}
	params := openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)}}
	gateway := client(url, 10*time.Second)
	answer, err := gateway.Chat.Completions.New(t.Context(), params)
	if err != nil || answer.Choices[0].Message.Content == "" || answer.Usage.TotalTokens == 0 {
		t.Fatalf("%v, %v", answer, err)
	}
	stream := gateway.Chat.Completions.NewStreaming(t.Context(), params)
	chunks := 0
	for stream.Next() {
		chunks++
	}
	if err := stream.Err(); err != nil || chunks < 3 {
		t.Errorf("%d chunks, %v", chunks, err)
	}
	// Past the gateway: the name is the private endpoint's, and nobody answers.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, "contoso.openai.azure.com")
	if err != nil || len(addrs) != 1 || addrs[0] != "10.60.3.4" {
		t.Errorf("%v, %v", addrs, err)
	}
	past := client("https://contoso.openai.azure.com", 1500*time.Millisecond)
	if answer, err := past.Chat.Completions.New(t.Context(), params); err == nil {
		t.Errorf("the model was reached past the gateway: %v", answer)
	}
	outside := http.Client{Timeout: 1500 * time.Millisecond}
	if resp, err := outside.Get("https://203.0.113.50/"); err == nil {
		resp.Body.Close()
		t.Errorf("the internet was reached: %s", resp.Status)
	}
}
