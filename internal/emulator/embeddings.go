package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
)

type embeddingRequest struct {
	Model          string `json:"model"`
	Input          inputs `json:"input"`
	Dimensions     *int   `json:"dimensions"`
	EncodingFormat string `json:"encoding_format"`
}

type embeddingList struct {
	Object string      `json:"object"`
	Data   []embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
}

type embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	// Vector is []float32 or its bytes in base64.
	Vector any `json:"embedding"`
}

// Bounds of a request for embeddings.
const (
	maxInputs      = 2048
	maxInputTokens = 8192
)

func (r *embeddingRequest) check(d *deployment) error {
	if len(r.Input) == 0 {
		return errMissing("input")
	}
	if len(r.Input) > maxInputs {
		return requestError("Invalid 'input': array too long. Expected an array with maximum length "+strconv.Itoa(maxInputs)+", but got an array with length "+strconv.Itoa(len(r.Input))+" instead.", "input", "array_above_max_length")
	}
	for _, in := range r.Input {
		if in.tokens == 0 {
			return requestError("Invalid 'input': input cannot be an empty string.", "input", "")
		}
		if in.tokens > maxInputTokens {
			return requestError("This model's maximum context length is "+strconv.Itoa(maxInputTokens)+" tokens, however you requested "+strconv.Itoa(in.tokens)+" tokens. Please reduce your prompt.", "", "")
		}
	}
	switch r.EncodingFormat {
	case "", "float", "base64":
	default:
		return requestError("Invalid value: '"+r.EncodingFormat+"'. Supported values are: 'float' and 'base64'.", "encoding_format", "invalid_value")
	}
	return intIn("dimensions", r.Dimensions, 1, d.Dimensions)
}

// embeddings answers embeddings.
func (s *OpenAI) embeddings(c *call) error {
	var req embeddingRequest
	if _, err := s.read(c, &req); err != nil {
		return err
	}
	if err := s.named(c, req.Model); err != nil {
		return err
	}
	if c.d.Dimensions == 0 {
		return errOperation()
	}
	if err := req.check(c.d); err != nil {
		return err
	}
	out := embeddingList{Object: "list", Model: c.d.ModelID(), Data: make([]embedding, len(req.Input))}
	for _, in := range req.Input {
		out.Usage.PromptTokens += in.tokens
	}
	out.Usage.TotalTokens = out.Usage.PromptTokens
	if err := s.admit(c, out.Usage.PromptTokens); err != nil {
		return err
	}
	if err := c.think(); err != nil {
		return err
	}
	for i, in := range req.Input {
		v := vector(c.d.ModelID(), in.text, c.d.Dimensions, orElse(req.Dimensions, c.d.Dimensions))
		out.Data[i] = embedding{Object: "embedding", Index: i, Vector: v}
		if req.EncodingFormat == "base64" {
			out.Data[i].Vector = floatBytes(v)
		}
	}
	writeJSON(c.w, http.StatusOK, out)
	return nil
}

// vector is a unit vector that is a function of model and text. Fewer
// dimensions are the first ones, made a unit again, as the models do it.
func vector(model, text string, all, wanted int) []float32 {
	random := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(model + "\x00" + text))))
	out := make([]float32, min(all, wanted))
	sum := 0.0
	for i := range out {
		f := random.NormFloat64()
		out[i], sum = float32(f), sum+f*f
	}
	norm := float32(1 / math.Sqrt(sum))
	for i := range out {
		out[i] *= norm
	}
	return out
}

// floatBytes is a vector as little-endian floats in base64.
func floatBytes(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(b)
}
