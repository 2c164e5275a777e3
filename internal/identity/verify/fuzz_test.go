package verify

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzToken signs whatever header and claims it is given with the issuer's
// key, so that everything behind the signature is reached. What is accepted
// has one spelling: it encodes to the same bytes again, no single changed
// byte is accepted, and encoding/json reads the same claims in it.
func FuzzToken(f *testing.F) {
	header := `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`
	claims := string(encode(f, goodClaims(day)))
	for _, seed := range [][3]string{
		{header, claims, ""},
		{` {"typ":"jwt" ,"kid":"k1","alg":"EdDSA","jwk":{}}`, claims, ""},
		{`{"alg":"none","kid":"k1","typ":"JWT"}`, claims, ""},
		{`{"alg":"EdDSA","kid":"k1","typ":"JWT","crit":[]}`, claims, ""},
		{header, strings.Replace(claims, `"aud":"`, `"aud":["x"],"aud":"`, 1), ""},
		{header, strings.Replace(claims, `"roles":["Model.Invoke"]`, `"scp":"a b"`, 1), ""},
		{header, strings.Replace(claims, `"sub":"subject"`, `"sub":"\ud83d\ude00"`, 1), ""},
		{header, `{}`, "a.b.c"},
		{"", "", "eyJhbGciOiJub25lIn0.e30."},
		{"", "", "...."},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	k := newKey(f, "k1", "EdDSA")
	issuer := &fakeIssuer{}
	issuer.publish(k)
	v := newVerifier(f, issuer, testConfig(), Options{Now: fixedClock})
	f.Fuzz(func(t *testing.T, header, claims, raw string) {
		if tok, err := v.Verify(t.Context(), raw); err == nil {
			t.Fatalf("forged: %+v", tok)
		}
		raw = k.compact(t, []byte(header), []byte(claims))
		tok, err := v.Verify(t.Context(), raw)
		if err != nil {
			return
		}
		checkSpelling(t, raw)
		checkClaims(t, tok)
		checkFlips(t, v, raw)
	})
}

func checkSpelling(t *testing.T, raw string) {
	t.Helper()
	var again []string
	for part := range strings.SplitSeq(raw, ".") {
		b, err := decodeBase64(part)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, b64(b))
	}
	if strings.Join(again, ".") != raw {
		t.Fatalf("another spelling was accepted: %s", raw)
	}
}

func checkClaims(t *testing.T, tok *Token) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(tok.Payload(), &c); err != nil {
		t.Fatalf("accepted what is not JSON: %v", err)
	}
	p := tok.Principal
	for name, want := range map[string]string{"iss": testIssuer, "sub": p.Subject, "oid": p.ObjectID, "tid": testTenant} {
		if got, isText := c[name].(string); !isText || got != want || got == "" {
			t.Fatalf("%s is %v, and was read as %q", name, c[name], want)
		}
	}
	aud, isText := c["aud"].(string)
	list, isList := c["aud"].([]any)
	if !(isText && aud == testAudience || isList && slices.Contains(list, any(testAudience))) {
		t.Fatalf("aud is %v", c["aud"])
	}
	exp, isNumber := c["exp"].(float64)
	if !isNumber || exp != float64(p.Expires.Unix()) || exp <= float64(day.Add(-clockSkew).Unix()) {
		t.Fatalf("exp is %v, and was read as %v", c["exp"], p.Expires)
	}
	for _, name := range []string{"nonce", "at_hash", "cnf"} {
		if _, has := c[name]; has {
			t.Fatalf("accepted with %s", name)
		}
	}
}

func checkFlips(t *testing.T, v *TokenVerifier, raw string) {
	t.Helper()
	for i := range len(raw) {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			changed := []byte(raw)
			changed[i] ^= bit
			if _, err := v.Verify(t.Context(), string(changed)); err == nil {
				t.Fatalf("byte %d changed by %#x is still accepted", i, bit)
			}
		}
	}
}

// FuzzJSON: what the strict reader accepts, encoding/json accepts and reads
// alike, and no object in it had a name twice.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":[true,false,null,"x",-0.5e+3]}`, ` { "a" : { "b" : [ ] } } `,
		`{"a":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":"` + "\x00" + `"}`,
		`{"a":1}{}`, `[]`, `{"a":tru}`, `{"a":"\u12"}`, `{"a":"\u+123"}`, `{,}`, `{"a":[1,]}`, `{"": ""}`,
		strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		v, err := parseObject(src)
		if err != nil {
			return
		}
		if !utf8.Valid(src) || !json.Valid(src) {
			t.Fatalf("accepted %q", src)
		}
		d := json.NewDecoder(strings.NewReader(string(src)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plain(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q reads as %v, want %v", src, got, want)
		}
	})
}

// plain is a value as encoding/json would decode it. A name that stood twice
// would be missing from the map's size.
func plain(v *jsonValue) any {
	switch v.kind {
	case jsonBool:
		return v.text == "true"
	case jsonNumber:
		return json.Number(v.text)
	case jsonText:
		return v.text
	case jsonArray:
		out := make([]any, 0, len(v.items))
		for i := range v.items {
			out = append(out, plain(&v.items[i]))
		}
		return out
	case jsonObject:
		out := make(map[string]any, len(v.members))
		for i := range v.members {
			out[v.members[i].name] = plain(&v.members[i].value)
		}
		if len(out) != len(v.members) {
			return "a name twice"
		}
		return out
	}
	return nil
}
