package emulator

import (
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// sdks are the official client on both URL surfaces.
func sdks(srv *httptest.Server) map[string]openai.Client {
	return map[string]openai.Client{
		"deployment": openai.NewClient(azure.WithEndpoint(srv.URL, "2025-03-01-preview"), azure.WithAPIKey(testKey), option.WithHTTPClient(srv.Client())),
		"v1":         openai.NewClient(option.WithBaseURL(srv.URL+"/openai/v1/"), option.WithAPIKey(testKey), option.WithHTTPClient(srv.Client())),
	}
}

func chatParams(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "gpt-4o", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

func TestSDKChat(t *testing.T) {
	s, srv := serve(t, OpenAIOptions{})
	texts := map[string]bool{}
	for name, client := range sdks(srv) {
		plain, err := client.Chat.Completions.New(t.Context(), chatParams("Say hello"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := plain.Choices[0].Message.Content
		texts[text] = true
		if int(plain.Usage.CompletionTokens) != countTokens(text) || plain.Usage.TotalTokens != plain.Usage.PromptTokens+plain.Usage.CompletionTokens {
			t.Errorf("%s: %+v for %q", name, plain.Usage, text)
		}
		if !strings.Contains(text, "Say hello") || plain.Choices[0].FinishReason != "stop" || plain.Model != "gpt-4o-2024-08-06" {
			t.Errorf("%s: %+v", name, plain)
		}
		p := chatParams("Say hello")
		p.StreamOptions.IncludeUsage = param.NewOpt(true)
		stream := client.Chat.Completions.NewStreaming(t.Context(), p)
		acc := openai.ChatCompletionAccumulator{}
		for stream.Next() {
			acc.AddChunk(stream.Current())
		}
		if err := stream.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if acc.Choices[0].Message.Content != text || acc.Usage.TotalTokens != plain.Usage.TotalTokens || acc.Choices[0].FinishReason != "stop" {
			t.Errorf("%s: streamed %+v, plain %q", name, acc.ChatCompletion, text)
		}
	}
	if len(texts) != 1 {
		t.Errorf("the surfaces differ: %v", texts)
	}
	if s.Requests() != 4 || s.ReceivedBytes() == 0 {
		t.Errorf("%d requests, %d bytes", s.Requests(), s.ReceivedBytes())
	}
}

func TestSDKTools(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for name, client := range sdks(srv) {
		p := chatParams("What is the weather in Rome?")
		p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "get_weather",
			Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{
				"city": map[string]any{"type": "string"}, "days": map[string]any{"type": "integer", "minimum": 3},
			}, "required": []string{"city"}},
		})}
		plain, err := client.Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		call := plain.Choices[0].Message.ToolCalls[0]
		args := parse[struct {
			City string
			Days int
		}](t, call.Function.Arguments)
		if plain.Choices[0].FinishReason != "tool_calls" || call.Function.Name != "get_weather" || args.City == "" || args.Days != 3 {
			t.Errorf("%s: %+v", name, plain)
		}
		stream := client.Chat.Completions.NewStreaming(t.Context(), p)
		acc := openai.ChatCompletionAccumulator{}
		for stream.Next() {
			acc.AddChunk(stream.Current())
		}
		if stream.Err() != nil || acc.Choices[0].Message.ToolCalls[0].Function.Arguments != call.Function.Arguments {
			t.Errorf("%s: streamed %+v, %v", name, acc.Choices, stream.Err())
		}
		// The tool's result is answered with text.
		p.Messages = append(p.Messages, plain.Choices[0].Message.ToParam(), openai.ToolMessage("sunny", call.ID))
		answer, err := client.Chat.Completions.New(t.Context(), p)
		if err != nil || answer.Choices[0].FinishReason != "stop" || answer.Choices[0].Message.Content == "" {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
}

func TestSDKEmbeddings(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for name, client := range sdks(srv) {
		ask := func(p openai.EmbeddingNewParams) *openai.CreateEmbeddingResponse {
			p.Model = "text-embedding-3-small"
			got, err := client.Embeddings.New(t.Context(), p)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return got
		}
		got := ask(openai.EmbeddingNewParams{Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two", "one"}}})
		if len(got.Data) != 3 || len(got.Data[0].Embedding) != 1536 || got.Usage.PromptTokens != 3 {
			t.Fatalf("%s: %d vectors, %+v", name, len(got.Data), got.Usage)
		}
		if cosine(got.Data[0].Embedding, got.Data[2].Embedding) < 0.9999 || cosine(got.Data[0].Embedding, got.Data[1].Embedding) > 0.2 {
			t.Errorf("%s: the vectors do not follow the texts", name)
		}
		short := ask(openai.EmbeddingNewParams{Input: openai.EmbeddingNewParamsInputUnion{OfString: param.NewOpt("one")}, Dimensions: param.NewOpt(int64(8))})
		if v := short.Data[0].Embedding; len(v) != 8 || math.Abs(cosine(v, v)-1) > 1e-6 || cosine(v, got.Data[0].Embedding[:8]) < 0.9*math.Sqrt(cosine(got.Data[0].Embedding[:8], got.Data[0].Embedding[:8])) {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func cosine(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func TestSDKResponses(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for name, client := range sdks(srv) {
		p := responses.ResponseNewParams{Model: "gpt-4o", Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Say hello")}}
		plain, err := client.Responses.New(t.Context(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plain.Status != "completed" || plain.OutputText() == "" || int(plain.Usage.OutputTokens) != countTokens(plain.OutputText()) {
			t.Errorf("%s: %+v", name, plain)
		}
		stream := client.Responses.NewStreaming(t.Context(), p)
		text, last, next := "", "", int64(0)
		for stream.Next() {
			e := stream.Current()
			if e.SequenceNumber != next {
				t.Errorf("%s: event %d has number %d", name, next, e.SequenceNumber)
			}
			next++
			text, last = text+e.Delta, e.Type
		}
		if stream.Err() != nil || text != plain.OutputText() || last != "response.completed" {
			t.Errorf("%s: %q, %s, %v", name, text, last, stream.Err())
		}
		got, err := client.Responses.Get(t.Context(), plain.ID, responses.ResponseGetParams{})
		if err != nil || got.OutputText() != plain.OutputText() {
			t.Errorf("%s: get: %v", name, err)
		}
		p.PreviousResponseID = param.NewOpt(plain.ID)
		again, err := client.Responses.New(t.Context(), p)
		if err != nil || again.Usage.InputTokens <= plain.Usage.InputTokens {
			t.Errorf("%s: the next turn: %v, %+v", name, err, again)
		}
		items, err := client.Responses.InputItems.List(t.Context(), plain.ID, responses.InputItemListParams{})
		if err != nil || len(items.Data) != 1 || items.Data[0].Content.OfInputItemContentList[0].Text != "Say hello" {
			t.Errorf("%s: %+v, %v", name, items, err)
		}
		if err := client.Responses.Delete(t.Context(), plain.ID); err != nil {
			t.Errorf("%s: delete: %v", name, err)
		}
		_, err = client.Responses.Get(t.Context(), plain.ID, responses.ResponseGetParams{})
		var apiErr *openai.Error
		if !errors.As(err, &apiErr) || apiErr.StatusCode != 404 {
			t.Errorf("%s: after delete: %v", name, err)
		}
	}
}

func TestSDKModels(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for name, client := range sdks(srv) {
		page, err := client.Models.List(t.Context())
		if err != nil || len(page.Data) != 3 {
			t.Fatalf("%s: %+v, %v", name, page, err)
		}
		one, err := client.Models.Get(t.Context(), page.Data[0].ID)
		if err != nil || one.ID != page.Data[0].ID {
			t.Errorf("%s: %+v, %v", name, one, err)
		}
	}
}

func TestSDKErrors(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	wrong := openai.NewClient(azure.WithEndpoint(srv.URL, "2024-10-21"), azure.WithAPIKey("wrong"), option.WithHTTPClient(srv.Client()))
	_, err := wrong.Chat.Completions.New(t.Context(), chatParams("x"))
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 401 || e.Code != "401" {
		t.Errorf("wrong key: %v", err)
	}
	for name, client := range sdks(srv) {
		p := chatParams("x")
		p.Model = "nobody"
		_, err := client.Chat.Completions.New(t.Context(), p)
		if !errors.As(err, &e) || e.StatusCode != 404 || e.Code != "DeploymentNotFound" {
			t.Errorf("%s: %v", name, err)
		}
		_, err = client.Chat.Completions.New(t.Context(), chatParams(TriggerViolence))
		if !errors.As(err, &e) || e.StatusCode != 400 || e.Code != "content_filter" || !strings.Contains(e.RawJSON(), "ResponsibleAIPolicyViolation") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSDKRetry: the client waits as it is told and then succeeds.
func TestSDKRetry(t *testing.T) {
	s, srv := serve(t, OpenAIOptions{})
	client := sdks(srv)["v1"]
	_, err := client.Chat.Completions.New(t.Context(), chatParams("x"),
		option.WithHeader("x-cloister-emulator-status", "429"), option.WithHeader("x-cloister-emulator-retry-after-ms", "5"),
		option.WithHeader("x-cloister-emulator-until-retry", "2"))
	if err != nil || s.Requests() != 3 {
		t.Errorf("%v after %d requests", err, s.Requests())
	}
}
