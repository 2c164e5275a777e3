package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy/contentsafety"
)

func llmContentSafetyEntry() entry {
	return entry{
		name: "llm-content-safety", sections: inOut, scopes: notOperation, instead: withoutCheck, connects: true,
		does: "prompts and completions through Azure AI Content Safety",
		attributes: []attribute{
			{name: "backend-id", required: true, expected: "the id of the backend that is the content safety service", expression: true},
			{name: "shield-prompt", expected: "true or false: whether prompts are looked at for attacks", otherwise: "false", expression: true},
			{name: "enforce-on-completions", expected: "true or false: whether the answer is judged too (inbound)", otherwise: "false", expression: true},
			{name: "window-size", expected: "characters that are judged at once, 100 to 10000", otherwise: "10000 for prompts, 1000 for completions"},
			{name: "window-overlap-size", expected: "characters that are judged again with the next window", otherwise: "100"},
		},
		children: []child{
			{
				name: "categories", expected: "what is looked for; without it, and without blocklists: every category from 4 on",
				attributes: []attribute{{name: "output-type", expected: "FourSeverityLevels or EightSeverityLevels", otherwise: "FourSeverityLevels", expression: true}},
				children: []child{{
					name: "category", required: true, many: true, expected: "one category",
					attributes: []attribute{
						{name: "name", required: true, expected: listed(safetyCategories()), expression: true},
						{name: "threshold", required: true, expected: "the severity from which on it is refused, 0 to 7", expression: true},
					},
				}},
			},
			{name: "blocklists", expected: "blocklists of the service", children: []child{
				{name: "id", required: true, many: true, expected: "the name of a blocklist", text: hasText, expression: true},
			}},
		},
		compile: compileLLMContentSafety,
		tier:    tierA, page: page{
			intro: "Has Azure AI Content Safety judge prompts before they leave, and completions before they reach the caller. What it finds is refused.",
			example: `
<llm-content-safety backend-id="openai-east" shield-prompt="true" enforce-on-completions="true">
  <categories output-type="EightSeverityLevels">
    <category name="Hate" threshold="4" />
    <category name="Violence" threshold="4" />
  </categories>
  <blocklists>
    <id>competitors</id>
  </blocklists>
</llm-content-safety>`,
			behaviour: []string{
				"A text is refused from the severity `threshold` on, where a blocklist has something of it, or, with `shield-prompt`, where it is an attack.",
				"Every string of the request is judged, whoever wrote it and whatever the member that holds it, but for roles, types, ids and the like, and pictures (`data:` URLs). What is neither JSON nor text is refused.",
				"In inbound the policy judges the request, and the answer too with `enforce-on-completions`; in outbound it judges the answer.",
				"Long texts are cut into windows. A request of more than 100 windows is refused: nothing judges part of it.",
				"A stream stays a stream: events are held back until as many characters have come as a window has, or the stream ends, and then let through or not. A stream that is refused ends with an event that says so, with the code `content_filter`.",
				"The service is a backend of the site: reached at a private address, with the credential that the site gives it. The caller's credential never goes there.",
				"Where the service cannot be asked, or does not answer, the request is refused as if it had found something: 403. A blocklist that does not exist is 400.",
			},
			differences: []string{
				"API Management sends the caller's Authorization header to the service unless the backend has a credential of its own; here it never does.",
				"API Management looks at the texts that it knows; parts that it does not know pass unseen, such as a `system` that is a list. Here every string is judged.",
				"A refused stream ends with an error event; in API Management it just stops.",
				"Windows overlap by 100 characters by default, so that nothing hides on their border.",
			},
			errors: []errorLine{
				{"ContentSafetyViolation", "something was found, 403"},
				{"ContentSafetyUnavailable", "the service did not judge the text, 403"},
				{"ContentSafetyBlocklist", "the service refuses the question, as where a blocklist does not exist, 400"},
				{"ContentSafetyUnreadable", "the body is neither JSON nor text, or too long, 403"},
			},
		},
	}
}

func safetyCategories() []string { return []string{"Hate", "SelfHarm", "Sexual", "Violence"} }

type llmContentSafety struct {
	backend             textValue
	shield, completions boolValue
	output              choiceValue
	categories          []safetyCategory
	blocklists          []textValue
	window, overlap     intValue
	// answer: the policy stands in outbound.
	answer bool
}

type safetyCategory struct {
	name      choiceValue
	threshold intValue
}

const (
	// promptWindow and completionWindow are the documented sizes.
	promptWindow     = contentsafety.MaxText
	completionWindow = 1000
	windowOverlap    = 100
	// mostWindows bounds the questions about one body.
	mostWindows = 100
	// safetyAtOnce is how many questions about one body are asked at a time.
	safetyAtOnce = 8
)

