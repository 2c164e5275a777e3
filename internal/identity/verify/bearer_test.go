package verify

import (
	"errors"
	"strings"
	"testing"
)

func TestExtractBearer(t *testing.T) {
	long := strings.Repeat("a", MaxTokenSize)
	for _, c := range []struct {
		values     []string
		credential string
		token, ok  bool
		code       Code
	}{
		{nil, "", false, false, ""},
		{[]string{"Bearer a.b.c"}, "a.b.c", true, true, ""},
		{[]string{"bearer a.b.c"}, "a.b.c", true, true, ""},
		{[]string{"BEARER a.b."}, "a.b.", true, true, ""},
		{[]string{"Bearer 0123456789abcdef"}, "0123456789abcdef", false, true, ""},
		{[]string{"Bearer sk-a_b~c+/=="}, "sk-a_b~c+/==", false, true, ""},
		{[]string{"Bearer a.b"}, "a.b", false, true, ""},
		{[]string{"Bearer a.b.c.d"}, "a.b.c.d", false, true, ""},
		{[]string{"Bearer " + long}, long, false, true, ""},

		{[]string{"Bearer a.b.c.d.e"}, "", false, false, TokenEncrypted},
		{[]string{"Bearer " + long + "a"}, "", false, false, TokenTooLarge},
		{[]string{"Bearer a.b.c", "Bearer a.b.c"}, "", false, false, AuthorizationRepeated},
		{[]string{"Bearer a.b.c", "Basic x"}, "", false, false, AuthorizationRepeated},
		{[]string{""}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer"}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer "}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer  a.b.c"}, "", false, false, AuthorizationMalformed},
		{[]string{" Bearer a.b.c"}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer a.b.c "}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer\ta.b.c"}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer a.b.c, Bearer d.e.f"}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer a=b"}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer =="}, "", false, false, AuthorizationMalformed},
		{[]string{"Bearer a.b.\u00e9"}, "", false, false, AuthorizationMalformed},
		{[]string{"Basic YTpi"}, "", false, false, AuthorizationMalformed},
		{[]string{"DPoP a.b.c"}, "", false, false, AuthorizationMalformed},
	} {
		credential, token, ok, err := ExtractBearer(c.values)
		var e *Error
		if errors.As(err, &e) != (c.code != "") || (e != nil && (e.Code != c.code || e.Status != 400)) {
			t.Errorf("%.40q: error %v, want %q", c.values, err, c.code)
		}
		if credential != c.credential || token != c.token || ok != c.ok {
			t.Errorf("%.40q: %.20q, %v, %v", c.values, credential, token, ok)
		}
	}
}
