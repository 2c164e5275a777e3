package csharp

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// tokenText is the JSON of a JToken without indentation; false: v is none.
func tokenText(*clr.Thread, clr.Value) (string, bool) {
	return "", false // the family of Newtonsoft.Json is not wired yet
}