func compileLLMContentSafety(c *compiler, n *Node) statement {
	s := &llmContentSafety{
		shield:      c.boolAttribute(n, "shield-prompt", false),
		completions: c.boolAttribute(n, "enforce-on-completions", false),
		window:      c.intAttribute(n, "window-size", 100, contentsafety.MaxText, 0),
		overlap:     c.intAttribute(n, "window-overlap-size", 0, contentsafety.MaxText/2, windowOverlap),
		output:      choiceValue{literal: "FourSeverityLevels"},
		answer:      c.section == outbound,
	}
	s.backend = c.backendAttribute(n, "backend-id")
	for _, k := range n.Elements() {
		switch k.Name {
		case "categories":
			s.output = c.choiceAttribute(k, "output-type", "FourSeverityLevels", "FourSeverityLevels", "EightSeverityLevels")
			for _, category := range k.Elements() {
				s.categories = append(s.categories, safetyCategory{
					name:      c.choiceAttribute(category, "name", "", safetyCategories()...),
					threshold: c.intAttribute(category, "threshold", 0, 7, 4),
				})
			}
		case "blocklists":
			for _, id := range k.Elements() {
				if t, ok := c.textContent(id); ok {
					s.blocklists = append(s.blocklists, t)
				}
			}
		}
	}
	return s
}

// backendAttribute takes the id of a backend, which has to be there.
func (c *compiler) backendAttribute(n *Node, name string) textValue {
	t, ok := c.textAttribute(n, name)
	if !ok || t.compute != nil {
		return t
	}
	t.literal = strings.TrimSpace(t.literal)
	if c.env.backend(t.literal) == nil {
		v, _ := c.attribute(n, name)
		c.unknownBackend(v)
	}
	return t
}

func (s *llmContentSafety) do(ctx context.Context, x *Exchange) (flow, *Error) {
	j, e := s.judge(ctx, x)
	if e != nil {
		return stop, e
	}
	if s.answer {
		return next, j.response(ctx, x)
	}
	content, e := x.bytes(x.Request.Body, true)
	if e != nil {
		return stop, e
	}
	if e := j.body(ctx, content, true); e != nil {
		return stop, e
	}
	completions, e := s.completions.is(ctx, x)
	if e != nil {
		return stop, e
	}
	if completions {
		at := x.at
		x.beforeOutbound = append(x.beforeOutbound, func(ctx context.Context) *Error {
			e := j.response(ctx, x)
			if e != nil {
				e.place(at)
			}
			return e
		})
	}
	return next, nil
}

// safetyJudge is the policy for one exchange.
type safetyJudge struct {
	client     contentsafety.Client
	atOnce     func(n, most int, do func(i int))
	analysis   contentsafety.Analysis
	thresholds map[string]int
	shield     bool
	// window is 0 where the document does not say.
	window, overlap int
}

func (s *llmContentSafety) judge(ctx context.Context, x *Exchange) (j *safetyJudge, e *Error) {
	j = &safetyJudge{atOnce: x.atOnce, thresholds: map[string]int{}}
	id, e := s.backend.text(ctx, x)
	if e != nil {
		return nil, e
	}
	if x.CallBackend == nil {
		return nil, safetyUnavailable(errors.New("there is no way to backends"))
	}
	j.client.Do = func(req *http.Request) (*http.Response, error) { return x.CallBackend(strings.TrimSpace(id), req) }
	if j.shield, e = s.shield.is(ctx, x); e != nil {
		return nil, e
	}
	if j.analysis.OutputType, e = s.output.word(ctx, x); e != nil {
		return nil, e
	}
	if j.window, e = s.window.number(ctx, x); e != nil {
		return nil, e
	}
	if j.overlap, e = s.overlap.number(ctx, x); e != nil {
		return nil, e
	}
	for i := range s.categories {
		name, e := s.categories[i].name.word(ctx, x)
		if e != nil {
			return nil, e
		}
		if j.thresholds[name], e = s.categories[i].threshold.number(ctx, x); e != nil {
			return nil, e
		}
		j.analysis.Categories = append(j.analysis.Categories, name)
	}
	for i := range s.blocklists {
		name, e := s.blocklists[i].text(ctx, x)
		if e != nil {
			return nil, e
		}
		j.analysis.Blocklists = append(j.analysis.Blocklists, name)
	}
	if len(j.analysis.Categories) == 0 && len(j.analysis.Blocklists) == 0 {
		for _, name := range safetyCategories() {
			j.thresholds[name] = 4
		}
	}
	return j, nil
}

