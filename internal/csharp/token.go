package csharp

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
)

// tokenText is the JSON of a JToken without indentation; false: v is none.
func tokenText(t *clr.Thread, v clr.Value) (string, bool) {
	k, ok := v.O.(json.Token)
	if !ok {
		return "", false
	}
	return json.Text(t, k, false), true
}
