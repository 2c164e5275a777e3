package emulator

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/openai"
)

// model is a model as the v1 surface shows it.
type model struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
	Object  string `json:"object"`
	OwnedBy string `json:"owned_by"`
}

// resourceModel is a model as the surface with api-version shows it.
type resourceModel struct {
	Status       string       `json:"status"`
	Capabilities capabilities `json:"capabilities"`
	Lifecycle    string       `json:"lifecycle_status"`
	Deprecation  struct {
		Inference int64 `json:"inference"`
	} `json:"deprecation"`
	ID      string `json:"id"`
	Created int64  `json:"created_at"`
	Updated int64  `json:"updated_at"`
	Object  string `json:"object"`
}

type capabilities struct {
	FineTune       bool `json:"fine_tune"`
	Inference      bool `json:"inference"`
	Completion     bool `json:"completion"`
	ChatCompletion bool `json:"chat_completion"`
	Embeddings     bool `json:"embeddings"`
}

// Dates of all models: 2024-05-13 and 2034-05-13.
const (
	modelCreated = 1715558400
	modelRetired = 2031091200
)

// models answers models and models/{id}: the models behind the deployments.
func (s *OpenAI) models(c *call) error {
	show := func(d *deployment) any {
		if c.op.Surface == openai.SurfaceV1 {
			return model{ID: d.ModelID(), Created: modelCreated, Object: "model", OwnedBy: "system"}
		}
		m := resourceModel{
			Status: "succeeded", Lifecycle: "generally-available", ID: d.ModelID(), Created: modelCreated, Updated: modelCreated, Object: "model",
			Capabilities: capabilities{Inference: true, ChatCompletion: d.Dimensions == 0, Embeddings: d.Dimensions > 0},
		}
		m.Deprecation.Inference = modelRetired
		return m
	}
	if wanted := c.pathID("models"); wanted != "" {
		for _, d := range s.order {
			if d.ModelID() == wanted || d.Name == wanted {
				writeJSON(c.w, http.StatusOK, show(d))
				return nil
			}
		}
		return errNotFound()
	}
	list := struct {
		Data   []any  `json:"data"`
		Object string `json:"object"`
	}{[]any{}, "list"}
	seen := map[string]bool{}
	for _, d := range s.order {
		if id := d.ModelID(); !seen[id] {
			seen[id] = true
			list.Data = append(list.Data, show(d))
		}
	}
	writeJSON(c.w, http.StatusOK, list)
	return nil
}

// pathID is the path's segment after the last one of that name, decoded; empty
// where there is none.
func (c *call) pathID(after string) string {
	segments := strings.Split(c.r.URL.EscapedPath(), "/")
	for i := len(segments) - 2; i >= 0; i-- {
		if strings.EqualFold(segments[i], after) {
			id, err := url.PathUnescape(segments[i+1])
			if err != nil {
				return ""
			}
			return id
		}
	}
	return ""
}
