// Package contentsafety speaks to Azure AI Content Safety: it asks what a text
// holds, and whether a prompt attacks.
//
// It guarantees that a text is judged only where the service has judged all of
// it: an answer that lacks a category that was asked for, or that is not the
// service's, is an error. It decides nothing itself, and it does not connect: how
// requests leave is a function of whoever makes the [Client].
//
// It fails with a [*StatusError] where the service refuses, and with the errors
// of the function that sends.
package contentsafety

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// APIVersion is the version of the REST interface that is spoken.
const APIVersion = "2024-09-01"

// MaxText is how long a text may be that is judged at once, in characters
// (Content Safety, service limits).
const MaxText = 10_000

// Client asks one service.
type Client struct {
	// Do sends a request whose URL has path and query only, below the service's
	// own address.
	Do func(*http.Request) (*http.Response, error)
}

// Analysis is what to look for in a text.
type Analysis struct {
	// Categories are Hate, SelfHarm, Sexual, Violence; nil: none is looked for.
	Categories []string
	Blocklists []string
	// OutputType is FourSeverityLevels or EightSeverityLevels.
	OutputType string
}

// Found is what a text holds.
type Found struct {
	// Severity by category.
	Severity map[string]int
	// Blocklist is the first list that has something of the text; empty: none.
	Blocklist string
}

// StatusError is an answer of the service that is no judgement.
type StatusError struct {
	Status int
	// Code and Message are the service's own words, if it has any.
	Code, Message string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the content safety service answered %d: %s: %s", e.Status, e.Code, e.Message)
}

// everyCategory are the ones that the service judges by default.
func everyCategory() []string { return []string{"Hate", "SelfHarm", "Sexual", "Violence"} }

// Analyze judges a text.
func (c *Client) Analyze(ctx context.Context, text string, a Analysis) (Found, error) {
	ask := map[string]any{"text": text, "outputType": a.OutputType, "haltOnBlocklistHit": false}
	categories := a.Categories
	if len(categories) == 0 {
		categories = everyCategory()
	}
	ask["categories"] = categories
	if len(a.Blocklists) > 0 {
		ask["blocklistNames"] = a.Blocklists
	}
	var answer struct {
		BlocklistsMatch []struct {
			BlocklistName string `json:"blocklistName"`
		} `json:"blocklistsMatch"`
		CategoriesAnalysis []struct {
			Category string `json:"category"`
			Severity *int   `json:"severity"`
		} `json:"categoriesAnalysis"`
	}
	if err := c.post(ctx, "/contentsafety/text:analyze", ask, &answer); err != nil {
		return Found{}, err
	}
	out := Found{Severity: map[string]int{}}
	for _, k := range answer.CategoriesAnalysis {
		if k.Severity != nil {
			out.Severity[k.Category] = *k.Severity
		}
	}
	for _, name := range categories {
		if _, ok := out.Severity[name]; !ok {
			return Found{}, fmt.Errorf("the content safety service has not judged the category %s", name)
		}
	}
	if len(answer.BlocklistsMatch) > 0 {
		out.Blocklist = answer.BlocklistsMatch[0].BlocklistName
	}
	return out, nil
}

// ShieldPrompt reports whether a prompt is an attack on the model.
func (c *Client) ShieldPrompt(ctx context.Context, prompt string) (attack bool, err error) {
	var answer struct {
		UserPromptAnalysis *struct {
			AttackDetected *bool `json:"attackDetected"`
		} `json:"userPromptAnalysis"`
	}
	ask := map[string]any{"userPrompt": prompt, "documents": []string{}}
	if err := c.post(ctx, "/contentsafety/text:shieldPrompt", ask, &answer); err != nil {
		return false, err
	}
	if answer.UserPromptAnalysis == nil || answer.UserPromptAnalysis.AttackDetected == nil {
		return false, errors.New("the content safety service has not judged the prompt")
	}
	return *answer.UserPromptAnalysis.AttackDetected, nil
}

// maxAnswer is how long an answer of the service may be.
const maxAnswer = 1 << 20

func (c *Client) post(ctx context.Context, path string, ask, answer any) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, path+"?api-version="+APIVersion, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return err
	}
	if len(text) > maxAnswer {
		return errors.New("the answer of the content safety service is too long")
	}
	if resp.StatusCode != http.StatusOK {
		var failure struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		// What is no JSON has no words.
		_ = json.Unmarshal(text, &failure)
		return &StatusError{Status: resp.StatusCode, Code: failure.Error.Code, Message: failure.Error.Message}
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the answer of the content safety service: %w", err)
	}
	return nil
}
