package crypto

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// trusting is a host with roots of its own.
type trusting struct{ roots *x509.CertPool }

// Type is that of no value.
func (trusting) Type() *clr.Type { return clr.ObjectType }

func (h trusting) TrustedRoots() *x509.CertPool { return h.roots }

func newThread(host clr.Object) *clr.Thread {
	t := &clr.Thread{Now: time.Now, Zone: time.UTC, Random: rand.Reader, Host: host}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// try is what f gives, or the exception or the limit that ends it.
func try(f func(t *clr.Thread) string) (got string, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *clr.Thrown:
			err = errors.New(e.Error())
		case *clr.LimitError:
			err = e
		default:
			panic(e)
		}
	}()
	return f(newThread(nil)), nil
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPFX: files as OpenSSL 3 writes them; how often they hash is bounded.
func TestPFX(t *testing.T) {
	f := func(name, password, want string) {
		t.Helper()
		got, err := try(func(th *clr.Thread) string {
			c := readCert(th, cert2Type, file(t, name), password)
			if c.key.O == nil {
				return "no key"
			}
			return c.subject()
		})
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	f("modern.pfx", "secret", `CN=api.example.com, O="Example, Inc.", C=DE`)
	f("modern.pfx", "wrong", undecodable)
	f("slow.pfx", "secret", undecodable)
}

// TestElliptic: a certificate with a key that expressions cannot use.
func TestElliptic(t *testing.T) {
	c := readCert(newThread(nil), cert2Type, file(t, "ec.pem"), "")
	if got, want := c.subject(), `O="a+b", CN=ec.example`; got != want {
		t.Errorf("subject %s, want %s", got, want)
	}
	_, err := try(func(th *clr.Thread) string {
		return th.Text(publicKeyKey(&clr.Call{Thread: th, Args: []clr.Value{clr.Obj(&publicKey{c})}}))
	})
	if err == nil || !strings.Contains(err.Error(), "The certificate key algorithm is not supported.") {
		t.Errorf("its key: %v", err)
	}
}

// TestNames: how the parts of names are printed.
func TestNames(t *testing.T) {
	f := func(want string, name pkix.Name) {
		t.Helper()
		c := certificate(t, name, nil, nil)
		if got := nameText(c.RawSubject, true); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(`CN="a, b"`, pkix.Name{CommonName: "a, b"})
	f(`CN="a ""b"""`, pkix.Name{CommonName: `a "b"`})
	f(`CN=" a"`, pkix.Name{CommonName: " a"})
	f(`CN=é`, pkix.Name{CommonName: "é"})
	f(`SERIALNUMBER=7, CN=a, OU=u, O=o, PostalCode=1, STREET=s, L=l, S=p, C=DE`, pkix.Name{
		CommonName: "a", SerialNumber: "7", Country: []string{"DE"}, Organization: []string{"o"}, OrganizationalUnit: []string{"u"},
		Locality: []string{"l"}, Province: []string{"p"}, StreetAddress: []string{"s"}, PostalCode: []string{"1"},
	})
	f(`OID.1.2.3=x, CN=a`, pkix.Name{CommonName: "a", ExtraNames: []pkix.AttributeTypeAndValue{{Type: []int{1, 2, 3}, Value: "x"}}})
	f("", pkix.Name{})
	if got := nameText([]byte("no name"), true); got != "" {
		t.Errorf("what is no name is %q", got)
	}
}

// certificate makes one, signed by parent's key or by its own.
func certificate(t *testing.T, name pkix.Name, parent *x509.Certificate, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	key := by
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: name, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestVerify: a chain counts when its root is trusted by the host.
func TestVerify(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := certificate(t, pkix.Name{CommonName: "root"}, nil, key)
	leaf := certificate(t, pkix.Name{CommonName: "leaf"}, root, key)
	v, err := NewCertificate(leaf.Raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want bool, roots ...*x509.Certificate) {
		t.Helper()
		pool := x509.NewCertPool()
		for _, r := range roots {
			pool.AddCert(r)
		}
		if got := verify(newThread(trusting{pool}), v.O.(*cert)); got != want {
			t.Errorf("with %d roots: %v", len(roots), got)
		}
	}
	f(true, root)
	f(false)
	f(false, certificate(t, pkix.Name{CommonName: "root"}, nil, nil))
}

// TestRSA: what Mono cannot be asked about, by the standard library.
func TestRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	th := newThread(nil)
	k := privateRSA(th, key).O.(*rsaKey)
	pss := &padding{signaturePadding, 1, clr.Value{O: hashNameType}}
	digest := make([]byte, algSHA256.size)
	signature := k.sign(th, algSHA256, digest, pss)
	if rsa.VerifyPSS(&key.PublicKey, hashes[algSHA256].hash, digest, signature, nil) != nil || !k.verify(th, algSHA256, digest, signature, pss) {
		t.Error("a PSS signature does not verify")
	}
	signature[5] ^= 1
	if k.verify(th, algSHA256, digest, signature, pss) {
		t.Error("a broken PSS signature verifies")
	}
	oaep := &padding{encryptionPadding, 1, hashName("SHA512")}
	if got := k.decrypt(th, k.encrypt(th, []byte("abc"), oaep), oaep); string(got) != "abc" {
		t.Errorf("OAEP gives %q", got)
	}
	exported := k.export(th, true)
	var again rsaKey
	again.use(th, exported)
	if !again.priv.Equal(key) {
		t.Error("the numbers of a key give another key")
	}
}

// TestBounds: keys that take too long end by the limit of steps.
func TestBounds(t *testing.T) {
	_, err := try(func(th *clr.Thread) string {
		newRSA(th, 8192).O.(*rsaKey).ready(th)
		return ""
	})
	var limit *clr.LimitError
	if !errors.As(err, &limit) || limit.Limit != "steps" {
		t.Errorf("generating 8192 bits: %v", err)
	}
}

// TestNewCertificate: what is no certificate is an error, not a panic.
func TestNewCertificate(t *testing.T) {
	block, _ := pem.Decode(file(t, "ec.pem"))
	for i := range block.Bytes {
		der := bytes.Clone(block.Bytes)
		der[i] ^= 0xFF
		_, _ = NewCertificate(der, nil)
		_, _ = try(func(th *clr.Thread) string { return readCert(th, cert2Type, der, "").verbose(th) })
	}
	if _, err := NewCertificate(block.Bytes[1:], nil); err == nil {
		t.Error("no error")
	}
}

// FuzzCertificate: no bytes bring down the reading of certificates.
func FuzzCertificate(f *testing.F) {
	for _, name := range []string{"ec.pem", "modern.pfx"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if block, _ := pem.Decode(b); block != nil {
			f.Add(block.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = try(func(th *clr.Thread) string {
			contentOf(th, b)
			if c := readCert(th, cert2Type, b, "secret"); c.c != nil {
				return c.verbose(th)
			}
			return ""
		})
	})
}

func BenchmarkHMAC(b *testing.B) {
	key, data := make([]byte, 32), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		t := newThread(nil)
		h := newMAC(t, hmacSHA256, algSHA256, key)
		h.write(t, data)
		h.finish(t)
	}
}
