package emulator

import (
	"encoding/json"
	"strings"
)

// Trigger words. A prompt that holds one is refused as the service's content
// filter refuses it; FilterOutput lets the prompt pass and ends the answer.
const (
	TriggerHate      = "cloister-filter-hate"
	TriggerSelfHarm  = "cloister-filter-self-harm"
	TriggerSexual    = "cloister-filter-sexual"
	TriggerViolence  = "cloister-filter-violence"
	TriggerJailbreak = "cloister-filter-jailbreak"
	TriggerOutput    = "cloister-filter-output"
)

// severity is a filter's result with a severity.
type severity struct {
	Filtered bool   `json:"filtered"`
	Severity string `json:"severity"`
}

// detection is a filter's result without one.
type detection struct {
	Detected bool `json:"detected"`
	Filtered bool `json:"filtered"`
}

// filters are the results for one prompt or one choice.
type filters struct {
	Hate      severity   `json:"hate"`
	Jailbreak *detection `json:"jailbreak,omitempty"`
	Code      *detection `json:"protected_material_code,omitempty"`
	Text      *detection `json:"protected_material_text,omitempty"`
	SelfHarm  severity   `json:"self_harm"`
	Sexual    severity   `json:"sexual"`
	Violence  severity   `json:"violence"`
}

type promptFilter struct {
	Index   int     `json:"prompt_index"`
	Results filters `json:"content_filter_results"`
}

func safe() severity { return severity{Severity: "safe"} }

// safePrompt is the result for a prompt that passes.
func safePrompt() filters {
	return filters{Hate: safe(), Jailbreak: &detection{}, SelfHarm: safe(), Sexual: safe(), Violence: safe()}
}

// safeChoice is the result for a text that passes.
func safeChoice() filters {
	return filters{Hate: safe(), Code: &detection{}, Text: &detection{}, SelfHarm: safe(), Sexual: safe(), Violence: safe()}
}

// filteredChoice is the result for a text that was ended by the filter.
func filteredChoice() filters {
	f := safeChoice()
	f.Violence = severity{Filtered: true, Severity: "medium"}
	return f
}

// promptFilters are the results for n prompts that pass.
func promptFilters(n int) []promptFilter {
	out := make([]promptFilter, n)
	for i := range out {
		out[i] = promptFilter{Index: i, Results: safePrompt()}
	}
	return out
}

// filterPrompt returns the service's refusal of a prompt with a trigger word.
func filterPrompt(prompt string) error {
	if !strings.Contains(prompt, "cloister-filter-") {
		return nil
	}
	f := safePrompt()
	high := severity{Filtered: true, Severity: "high"}
	switch {
	case strings.Contains(prompt, TriggerHate):
		f.Hate = high
	case strings.Contains(prompt, TriggerSelfHarm):
		f.SelfHarm = high
	case strings.Contains(prompt, TriggerSexual):
		f.Sexual = high
	case strings.Contains(prompt, TriggerViolence):
		f.Violence = high
	case strings.Contains(prompt, TriggerJailbreak):
		f.Jailbreak = &detection{Detected: true, Filtered: true}
	default:
		return nil
	}
	e := serviceError(400, "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766")
	e.body.Param, e.body.Type, e.body.Status = nullable("prompt"), nullable(""), 400
	e.body.Inner = &innerError{Code: "ResponsibleAIPolicyViolation", Result: f}
	return e
}

// raw marshals a shape of ours; it is used where bytes are made once for many
// events.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // all shapes are ours and marshal
		return json.RawMessage("null")
	}
	return b
}
