package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// forgeTrailer ends a backup as its format says, with the HMAC of another end.
func forgeTrailer(body []byte, rows int, end []byte) []byte {
	var l struct {
		End map[string]any `json:"end"`
	}
	if err := json.Unmarshal(end, &l); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(body)
	l.End["rows"], l.End["bytes"], l.End["sha256"] = rows, len(body), hex.EncodeToString(sum[:])
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	return append(append(body, text...), '\n')
}
