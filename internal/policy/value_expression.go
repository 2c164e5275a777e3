package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/site"
)

// expression is one expression of a compiled policy.
type expression struct {
	run *csharp.Expression
	// name is the attribute, or the element, whose value it is.
	name string
	pos  site.Pos
	// secret: it holds the value of a secret named value.
	secret bool
}

// eval runs the expression for an exchange.
func (e *expression) eval(ctx context.Context, x *Exchange) (clr.Value, *Error) {
	l := x.expressions()
	v, err := e.run.Run(ctx, &l.thread)
	if err != nil {
		return clr.Null, l.failed(e, err)
	}
	if x.Observer != nil {
		x.say(e.name, e.shown(l, v))
	}
	return v, nil
}

// text is a value as .NET's ToString() has it; of null nothing.
func (e *expression) text(x *Exchange, v clr.Value) (string, *Error) {
	switch {
	case v.IsNull():
		return "", nil
	case v.Is(clr.String):
		return v.S, nil
	case v.Is(clr.Int32):
		return strconv.FormatInt(v.Int(), 10), nil
	case v.Is(clr.Boolean):
		if v.Bool() {
			return "True", nil
		}
		return "False", nil
	}
	s, err := x.live.textOf(v)
	if err != nil {
		return "", x.live.failed(e, err)
	}
	return s, nil
}

// content is a value as the bytes of a body: a byte[] as it is, everything else
// as text in UTF-8.
func (e *expression) content(x *Exchange, v clr.Value) ([]byte, *Error) {
	if a, ok := v.O.(*clr.ArrayObject); ok && a.T == clr.Byte.ArrayOf(1) {
		return slices.Clone(a.Bytes), nil
	}
	s, err := e.text(x, v)
	if err != nil {
		return nil, err
	}
	// Half of a surrogate pair is nothing in UTF-8.
	return []byte(strings.ToValidUTF8(s, "\ufffd")), nil
}

// textOf is the work of ToString(), within limits of its own.
func (l *live) textOf(v clr.Value) (string, error) {
	l.thread.Start(context.Background(), clr.DefaultLimits())
	defer l.thread.End()
	return csharp.TextOf(&l.thread, v)
}

// failed is the error of an expression that threw, or was ended by a limit.
func (l *live) failed(e *expression, err error) *Error {
	if l.failure != nil {
		return l.failure
	}
	message := "Expression evaluation failed. "
	var thrown *csharp.Error
	var limit *clr.LimitError
	switch {
	case errors.As(err, &thrown):
		message += l.x.withoutSecrets(thrown.Message)
	case errors.As(err, &limit):
		message += "It takes too much: " + limit.Error() + "."
	default:
		message += "The gateway could not evaluate it."
	}
	return &Error{
		Reason: "ExpressionValueEvaluationFailure", Message: message, Status: http.StatusInternalServerError,
		Cause: fmt.Errorf("%s at %s: %w", e.name, e.pos, err),
	}
}

// badValue is the error of an expression whose value cannot be used.
func (e *expression) badValue(format string, args ...any) *Error {
	message := "Expression evaluation failed. " + fmt.Sprintf(format, args...)
	return &Error{
		Reason: "ExpressionValueEvaluationFailure", Message: message, Status: http.StatusInternalServerError,
		Cause: fmt.Errorf("%s at %s", e.name, e.pos),
	}
}

// longestShown is how much of a value an observer sees, in bytes.
const longestShown = 4 << 10

// masked stands in traces where a secret was.
const masked = "***"

// shown is a value for observers.
func (e *expression) shown(l *live, v clr.Value) string {
	if e.secret {
		return masked
	}
	if v.IsNull() {
		return "null"
	}
	s, err := l.textOf(v)
	if err != nil {
		return v.Type().FullName()
	}
	return s
}

func shortened(s string) string {
	if len(s) <= longestShown {
		return s
	}
	return strings.ToValidUTF8(s[:longestShown], "") + "…"
}

