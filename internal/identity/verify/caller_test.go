package verify

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/site"
)

func TestMapCaller(t *testing.T) {
	tok := func(change func(*Token)) *Token {
		out := &Token{AppOnly: true, Principal: identity.Principal{
			Issuer: testIssuer, Subject: "Sub", ObjectID: testObject, ClientID: testClient,
			Roles: []string{"Invoke", "Read"}, Groups: []string{"g1", "g2"},
		}}
		if change != nil {
			change(out)
		}
		return out
	}
	user := tok(func(t *Token) { t.AppOnly, t.Principal.Scopes = false, []string{"chat"} })
	appWithScope := tok(func(t *Token) { t.Principal.Scopes = []string{"chat"} })
	noObject := tok(func(t *Token) { t.Principal.ObjectID = "" })
	noClient := tok(func(t *Token) { t.Principal.ClientID = "" })
	l := func(s ...string) []string { return s }
	type rule = site.TokenCaller
	for _, c := range []struct {
		name  string
		rules []rule
		tok   *Token
		want  string
	}{
		{"no rules", nil, tok(nil), ""},
		{"no condition", []rule{{}}, tok(nil), ""},
		{"issuer alone", []rule{{Issuer: testIssuer}}, tok(nil), "0"},
		{"another issuer", []rule{{Issuer: testIssuer + "/"}}, tok(nil), ""},
		{"client", []rule{{ClientApplicationIDs: l("x", testClient)}}, tok(nil), "0"},
		{"client in capitals", []rule{{ClientApplicationIDs: l(strings.ToUpper(testClient))}}, tok(nil), "0"},
		{"another client", []rule{{ClientApplicationIDs: l("x")}}, tok(nil), ""},
		{"empty client against none", []rule{{ClientApplicationIDs: l("")}}, noClient, ""},
		{"object", []rule{{Principals: l(testObject)}}, tok(nil), "0"},
		{"subject where there is an object", []rule{{Principals: l("Sub")}}, tok(nil), ""},
		{"subject", []rule{{Principals: l("Sub")}}, noObject, "0"},
		{"subject in another case", []rule{{Principals: l("sub")}}, noObject, ""},
		{"group", []rule{{Groups: l("g2")}}, tok(nil), "0"},
		{"role", []rule{{Roles: l("Read")}}, tok(nil), "0"},
		{"role in another case", []rule{{Roles: l("read")}}, tok(nil), ""},
		{"scope", []rule{{Scopes: l("chat")}}, user, "0"},
		{"scope of an application", []rule{{Scopes: l("chat")}}, appWithScope, ""},
		{"all conditions", []rule{{Issuer: testIssuer, ClientApplicationIDs: l(testClient), Roles: l("Invoke")}}, tok(nil), "0"},
		{"all but one", []rule{{ClientApplicationIDs: l(testClient), Roles: l("Write")}}, tok(nil), ""},
		{"the first that matches", []rule{{Roles: l("Write")}, {Roles: l("Read")}, {Roles: l("Invoke")}}, tok(nil), "1"},
	} {
		cfg := &site.Tokens{Callers: c.rules}
		for i := range cfg.Callers {
			cfg.Callers[i].Subscription = string(rune('0' + i))
		}
		if got, ok := MapCaller(cfg, c.tok); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.name, got, ok, c.want)
		}
	}
}

func TestBound(t *testing.T) {
	b := func(principals, certificates []string) *site.Binding {
		return &site.Binding{Principals: principals, Certificates: certificates}
	}
	for _, c := range []struct {
		name                   string
		b                      *site.Binding
		principal, certificate string
		want                   bool
	}{
		{"no binding", nil, "", "", true},
		{"empty binding", b(nil, nil), "", "", true},
		{"principal", b([]string{testObject}, nil), strings.ToUpper(testObject), "", true},
		{"another principal", b([]string{testObject}, nil), "x", "", false},
		{"no principal", b([]string{testObject}, nil), "", "ff", false},
		{"empty entry, no principal", b([]string{""}, nil), "", "", false},
		{"certificate", b(nil, []string{"aa", "ff"}), "", "ff", true},
		{"no certificate", b(nil, []string{"ff"}), testObject, "", false},
		{"empty entry, no certificate", b(nil, []string{""}), "", "", false},
		{"both", b([]string{"p"}, []string{"ff"}), "p", "ff", true},
		{"one of both", b([]string{"p"}, []string{"ff"}), "p", "aa", false},
	} {
		if got := Bound(c.b, c.principal, c.certificate); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
