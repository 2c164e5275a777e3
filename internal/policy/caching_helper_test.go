package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/cache"
)

// cached gives the surroundings their caches: without a file "no cache". A file
// "broken cache" makes every call of them fail. "embeddings" has lines
// TEXT = NUMBER NUMBER …, the vectors of texts; a text without one fails.
func (s *surroundings) cached(f fixture) {
	if _, ok := f.files["no cache"]; ok {
		return
	}
	s.Caches = NewCaches(0, s.Now)
	if _, ok := f.files["broken cache"]; ok {
		s.Caches.Values, s.Caches.Responses, s.Caches.Completions = brokenCache{}, brokenCache{}, brokenCache{}
	}
	if text, ok := f.files["embeddings"]; ok {
		s.Embedder = &tableEmbedder{text: text, s: s}
	}
}

// unrecorded is the body that a recording collects.
func unrecorded(r io.ReadCloser) io.ReadCloser {
	if rec, ok := r.(*recording); ok {
		return rec.in
	}
	return r
}

var errBroken = errors.New("the cache is broken")

// brokenCache fails.
type brokenCache struct{}

func (brokenCache) Get(context.Context, string) (cache.Item, bool, error) {
	return cache.Item{}, false, errBroken
}
func (brokenCache) Set(context.Context, string, []byte, time.Duration) error { return errBroken }
func (brokenCache) Remove(context.Context, string) error                     { return errBroken }
func (brokenCache) Nearest(context.Context, string, []float32, float64) (cache.Match, bool, error) {
	return cache.Match{}, false, errBroken
}
func (brokenCache) Add(context.Context, string, []float32, []byte, time.Duration) error {
	return errBroken
}

// tableEmbedder knows the vectors of some texts.
type tableEmbedder struct {
	text string
	s    *surroundings
}

func (e *tableEmbedder) Embed(_ context.Context, backend, text string) ([]float32, error) {
	fmt.Fprintf(&e.s.did, "embedded by %s: %q\n", backend, text)
	for line := range strings.Lines(e.text) {
		known, vector, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if strings.ReplaceAll(known, "\\n", "\n") != text {
			continue
		}
		var v []float32
		for field := range strings.FieldsSeq(vector) {
			n, _ := strconv.ParseFloat(field, 32)
			v = append(v, float32(n))
		}
		return v, nil
	}
	return nil, errors.New("the embeddings backend answered with the status 503")
}