// textValue is text that is written, or computed for each request. The zero
// textValue is written and empty.
type textValue struct {
	literal string
	compute *expression
	// given: the document holds it.
	given  bool
	secret bool
	pos    site.Pos
}

// text is the value for one exchange.
func (t *textValue) text(ctx context.Context, x *Exchange) (string, *Error) {
	if t.compute == nil {
		return t.literal, nil
	}
	v, e := t.compute.eval(ctx, x)
	if e != nil {
		return "", e
	}
	return t.compute.text(x, v)
}

// value is the same with the type that the expression gave it.
func (t *textValue) value(ctx context.Context, x *Exchange) (clr.Value, *Error) {
	if t.compute == nil {
		return clr.Str(t.literal), nil
	}
	return t.compute.eval(ctx, x)
}

// boolValue is true or false, written or computed.
type boolValue struct {
	literal bool
	compute *expression
}

func (b *boolValue) is(ctx context.Context, x *Exchange) (bool, *Error) {
	if b.compute == nil {
		return b.literal, nil
	}
	v, e := b.compute.eval(ctx, x)
	if e != nil {
		return false, e
	}
	if v.Is(clr.Boolean) {
		return v.Bool(), nil
	}
	if v.Is(clr.String) {
		switch strings.ToLower(strings.TrimSpace(v.S)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, b.compute.badValue("The value of %q is neither true nor false.", b.compute.name)
}

// intValue is a whole number between two others, written or computed.
type intValue struct {
	literal   int
	compute   *expression
	low, high int
	given     bool
}

func (i *intValue) number(ctx context.Context, x *Exchange) (int, *Error) {
	if i.compute == nil {
		return i.literal, nil
	}
	v, e := i.compute.eval(ctx, x)
	if e != nil {
		return 0, e
	}
	s, e := i.compute.text(x, v)
	if e != nil {
		return 0, e
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if f, ok := wholeNumber(s); err != nil && ok {
		n, err = f, nil
	}
	if err != nil || n < i.low || n > i.high {
		return 0, i.compute.badValue("The value of %q is no whole number from %d to %d.", i.compute.name, i.low, i.high)
	}
	return n, nil
}

// wholeNumber reads a number that has a fraction of zeros, as doubles and
// decimals do.
func wholeNumber(s string) (int, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}

// textAttribute takes text or an expression.
func (c *compiler) textAttribute(n *Node, name string) (t textValue, ok bool) {
	a := n.Attribute(name)
	if a == nil {
		return textValue{}, false
	}
	if x, is := newExpression(a.Value, a.Written, a.Origin); is {
		x.Secret, x.Node, x.Attribute = a.Secret, n, name
		compute := c.expression(&x)
		return textValue{compute: compute, given: true, secret: a.Secret, pos: a.ValuePos}, compute != nil
	}
	v, ok := c.attribute(n, name)
	return textValue{literal: v.text, given: true, secret: v.secret, pos: v.pos}, ok
}

// textContent takes the text of an element, without white space around it, or
// its expression.
func (c *compiler) textContent(n *Node) (t textValue, ok bool) {
	if x, is := elementExpression(n); is {
		compute := c.expression(&x)
		return textValue{compute: compute, given: true, secret: x.Secret, pos: x.At(0)}, compute != nil
	}
	v, ok := c.content(n)
	return textValue{literal: v.text, given: true, secret: v.secret, pos: v.pos}, ok
}

// elementExpression is the expression that is the text of an element.
func elementExpression(n *Node) (Expression, bool) {
	var out []Expression
	for i := range n.Children {
		if k := n.Children[i]; k.Name == "" && !isBlank(k.Text) {
			x, ok := newExpression(k.Text, k.Written, k.Origin)
			x.Secret, x.Node = k.Secret, n
			if ok {
				out = append(out, x)
			}
			break
		}
	}
	if len(out) == 0 {
		return Expression{}, false
	}
	return out[0], true
}

// boolAttribute takes true, false or an expression of them.
func (c *compiler) boolAttribute(n *Node, name string, otherwise bool) boolValue {
	if a := n.Attribute(name); a != nil {
		if x, is := newExpression(a.Value, a.Written, a.Origin); is {
			x.Secret, x.Node, x.Attribute = a.Secret, n, name
			return boolValue{literal: otherwise, compute: c.typed(&x, "true or false", clr.Boolean, clr.String)}
		}
	}
	return boolValue{literal: c.boolean(n, name, otherwise)}
}

// intAttribute takes a whole number or an expression of one.
func (c *compiler) intAttribute(n *Node, name string, low, high, otherwise int) intValue {
	out := intValue{literal: otherwise, low: low, high: high}
	a := n.Attribute(name)
	if a == nil {
		return out
	}
	out.given = true
	if x, is := newExpression(a.Value, a.Written, a.Origin); is {
		x.Secret, x.Node, x.Attribute = a.Secret, n, name
		out.compute = c.typed(&x, "a whole number", clr.Int32, clr.Int64, clr.Int16, clr.Byte, clr.SByte, clr.UInt16, clr.UInt32,
			clr.UInt64, clr.Double, clr.Single, clr.Decimal, clr.String)
		return out
	}
	out.literal = c.integer(n, name, low, high, otherwise)
	return out
}

// choiceAttribute takes one of several words, or an expression of one.
func (c *compiler) choiceAttribute(n *Node, name, otherwise string, words ...string) choiceValue {
	if a := n.Attribute(name); a != nil {
		if x, is := newExpression(a.Value, a.Written, a.Origin); is {
			x.Secret, x.Node, x.Attribute = a.Secret, n, name
			return choiceValue{literal: otherwise, compute: c.expression(&x), words: words}
		}
	}
	return choiceValue{literal: c.choice(n, name, otherwise, words...)}
}

// choiceValue is one of several words, written or computed.
type choiceValue struct {
	literal string
	compute *expression
	words   []string
}

func (w *choiceValue) word(ctx context.Context, x *Exchange) (string, *Error) {
	if w.compute == nil {
		return w.literal, nil
	}
	v, e := w.compute.eval(ctx, x)
	if e != nil {
		return "", e
	}
	s, e := w.compute.text(x, v)
	if e != nil {
		return "", e
	}
	for _, word := range w.words {
		if strings.EqualFold(word, strings.TrimSpace(s)) {
			return word, nil
		}
	}
	return "", w.compute.badValue("The value of %q is not %s.", w.compute.name, listed(w.words))
}

// expression compiles an expression; nil, with a problem, where it is wrong,
// and without one where named values are missing, which was reported.
func (c *compiler) expression(x *Expression) *expression {
	if c.work.expressions == nil {
		c.work.expressions = map[site.Pos]bool{}
	}
	c.work.expressions[x.At(0)] = true
	run, errs := x.compile()
	for _, e := range errs {
		c.add(x.At(e.Offset), codeOf(e), "", "", "%s", x.says(e))
	}
	if run == nil {
		return nil
	}
	name := x.Attribute
	if name == "" {
		name = x.Node.Name
	}
	return &expression{run: run, name: name, pos: x.At(0), secret: x.Secret}
}

// typed is expression for a value of one of some types, as far as the
// expression's own type says.
func (c *compiler) typed(x *Expression, expected string, types ...*clr.Type) *expression {
	e := c.expression(x)
	if e == nil {
		return nil
	}
	result := e.run.Result()
	// What is not said, and objects, show themselves when they are there.
	if result == nil || !result.IsValue() {
		return e
	}
	for _, t := range types {
		if result == t || t.IsValue() && result == t.NullableOf() {
			return e
		}
	}
	c.strict(e.pos, "wrong-type", expected, "", "%q of %q is %s where %s belongs", e.name, x.Node.Name, result.FullName(), expected)
	return nil
}

// shown is written text for observers.
func (t *textValue) shown() string {
	if t.secret {
		return masked
	}
	return shortened(t.literal)
}

// hidden is a value of t for observers.
func (t *textValue) hidden(value string) string {
	if t.secret {
		return masked
	}
	return value
}
