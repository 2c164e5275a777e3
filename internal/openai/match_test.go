package openai

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	f := func(method, path, want, deployment string) {
		t.Helper()
		op, d, ok := Match(method, path)
		got := ""
		if ok {
			got = op.String()
		}
		if got != want || d != deployment {
			t.Errorf("%s %s: %q %q, want %q %q", method, path, got, d, want, deployment)
		}
	}
	f("POST", "/openai/deployments/gpt-4o/chat/completions", "POST deployment:chat/completions", "gpt-4o")
	f("POST", "/openai/deployments/a%2Fb%20c/embeddings", "POST deployment:embeddings", "a/b c")
	f("POST", "/openai/deployments/chat/completions", "POST deployment:completions", "chat")
	f("POST", "/openai/deployments//completions", "", "")
	f("POST", "/openai/deployments/%zz/completions", "", "")
	f("GET", "/openai/deployments/gpt-4o/chat/completions", "", "")
	f("POST", "/OpenAI/Deployments/GPT-4o/Chat/Completions/", "POST deployment:chat/completions", "GPT-4o")
	f("POST", "/openai/deployments/x/%63hat/completions", "POST deployment:chat/completions", "x")
	f("POST", "/deployments/x/completions", "POST deployment:completions", "x")
	f("POST", "/team/a/openai/deployments/x/audio/speech", "POST deployment:audio/speech", "x")
	f("POST", "/openai/deployments/openai/chat/completions", "POST deployment:chat/completions", "openai")
	f("POST", "/openai/deployments/v1/chat/completions", "POST deployment:chat/completions", "v1")
	f("POST", "/openai/v1/chat/completions", "POST v1:chat/completions", "")
	f("POST", "/v1/chat/completions", "POST v1:chat/completions", "")
	f("POST", "/openai/v1/responses", "POST v1:responses", "")
	f("POST", "/openai/responses", "POST resource:responses", "")
	f("GET", "/openai/responses/resp_1", "GET resource:responses/{id}", "")
	f("DELETE", "/openai/v1/responses/resp_1", "DELETE v1:responses/{id}", "")
	f("POST", "/openai/v1/responses/resp_1/cancel", "POST v1:responses/{id}/cancel", "")
	f("GET", "/openai/v1/responses/resp_1/input_items", "GET v1:responses/{id}/input_items", "")
	f("GET", "/openai/models", "GET resource:models", "")
	f("GET", "/openai/v1/models/gpt-4o", "GET v1:models/{id}", "")
	f("GET", "/openai/realtime", "GET resource:realtime", "")
	f("GET", "/openai/v1/realtime", "GET v1:realtime", "")
	f("POST", "/openai/v1/files", "POST v1:files", "")
	f("POST", "/openai/v1/batches", "POST v1:batches", "")
	f("PATCH", "/openai/vector_stores/x/y", "* resource:vector_stores/{*}", "")
	f("GET", "/openai/vector_stores", "* resource:vector_stores/{*}", "")
	f("POST", "/openai/threads/t/runs", "POST resource:threads/{id}/runs", "")
	f("POST", "/models/chat/completions", "POST inference:chat/completions", "")
	f("POST", "/openai/chat/completions", "", "")
	f("POST", "/openai", "", "")
	f("POST", "/openai/v1", "", "")
	f("POST", "/", "", "")
	f("POST", "", "", "")
	f("GET", "/health/check", "", "")
	f("POST", strings.Repeat("/a", 5000)+"/v1/embeddings", "POST v1:embeddings", "")
}

func TestOperations(t *testing.T) {
	f := func(method, path string, scans, streams, multipart, upgrade bool) {
		t.Helper()
		op, _, ok := Match(method, path)
		if !ok {
			t.Errorf("%s %s: no operation", method, path)
			return
		}
		if op.HasModelBody != scans || op.Streams != streams || op.Multipart != multipart || op.Upgrade != upgrade {
			t.Errorf("%s %s: %+v", method, path, op)
		}
	}
	f("POST", "/openai/deployments/x/chat/completions", true, true, false, false)
	f("POST", "/openai/deployments/x/embeddings", true, false, false, false)
	f("POST", "/openai/deployments/x/audio/transcriptions", false, true, true, false)
	f("POST", "/openai/v1/responses", true, true, false, false)
	f("GET", "/openai/v1/responses/x", false, true, false, false)
	f("GET", "/openai/realtime", false, false, false, true)
}

func TestQueryModel(t *testing.T) {
	f := func(query, want string, ok bool) {
		t.Helper()
		got, err := QueryModel(query)
		if got != want || (err == nil) != ok {
			t.Errorf("%q: %q, %v", query, got, err)
		}
	}
	f("", "", true)
	f("api-version=2024-10-01-preview&deployment=gpt%2D4o", "gpt-4o", true)
	f("model=gpt-4o", "gpt-4o", true)
	f("model=a&model=a", "", false)
	f("model=a&deployment=b", "", false)
	f("model=a&Model=b", "", false)
	f("a=1;model=b", "", false)
	f("model=%zz", "", false)
}
