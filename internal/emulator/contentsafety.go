package emulator

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ContentSafety stands in for Azure AI Content Safety: text:analyze and
// text:shieldPrompt of version 2024-09-01, judged by words. A text holds a
// category as severely as the word of it says that is worst.
type ContentSafety struct {
	// Key is what Ocp-Apim-Subscription-Key has to be; empty: nobody asks for it.
	Key string
	// Words give the severity of a category, 0 to 7, by a word in lower case.
	Words map[string]Harm
	// Blocklists are words by the name of a list.
	Blocklists map[string][]string
	// Attacks are words that make a prompt an attack.
	Attacks []string
}

// Harm is a category and how severe it is.
type Harm struct {
	Category string
	Severity int
}

// safetyText is how long a text may be, in characters.
const safetyText = 10_000

// ServeHTTP answers the service's REST interface.
func (s *ContentSafety) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.Key != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Ocp-Apim-Subscription-Key")), []byte(s.Key)) != 1:
		safetyError(w, http.StatusUnauthorized, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
	case r.URL.Query().Get("api-version") == "":
		safetyError(w, http.StatusNotFound, "404", "Resource not found")
	case r.Method == http.MethodPost && r.URL.Path == "/contentsafety/text:analyze":
		s.analyze(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/contentsafety/text:shieldPrompt":
		s.shield(w, r)
	default:
		safetyError(w, http.StatusNotFound, "404", "Resource not found")
	}
}

func (s *ContentSafety) analyze(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Text           *string  `json:"text"`
		Categories     []string `json:"categories"`
		BlocklistNames []string `json:"blocklistNames"`
		OutputType     string   `json:"outputType"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&ask); err != nil || ask.Text == nil {
		safetyError(w, http.StatusBadRequest, "InvalidRequestBody", "The request body is not valid.")
		return
	}
	if n := utf8.RuneCountInString(*ask.Text); n == 0 || n > safetyText {
		safetyError(w, http.StatusBadRequest, "InvalidRequestBody", "The length of the text is out of range.")
		return
	}
	text := strings.ToLower(*ask.Text)
	type match struct {
		BlocklistName     string `json:"blocklistName"`
		BlocklistItemID   string `json:"blocklistItemId"`
		BlocklistItemText string `json:"blocklistItemText"`
	}
	type analysis struct {
		Category string `json:"category"`
		Severity int    `json:"severity"`
	}
	matches, found := []match{}, []analysis{}
	for _, name := range ask.BlocklistNames {
		words, ok := s.Blocklists[name]
		if !ok {
			safetyError(w, http.StatusNotFound, "NotFound", "The blocklist is not found.")
			return
		}
		for _, word := range words {
			if strings.Contains(text, word) {
				matches = append(matches, match{name, "1", word})
			}
		}
	}
	if len(ask.Categories) == 0 {
		ask.Categories = []string{"Hate", "SelfHarm", "Sexual", "Violence"}
	}
	for _, name := range ask.Categories {
		k := analysis{Category: name}
		for word, harm := range s.Words {
			if harm.Category == name && strings.Contains(text, word) {
				k.Severity = max(k.Severity, harm.Severity)
			}
		}
		if ask.OutputType != "EightSeverityLevels" {
			k.Severity = k.Severity / 2 * 2
		}
		found = append(found, k)
	}
	safetyAnswer(w, map[string]any{"blocklistsMatch": matches, "categoriesAnalysis": found})
}

func (s *ContentSafety) shield(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		UserPrompt string   `json:"userPrompt"`
		Documents  []string `json:"documents"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&ask); err != nil || utf8.RuneCountInString(ask.UserPrompt) > safetyText {
		safetyError(w, http.StatusBadRequest, "InvalidRequestBody", "The request body is not valid.")
		return
	}
	attacks := func(text string) map[string]bool {
		for _, word := range s.Attacks {
			if strings.Contains(strings.ToLower(text), word) {
				return map[string]bool{"attackDetected": true}
			}
		}
		return map[string]bool{"attackDetected": false}
	}
	documents := []map[string]bool{}
	for _, d := range ask.Documents {
		documents = append(documents, attacks(d))
	}
	safetyAnswer(w, map[string]any{"userPromptAnalysis": attacks(ask.UserPrompt), "documentsAnalysis": documents})
}

func safetyAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// A caller that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(v)
}

func safetyError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}
