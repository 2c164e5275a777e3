package policy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// internalMessage is the message of every 500.
const internalMessage = "Internal server error"

// DefaultResponse is the answer to an error that no policy shapes: API
// Management's one line of JSON, with its spacing. A status that is not an
// error's becomes 500. The exchange gives the request's id, which stands in
// 500s.
func DefaultResponse(x *Exchange, e *Error) *Response {
	status := errorStatus(e.Status)
	message := e.PublicMessage
	if message == "" {
		message = http.StatusText(status)
		if status == http.StatusInternalServerError {
			message = internalMessage
		}
	}
	body := make([]byte, 0, 64+len(message)+len(x.RequestID))
	body = append(body, `{ "statusCode": `...)
	body = strconv.AppendInt(body, int64(status), 10)
	body = append(body, `, "message": `...)
	body = appendJSON(body, message)
	if status == http.StatusInternalServerError {
		body = append(body, `, "activityId": `...)
		body = appendJSON(body, x.RequestID)
	}
	body = append(body, " }"...)

	header := make(http.Header, len(e.Header)+1)
	for name, values := range e.Header {
		header[name] = values
	}
	header["Content-Type"] = []string{"application/json"}
	return &Response{StatusCode: status, Header: header, Body: &Body{Bytes: body, Length: int64(len(body))}}
}

// errorStatus is status where it is an error's, else 500.
func errorStatus(status int) int {
	if status < 400 || status > 599 {
		return http.StatusInternalServerError
	}
	return status
}

// appendJSON appends s as a JSON string, with "<", ">" and "&" as they are.
func appendJSON(b []byte, s string) []byte {
	plain := func(r rune) bool { return r >= ' ' && r <= '~' && r != '"' && r != '\\' }
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	// Encoding a string cannot fail.
	_ = enc.Encode(s)
	return append(b, strings.TrimSuffix(out.String(), "\n")...)
}
