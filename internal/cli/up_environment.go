package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/store"
)

// upEnvironment is what cloister.env says, the one file in which the secrets of
// a development architecture stand in clear.
type upEnvironment struct {
	url, ca, authority   string
	apiKey, clientSecret secret.Value
	// backendSecret is the gateway's own; it is in no file.
	backendSecret secret.Value
	// keyMade: the key is new.
	keyMade bool
}

// prepare keeps the key of an earlier start while it still verifies, and else
// makes one. The store holds its digest alone.
func (e *upEnvironment) prepare(ctx context.Context, st *store.Store, file string) error {
	before := readExports(file)
	// Without the marker "serve" would not know it for what it is.
	if e.clientSecret = secret.New(before["AZURE_CLIENT_SECRET"]); !strings.HasPrefix(e.clientSecret.Reveal(), issue.EmulatorMarker+"-") {
		e.clientSecret = secret.New(issue.EmulatorMarker + "-" + randomHex(16))
	}
	sub, err := st.GetSubscription(ctx, devSubscription)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if key := before["CLOISTER_API_KEY"]; key != "" && sub.State == "active" {
		digest := verify.Digest(st.DigestKey(), key)
		if subtle.ConstantTimeCompare(digest[:], sub.PrimaryDigest) == 1 {
			e.apiKey = secret.New(key)
			return nil
		}
	}
	e.keyMade = true
	e.apiKey = secret.New(issue.EmulatorMarker + "-" + randomHex(16))
	digest := verify.Digest(st.DigestKey(), e.apiKey.Reveal())
	return st.PutSubscription(ctx, store.Subscription{
		ID: devSubscription, Name: devSubscriptionName, Scope: "/apis", State: "active",
		PrimaryDigest: digest[:], CreatedAt: sub.CreatedAt,
	})
}

// write replaces the file as a whole: whoever sees it sees all of it.
func (e *upEnvironment) write(file string) error {
	var b strings.Builder
	b.WriteString("# Written by cloister up. Development only: these secrets open nothing else.\n")
	for _, v := range [][2]string{
		{"CLOISTER_URL", e.url},
		{"CLOISTER_CA", e.ca},
		{"CLOISTER_API_KEY", e.apiKey.Reveal()},
		{"CLOISTER_DEPLOYMENT", devDeployment},
		{"AZURE_AUTHORITY_HOST", e.authority},
		{"AZURE_TENANT_ID", devTenant},
		{"AZURE_CLIENT_ID", devClient},
		{"AZURE_CLIENT_SECRET", e.clientSecret.Reveal()},
		{"CLOISTER_TOKEN_SCOPE", "api://" + devGateway + "/.default"},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	return replaceFile(file, []byte(b.String()), 0o600)
}

// readExports reads what write has written; a file that is not there, or that
// somebody has changed, gives what it can.
func readExports(file string) map[string]string {
	out := map[string]string{}
	f, err := os.Open(file)
	if err != nil {
		return out
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		rest, ok := strings.CutPrefix(strings.TrimSpace(sc.Text()), "export ")
		name, value, eq := strings.Cut(rest, "=")
		if ok && eq {
			out[name] = shellUnquote(value)
		}
	}
	return out
}

// shellQuote is s for a POSIX shell.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:@+,%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func shellUnquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] {
		return s
	}
	switch inner := s[1 : len(s)-1]; s[0] {
	case '\'':
		return strings.ReplaceAll(inner, `'\''`, "'")
	case '"': // by somebody's hand
		return inner
	}
	return s
}

// replaceFile writes a file beside its place and moves it there.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// randomHex is n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
