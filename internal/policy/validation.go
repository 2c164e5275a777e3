package policy

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	clrjson "github.com/cloister-ai/cloister/internal/csharp/clr/json"
)

// Actions of the policies that validate.
const (
	ignoreWord  = "ignore"
	preventWord = "prevent"
	detectWord  = "detect"
)

func validationActions() []string { return []string{ignoreWord, preventWord, detectWord} }

// actionAttribute describes an attribute that holds an action.
func actionAttribute(name, expected string) attribute {
	return attribute{name: name, required: true, expected: expected + ": ignore, prevent or detect", expression: true}
}

// errorsAttribute describes errors-variable-name.
func errorsAttribute() attribute {
	return attribute{name: "errors-variable-name", expected: "the name of a variable for the errors that are found"}
}

func (c *compiler) action(n *Node, name string) choiceValue {
	return c.choiceAttribute(n, name, preventWord, validationActions()...)
}

// errorsVariable takes errors-variable-name; empty: there is none.
func (c *compiler) errorsVariable(n *Node) string {
	v, ok := c.attribute(n, "errors-variable-name")
	name := strings.TrimSpace(v.text)
	if ok && name == "" {
		c.invalid(v, "errors-variable-name", "the name of a variable", "")
	}
	return name
}

// Reasons of errors, as API Management has them.
const (
	badRequest         = "Bad request"
	responseNotAllowed = "Response not allowed"
)

// hiddenFromCallers is what callers hear of errors that are not theirs.
const hiddenFromCallers = "The request could not be processed due to an internal error. Contact the API owner."

// finding is one error of a validation, as the reference lists them.
type finding struct {
	// name is the content type, the parameter or the status.
	name string
	// kind and rule are its Type and ValidationRule.
	kind, rule string
	details    string
	// public is what the caller hears; empty: nothing of it.
	public string
}

// noSchema is the finding where no document describes the operation.
func noSchema() finding {
	return finding{kind: "ApiSchema", details: "API's schema does not exist or it could not be resolved."}
}

// validation collects what one run of a policy finds.
type validation struct {
	x        *Exchange
	variable string
	answer   bool
	// prevented is the first finding that ends the request.
	prevented *finding
	any       bool
}

// maxFindings is how many errors one variable holds.
const maxFindings = 100

// found takes what was found together; true: the request ends.
func (v *validation) found(ctx context.Context, action *choiceValue, list ...finding) (bool, *Error) {
	if len(list) == 0 {
		return false, nil
	}
	word, e := action.word(ctx, v.x)
	if e != nil || word == ignoreWord {
		return false, e
	}
	for i := range list {
		v.note(&list[i], word)
	}
	if word == preventWord && v.prevented == nil {
		v.prevented = &list[0]
	}
	return word == preventWord, nil
}

func (v *validation) note(f *finding, action string) {
	if v.x.Observer != nil {
		v.x.say(action, f.details)
	}
	if v.variable == "" || len(v.x.findings[v.variable]) >= maxFindings {
		return
	}
	if v.x.findings == nil {
		v.x.findings = map[string][]json.RawMessage{}
	}
	// Encoding text cannot fail.
	text, _ := json.Marshal(struct{ Name, Type, ValidationRule, Details, Action string }{f.name, f.kind, f.rule, f.details, action})
	v.x.findings[v.variable] = append(v.x.findings[v.variable], text)
	v.any = true
}

// end writes the variable down, and gives the error that ends the request.
func (v *validation) end() *Error {
	if v.any {
		text, _ := json.Marshal(v.x.findings[v.variable])
		l := v.x.expressions()
		l.thread.Start(context.Background(), clr.DefaultLimits())
		list, thrown := clrjson.ParseArray(&l.thread, string(text))
		l.thread.End()
		if thrown == nil {
			v.x.Variables.Set(v.variable, clr.Obj(list))
		}
	}
	if v.prevented == nil {
		return nil
	}
	e := &Error{Reason: badRequest, Status: http.StatusBadRequest, Message: v.prevented.details, PublicMessage: v.prevented.public}
	if v.answer {
		e.Reason, e.Status = responseNotAllowed, http.StatusBadGateway
	}
	if v.answer || e.PublicMessage == "" {
		e.PublicMessage = hiddenFromCallers
	}
	return e
}
