package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
)

// EmbeddingRequest is the body that asks for the vector of a text. The model is
// not in it: the URL names a deployment, or the server has one model.
func EmbeddingRequest(text string) []byte {
	// Encoding a string cannot fail.
	b, _ := json.Marshal(struct {
		Input string `json:"input"`
	}{text})
	return b
}

const (
	maxEmbedding  = 1 << 20
	maxDimensions = 16 << 10
)

var errEmbedding = errors.New("the answer holds no vector")

// ReadEmbedding reads the one vector of an answer: numbers, or their bytes in
// base64. It reads at most 1 MiB.
func ReadEmbedding(r io.Reader) ([]float32, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxEmbedding+1))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []struct {
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
	}
	if len(raw) > maxEmbedding || json.Unmarshal(raw, &answer) != nil || len(answer.Data) != 1 {
		return nil, errEmbedding
	}
	var v []float32
	var text string
	if json.Unmarshal(answer.Data[0].Embedding, &v) != nil {
		if json.Unmarshal(answer.Data[0].Embedding, &text) != nil {
			return nil, errEmbedding
		}
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b)%4 != 0 {
			return nil, errEmbedding
		}
		v = make([]float32, len(b)/4)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
	if len(v) == 0 || len(v) > maxDimensions {
		return nil, errEmbedding
	}
	return v, nil
}