// body judges a whole body.
func (j *safetyJudge) body(ctx context.Context, content []byte, prompt bool) *Error {
	texts, ok := contentsafety.Texts(content)
	if !ok {
		return &Error{
			Reason: "ContentSafetyUnreadable", Status: http.StatusForbidden, PublicMessage: safetyRefusal,
			Message: "The body is neither JSON nor text, so that nobody can judge it.",
		}
	}
	var all, user strings.Builder
	for _, t := range texts {
		all.WriteString(t.Text + "\n")
		if t.User {
			user.WriteString(t.Text + "\n")
		}
	}
	size := j.size(prompt)
	var questions []question
	if all.Len() > 0 {
		if utf8.RuneCountInString(all.String()) > mostWindows*(size-min(j.overlap, size/2)) {
			return &Error{
				Reason: "ContentSafetyUnreadable", Status: http.StatusForbidden, PublicMessage: safetyRefusal,
				Message: fmt.Sprintf("The text is longer than %d windows of %d characters.", mostWindows, size),
			}
		}
		for _, w := range contentsafety.Windows(all.String(), size, j.overlap) {
			questions = append(questions, question{text: w})
		}
		if prompt && j.shield && user.Len() > 0 {
			for _, w := range contentsafety.Windows(user.String(), contentsafety.MaxText, j.overlap) {
				questions = append(questions, question{text: w, shield: true})
			}
		}
	}
	return j.ask(ctx, questions)
}

func (j *safetyJudge) size(prompt bool) int {
	switch {
	case j.window > 0:
		return j.window
	case prompt:
		return promptWindow
	}
	return completionWindow
}

// question is one text for the service.
type question struct {
	text   string
	shield bool
}

// ask asks several questions at once; the first refusal ends the others.
func (j *safetyJudge) ask(ctx context.Context, questions []question) *Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var once sync.Once
	var first *Error
	j.atOnce(len(questions), safetyAtOnce, func(i int) {
		if ctx.Err() != nil {
			return
		}
		if e := j.one(ctx, questions[i]); e != nil {
			once.Do(func() { first = e })
			cancel()
		}
	})
	if first == nil && ctx.Err() != nil {
		return safetyUnavailable(context.Cause(ctx))
	}
	return first
}

// one asks one question.
func (j *safetyJudge) one(ctx context.Context, q question) *Error {
	if q.shield {
		attack, err := j.client.ShieldPrompt(ctx, q.text)
		switch {
		case err != nil:
			return safetyFailed(err)
		case attack:
			return safetyFound("The prompt is an attack.")
		}
		return nil
	}
	found, err := j.client.Analyze(ctx, q.text, j.analysis)
	if err != nil {
		return safetyFailed(err)
	}
	if found.Blocklist != "" {
		return safetyFound("A blocklist has something of the text.")
	}
	for name, most := range j.thresholds {
		if found.Severity[name] >= most {
			return safetyFound("The severity of a category is too high.")
		}
	}
	return nil
}

// response judges an answer; one that is a stream as it passes.
func (j *safetyJudge) response(ctx context.Context, x *Exchange) *Error {
	r := x.Response
	if r == nil || r.Body == nil {
		return nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &Error{
			Reason: "ContentSafetyUnreadable", Status: http.StatusForbidden, PublicMessage: safetyRefusal,
			Message: "The answer is compressed, so that nobody can judge it.",
		}
	}
	if r.streams() {
		var found *Error
		judge := func(text string) error {
			if found = j.one(ctx, question{text: text}); found != nil {
				return found
			}
			return nil
		}
		if r.Body.Stream == nil { // out of a cache: it is judged before it leaves
			s := contentsafety.NewStream(io.NopCloser(bytes.NewReader(r.Body.Bytes)), j.size(false), j.overlap, judge, func(error) []byte { return nil })
			if _, err := io.Copy(io.Discard, s); err != nil {
				return safetyUnavailable(err)
			}
			return found
		}
		last := func(err error) []byte {
			x.Note("content safety ended the stream: " + err.Error())
			return openai.StreamError("content_filter", safetyRefusal)
		}
		r.Body = &Body{Stream: contentsafety.NewStream(r.Body.Stream, j.size(false), j.overlap, judge, last), Length: -1}
		return nil
	}
	content, e := x.bytes(r.Body, false)
	if e != nil {
		return e
	}
	return j.body(ctx, content, false)
}

// streams reports whether the answer is a stream of server-sent events.
func (r *Response) streams() bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}

// safetyRefusal is what the caller is told, as API Management tells it.
const safetyRefusal = "Request failed content safety check."

func safetyFound(message string) *Error {
	return denied(http.StatusForbidden, "ContentSafetyViolation", message, safetyRefusal)
}

func safetyUnavailable(err error) *Error {
	e := denied(http.StatusForbidden, "ContentSafetyUnavailable", "The content safety service has not judged the text.", safetyRefusal)
	e.Cause = err
	return e
}

// safetyFailed is the error of a question that was not answered.
func safetyFailed(err error) *Error {
	var status *contentsafety.StatusError
	if errors.As(err, &status) && (status.Status == http.StatusBadRequest || status.Status == http.StatusNotFound) {
		e := denied(http.StatusBadRequest, "ContentSafetyBlocklist", "The content safety service refuses the question.", safetyRefusal)
		e.Cause = err
		return e
	}
	return safetyUnavailable(err)
}
