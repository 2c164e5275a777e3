package verify

import (
	"context"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rules are what a policy asks of a token, where the site's own rules are not
// asked: rows 1 to 8 of docs/tokens.md, 10 to 12 as far as the policy says
// whom and what it expects, and 15. Whether the token is an access token, and
// whom it is of (9, 13, 14), is not looked at: nobody gets in by Rules alone.
type Rules struct {
	// Keys are the keys that the policy holds.
	Keys []*LocalKey
	// Sets are key sets of others.
	Sets []*RemoteSet
	// Issuers are accepted beside those of Sets. Without both the issuer is not
	// looked at: then only Keys are there, and who signed is known.
	Issuers []string
	// Audiences are the ones of which aud has to hold one; nil: any.
	Audiences []string
	// Skew is how far the issuer's clock may be off.
	Skew time.Duration
	// WithoutExpiry accepts tokens without exp.
	WithoutExpiry bool
	// TenantInIssuer asks that tid is a part of iss, as in tokens of Entra ID.
	TenantInIssuer bool
}

// LocalKey is a key that a policy holds.
type LocalKey struct {
	// id is the kid that it is for; empty: any.
	id string
	// key is a public key; nil: secret is a symmetric one.
	key    *Key
	secret []byte
}

// MinSecret is the least length of a symmetric key, in bytes (RFC 7518, section
// 3.2: as long as the hash of HS256).
const MinSecret = sha256.Size

// SecretKey is a symmetric key, for HS256, HS384 and HS512.
func SecretKey(id string, secret []byte) (*LocalKey, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("the key has %d bytes, and HS256 needs %d", len(secret), MinSecret)
	}
	return &LocalKey{id: id, secret: slices.Clone(secret)}, nil
}

// RSAKey is an RSA key by modulus and exponent, each in base64url.
func RSAKey(id, n, e string) (*LocalKey, error) {
	public, err := parseRSA(&jsonValue{kind: jsonObject, members: []jsonMember{
		{"n", jsonValue{kind: jsonText, text: strings.TrimRight(n, "=")}},
		{"e", jsonValue{kind: jsonText, text: strings.TrimRight(e, "=")}},
	}})
	if err != nil {
		return nil, err
	}
	return localKey(id, &Key{ID: id, public: public})
}

// CertificateKey is the public key of a certificate.
func CertificateKey(id string, c *x509.Certificate) (*LocalKey, error) {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok {
		return RSAKey(id, encodeBase64(k.N.Bytes()), encodeBase64(big.NewInt(int64(k.E)).Bytes()))
	}
	return localKey(id, &Key{ID: id, public: c.PublicKey})
}

func localKey(id string, k *Key) (*LocalKey, error) {
	if !slices.ContainsFunc(Algorithms(), k.accepts) {
		return nil, errors.New("no algorithm is known for a key of this kind")
	}
	if err := k.seal(); err != nil {
		return nil, err
	}
	return &LocalKey{id: id, key: k}, nil
}

// fits reports whether the key may have signed j, by kid and kind.
func (l *LocalKey) fits(j *jws) bool {
	if l.id != "" && j.header.hasKeyID && l.id != j.header.keyID {
		return false
	}
	if l.key == nil {
		return secretHash(j.header.algorithm) != nil
	}
	return l.key.accepts(j.header.algorithm)
}

// signed reports whether the signature is the key's.
func (l *LocalKey) signed(j *jws) bool {
	if l.key != nil {
		return j.checkSignature(l.key) == nil
	}
	mac := hmac.New(secretHash(j.header.algorithm), l.secret)
	mac.Write([]byte(j.signed))
	return hmac.Equal(mac.Sum(nil), j.signature)
}

// secretHash is the hash of a symmetric algorithm; nil: it is none.
func secretHash(algorithm string) func() hash.Hash {
	switch algorithm {
	case "HS256":
		return sha256.New
	case "HS384":
		return sha512.New384
	case "HS512":
		return sha512.New
	}
	return nil
}

// Claims are those of a token that was verified by [Rules]. They are immutable.
type Claims struct{ object *jsonValue }

// Claim is what a claim holds: the values of an array, or one. What is no
// string is written as in JSON. ok is false where the token does not have it.
func (c *Claims) Claim(name string) (values []string, ok bool) {
	v := c.object.get(name)
	switch {
	case v == nil:
		return nil, false
	case v.kind != jsonArray:
		return []string{v.written()}, true
	}
	for i := range v.items {
		values = append(values, v.items[i].written())
	}
	return values, true
}

