package emulator

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/secret"
)

// authenticate lets in who shows a key of the resource or a token. On the v1
// surface and for realtime a key may come as a Bearer value, because SDKs send
// it so.
func (s *OpenAI) authenticate(c *call) error {
	key := c.r.Header.Get("Api-Key")
	if key == "" && c.op.Upgrade {
		key = c.r.URL.Query().Get("api-key")
	}
	if key != "" {
		return s.checkKey(key)
	}
	scheme, value, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || value == "" {
		return errBadKey()
	}
	if (c.op.Surface == openai.SurfaceV1 || c.op.Upgrade) && strings.Count(value, ".") != 2 {
		return s.checkKey(value)
	}
	if s.opt.VerifyToken == nil {
		return errBadToken()
	}
	err := s.opt.VerifyToken(c.r.Context(), value)
	var denied *PermissionError
	switch {
	case errors.As(err, &denied):
		return errPermission(denied.ObjectID, c)
	case err != nil:
		return errBadToken()
	}
	return nil
}

func (s *OpenAI) checkKey(key string) error {
	shown := secret.New(key)
	if !slices.ContainsFunc(s.opt.Keys, shown.Equal) {
		return errBadKey()
	}
	if s.opt.DisableLocalAuth {
		return errLocalAuth()
	}
	return nil
}

// versions are the values of api-version that the service has published.
const versions = " 2022-12-01 2023-05-15 2023-06-01-preview 2023-07-01-preview 2023-08-01-preview 2023-09-01-preview" +
	" 2023-10-01-preview 2023-12-01-preview 2024-02-01 2024-02-15-preview 2024-03-01-preview 2024-04-01-preview" +
	" 2024-05-01-preview 2024-06-01 2024-07-01-preview 2024-08-01-preview 2024-09-01-preview 2024-10-01-preview" +
	" 2024-10-21 2024-12-01-preview 2025-01-01-preview 2025-02-01-preview 2025-03-01-preview 2025-04-01-preview "

// firstResponses is the first version with the Responses API.
const firstResponses = "2025-03-01-preview"

// checkVersion judges api-version: on the v1 surface it may be missing.
func checkVersion(c *call) error {
	v := c.r.URL.Query()["api-version"]
	if c.op.Surface == openai.SurfaceV1 {
		if len(v) == 0 || len(v) == 1 && (v[0] == "v1" || v[0] == "preview" || v[0] == "latest") {
			return nil
		}
		return errVersion("API version not supported")
	}
	if len(v) != 1 || strings.ContainsRune(v[0], ' ') || !strings.Contains(versions, " "+v[0]+" ") {
		return errNotFound()
	}
	if c.op.Kind == openai.KindResponse && v[0] < firstResponses {
		return errVersion("Azure OpenAI Responses API is enabled only for api-version " + firstResponses + " and later")
	}
	return nil
}

func errVersion(message string) *apiError {
	return serviceError(http.StatusBadRequest, "BadRequest", message)
}

// operationID is the name of an operation in the published description.
func operationID(op *openai.Operation) string {
	switch op.Name {
	case "chat/completions":
		return "ChatCompletions_Create"
	case "completions":
		return "Completions_Create"
	case "embeddings":
		return "Embeddings_Create"
	case "responses":
		return "Responses_Create"
	}
	return op.Name
}

// actionPath is the operation's part of its data action's name.
func (c *call) actionPath() string {
	switch c.op.Kind {
	case openai.KindChat, openai.KindCompletion, openai.KindEmbedding:
		return "deployments/" + c.op.Name
	}
	return strings.TrimSuffix(c.op.Name, "/{id}")
}

// templatePath is the operation's path below /openai/.
func (c *call) templatePath() string {
	switch c.op.Surface {
	case openai.SurfaceDeployment:
		return "deployments/{deployment-id}/" + c.op.Name
	case openai.SurfaceV1:
		return "v1/" + c.op.Name
	}
	return c.op.Name
}
