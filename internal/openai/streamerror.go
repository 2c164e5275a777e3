package openai

import "encoding/json"

// StreamError returns the event that ends a broken stream, in the form in which
// the service reports errors in mid-stream:
//
//	data: {"error":{"code":"…","message":"…"}}
//
// and a blank line. SDKs raise it as an error. Write a blank line first where
// [StreamMeter.Boundary] is false.
func StreamError(code, message string) []byte {
	var e struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	e.Error.Code, e.Error.Message = code, message
	b, err := json.Marshal(e)
	if err != nil { // strings always marshal
		b = []byte(`{"error":{"code":"InternalServerError","message":""}}`)
	}
	return append(append([]byte("data: "), b...), "\n\n"...)
}