// written is a string as it is, and everything else as JSON.
func (v *jsonValue) written() string {
	if v.kind == jsonText {
		return v.text
	}
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *jsonValue) write(b *strings.Builder) {
	switch v.kind {
	case jsonText:
		b.WriteString(strconv.Quote(v.text))
	case jsonArray:
		b.WriteByte('[')
		for i := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			v.items[i].write(b)
		}
		b.WriteByte(']')
	case jsonObject:
		b.WriteByte('{')
		for i := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Quote(v.members[i].name) + ":")
			v.members[i].value.write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.text)
	}
}

// longestAsk bounds the wait for keys of all sets together.
const longestAsk = 2 * longestWait

// Verify checks a token. The context bounds waiting for keys. The error is an
// [*Error].
func (r *Rules) Verify(ctx context.Context, raw string, now time.Time) (*Claims, error) {
	j, refusal := parseJWS(raw)
	if refusal != nil {
		return nil, refusal
	}
	object, err := parseObject(j.payload)
	if err != nil {
		return nil, refuse(JSONRefused, "the claims: %w", err)
	}
	if !knownType(j.header.typ) {
		return nil, refuse(TypeRefused, "typ is %.32q", j.header.typ)
	}
	if refusal := r.checkSigner(ctx, j, object); refusal != nil {
		return nil, refusal
	}
	c := &claims{object: object}
	r.check(c, now)
	if c.err != nil {
		return nil, c.err
	}
	return &Claims{object}, nil
}

// knownType: tokens of other types than these are no access or ID tokens (RFC
// 8725, section 3.11).
func knownType(typ string) bool {
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", typeAccessToken:
		return true
	}
	return false
}

// checkSigner is rows 4, 5, 7 and 10: a key that may sign for the issuer has
// signed.
func (r *Rules) checkSigner(ctx context.Context, j *jws, object *jsonValue) *Error {
	alg := j.header.algorithm
	if _, known := lookupAlgorithm(alg); !known && secretHash(alg) == nil {
		return refuse(AlgorithmRefused, "algorithm %.32q is not one of %v, HS256, HS384, HS512", alg, Algorithms())
	}
	iss := ""
	if v := object.get("iss"); v != nil && v.kind == jsonText {
		iss = v.text
	}
	tenant := ""
	if v := object.get("tid"); v != nil && v.kind == jsonText {
		tenant = v.text
	}
	tried := false
	for _, k := range r.Keys {
		if k.fits(j) {
			if tried = true; k.signed(j) {
				return r.checkLocalIssuer(iss)
			}
		}
	}
	return r.checkRemote(ctx, j, iss, tenant, tried)
}

// checkRemote looks for the key in the sets of others: in those of the token's
// issuer first. tried: keys of the policy did not fit.
func (r *Rules) checkRemote(ctx context.Context, j *jws, iss, tenant string, tried bool) *Error {
	var last *Error
	switch {
	case tried:
		last = refuse(SignatureInvalid, "the signature is by no key of the policy")
	case len(r.Sets) == 0:
		return refuse(KeyUnknown, "the policy has no key for algorithm %.32q and key id %.64q", j.header.algorithm, j.header.keyID)
	}
	if len(r.Sets) == 0 {
		return last
	}
	if !j.header.hasKeyID {
		return cmpError(last, refuse(KeyIDMissing, "the header has no kid"))
	}
	ctx, cancel := context.WithTimeout(ctx, longestAsk)
	defer cancel()
	for _, s := range r.inOrder(iss, tenant) {
		key, set, err := s.keys.find(ctx, j.header.keyID)
		if err == nil {
			if err = j.checkSignature(key); err == nil {
				return r.checkRemoteIssuer(ctx, set, key, iss, tenant)
			}
		}
		last = cmpError(last, err)
	}
	return last
}

