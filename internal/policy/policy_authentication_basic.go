package policy

import (
	"context"
	"encoding/base64"
	"strings"
)

func authenticationBasicEntry() entry {
	return entry{
		name: "authentication-basic", sections: inOnly, scopes: everyScope,
		does: "Basic authentication to the backend",
		tier: tierB, page: page{
			intro:   "Logs in to the backend by Basic authentication: sets the header `Authorization` to user name and password.",
			example: `<authentication-basic username="gateway" password="@((string)context.Variables["backend-password"])" />`,
			behaviour: []string{
				"User name and password are sent in UTF-8. They may be expressions; keep the password in a secret named value.",
			},
			differences: []string{
				"A user name with a colon is refused: servers take what is behind it for the password.",
				"Observers and traces see neither.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives a user name with a colon"}},
		},
		attributes: []attribute{
			{name: "username", required: true, expected: "a user name without a colon", expression: true},
			{name: "password", required: true, expected: "its password", expression: true},
		},
		compile: compileAuthenticationBasic,
	}
}

type authenticationBasic struct{ user, password textValue }

func compileAuthenticationBasic(c *compiler, n *Node) statement {
	s := &authenticationBasic{}
	s.user, _ = c.textAttribute(n, "username")
	s.password, _ = c.textAttribute(n, "password")
	if s.user.compute == nil && strings.Contains(s.user.literal, ":") {
		v, _ := c.attribute(n, "username")
		c.malformed(v, "username", "a user name without a colon", "")
	}
	return s
}

func (s *authenticationBasic) do(ctx context.Context, x *Exchange) (flow, *Error) {
	user, e := s.user.text(ctx, x)
	if e != nil {
		return stop, e
	}
	password, e := s.password.text(ctx, x)
	if e != nil {
		return stop, e
	}
	if strings.Contains(user, ":") {
		return stop, s.user.compute.badValue("The value of \"username\" holds a colon.")
	}
	value := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	x.own.AddHeader("Basic " + value)
	x.requestHeader()["Authorization"] = []string{"Basic " + value}
	x.say("Authorization", masked)
	return next, nil
}
