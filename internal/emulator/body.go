package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/cloister-ai/cloister/internal/openai"
)

// read reads a request's body, a JSON object.
func (s *OpenAI) read(c *call, into any) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, openai.MaxBody))
	s.received.Add(int64(len(body)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, serviceError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is too large.")
	case err != nil:
		return nil, errGone // the caller went away
	}
	return body, decode(body, into)
}

// decode reads JSON and reports what is wrong in the service's words.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var mismatch *json.UnmarshalTypeError
	var own *apiError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return errType(mismatch.Field, mismatch.Value)
	}
	return errBody()
}

func errType(param, got string) *apiError {
	return requestError(fmt.Sprintf("Invalid type for '%s': got %s instead.", param, got), param, "invalid_type")
}

// text is a string, or the texts of a list of parts.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '[' {
		return json.Unmarshal(b, (*string)(t))
	}
	var parts []struct {
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		*t += text(p.Text + p.Refusal)
	}
	return nil
}

// list is a string or a list of strings.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*l = list{""}
		return json.Unmarshal(b, &(*l)[0])
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// inputs are what embeddings and completions take: a text, several, the
// numbers of tokens, or several lists of them.
type inputs []input

// input is one of them: its text, or a spelling of its tokens.
type input struct {
	text   string
	tokens int
}

func (in *inputs) UnmarshalJSON(b []byte) error {
	var texts list
	if json.Unmarshal(b, &texts) == nil {
		for _, t := range texts {
			*in = append(*in, input{t, countTokens(t)})
		}
		return nil
	}
	var lists [][]int
	var one []int
	if err := json.Unmarshal(b, &one); err == nil {
		lists = [][]int{one}
	} else if err := json.Unmarshal(b, &lists); err != nil {
		return err
	}
	for _, l := range lists {
		*in = append(*in, input{fmt.Sprint(l), len(l)})
	}
	return nil
}

// intIn checks an optional whole number.
func intIn(param string, v *int, low, high int) error {
	switch {
	case v == nil:
		return nil
	case *v < low:
		return requestError(fmt.Sprintf("Invalid '%s': integer below minimum value. Expected a value >= %d, but got %d instead.", param, low, *v), param, "integer_below_min_value")
	case *v > high:
		return requestError(fmt.Sprintf("Invalid '%s': integer above maximum value. Expected a value <= %d, but got %d instead.", param, high, *v), param, "integer_above_max_value")
	}
	return nil
}

// floatIn checks an optional number.
func floatIn(param string, v *float64, low, high float64) error {
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	switch {
	case v == nil:
		return nil
	case *v < low:
		return requestError(fmt.Sprintf("Invalid '%s': decimal below minimum value. Expected a value >= %s, but got %s instead.", param, number(low), number(*v)), param, "decimal_below_min_value")
	case *v > high:
		return requestError(fmt.Sprintf("Invalid '%s': decimal above maximum value. Expected a value <= %s, but got %s instead.", param, number(high), number(*v)), param, "decimal_above_max_value")
	}
	return nil
}

// orElse is an optional value or what it is without one.
func orElse[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