// cmpError is the one that says more: that a signature is wrong, or that keys
// are not there.
func cmpError(a, b *Error) *Error {
	rank := func(e *Error) int {
		switch {
		case e == nil:
			return 0
		case e.Code == KeysUnavailable:
			return 2
		case e.Code == SignatureInvalid || e.Code == AlgorithmOfOtherKey:
			return 3
		}
		return 1
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// inOrder puts sets of the token's issuer before others.
func (r *Rules) inOrder(iss, tenant string) []*RemoteSet {
	if len(r.Sets) < 2 {
		return r.Sets
	}
	var first, rest []*RemoteSet
	for _, s := range r.Sets {
		if publishes(s.issuer(), iss, tenant) {
			first = append(first, s)
		} else {
			rest = append(rest, s)
		}
	}
	return append(first, rest...)
}

// publishes reports whether the issuer of a configuration is the token's. It
// may have "{tenantid}" in the place of the tenant, which is tid then.
func publishes(published, iss, tenant string) bool {
	if published == "" || iss == "" {
		return false
	}
	if strings.Contains(published, "{tenantid}") {
		if tenant == "" || strings.ContainsAny(tenant, "/?#{}") {
			return false
		}
		published = strings.ReplaceAll(published, "{tenantid}", tenant)
	}
	return published == iss
}

// checkLocalIssuer is row 10 for a token that a key of the policy has signed.
// For the issuer of a set it signs only where the policy names that issuer
// itself: who publishes keys signs by no others.
func (r *Rules) checkLocalIssuer(iss string) *Error {
	if len(r.Issuers) == 0 && len(r.Sets) == 0 || iss != "" && slices.Contains(r.Issuers, iss) {
		return nil
	}
	return refuse(IssuerUnknown, "issuer %.200q is not one of the policy", iss)
}

// checkRemoteIssuer is row 10 for a token that a key of a set has signed.
func (r *Rules) checkRemoteIssuer(ctx context.Context, set *KeySet, key *Key, iss, tenant string) *Error {
	own := publishes(set.issuer, iss, tenant)
	switch {
	case !own && (iss == "" || !slices.Contains(r.Issuers, iss)):
		return refuse(IssuerUnknown, "issuer %.200q is not one of the policy", iss)
	case !own:
		if err := r.checkOthers(ctx, set, key, iss, tenant); err != nil {
			return err
		}
	}
	// A key for all tenants may sign for an issuer that the policy names itself:
	// Entra ID's two issuers of a tenant share their keys.
	shared := !own && strings.Contains(key.Issuer, "{tenantid}")
	if key.Issuer != "" && !shared && !publishes(key.Issuer, iss, tenant) {
		return refuse(IssuerOfOtherKey, "key %.64q signs for %.128q", key.ID, key.Issuer)
	}
	if r.TenantInIssuer && (tenant == "" || !slices.Contains(strings.Split(iss, "/"), tenant)) {
		return refuse(TenantMismatch, "tid %.64q is not the issuer's", tenant)
	}
	return nil
}

// checkOthers: an issuer that publishes keys of its own signs by no others. A
// set that is not in hand may be its.
func (r *Rules) checkOthers(ctx context.Context, set *KeySet, key *Key, iss, tenant string) *Error {
	for _, s := range r.Sets {
		if s.issuer() == "" {
			if _, _, err := s.keys.find(ctx, ""); err.Code == KeysUnavailable {
				return err
			}
		}
		if published := s.issuer(); published != set.issuer && publishes(published, iss, tenant) {
			return refuse(IssuerOfOtherKey, "key %.64q is not of issuer %.200q", key.ID, iss)
		}
	}
	return nil
}

// check is rows 11, 12 and 15.
func (r *Rules) check(c *claims, now time.Time) {
	if audience := c.list("aud"); r.Audiences != nil &&
		!slices.ContainsFunc(audience, func(a string) bool { return a != "" && slices.Contains(r.Audiences, a) }) {
		c.refuse(AudienceMismatch, "aud %.200q has none of %q", audience, r.Audiences)
	}
	exp, nbf, iat := c.time("exp"), c.time("nbf"), c.time("iat")
	switch {
	case c.err != nil:
	case exp.IsZero() && !r.WithoutExpiry:
		c.refuse(ExpiryMissing, "exp is missing")
	case !exp.IsZero() && !now.Before(exp.Add(r.Skew)):
		c.refuse(Expired, "expired at %s", exp.Format(time.RFC3339))
	case nbf.After(now.Add(r.Skew)):
		c.refuse(NotYetValid, "not valid before %s", nbf.Format(time.RFC3339))
	case iat.After(now.Add(max(r.Skew, clockSkew))):
		c.refuse(NotYetValid, "issued in the future, at %s", iat.Format(time.RFC3339))
	case c.has("cnf"):
		c.refuse(SenderConstrained, "it is bound to a key or certificate, and no proof is checked")
	}
}

// ClaimOfUnverified is a string claim of a token that nobody has verified, to
// choose by it what the token is verified by; empty: there is none.
func ClaimOfUnverified(raw, name string) string {
	j, err := parseJWS(raw)
	if err != nil {
		return ""
	}
	object, parseErr := parseObject(j.payload)
	if parseErr != nil {
		return ""
	}
	if v := object.get(name); v != nil && v.kind == jsonText {
		return v.text
	}
	return ""
}
