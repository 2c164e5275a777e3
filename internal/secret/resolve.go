package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// MaxSize is the largest secret that is read, in bytes.
const MaxSize = 64 << 10

// Env is where references are looked up.
type Env struct {
	// SiteDir is what relative file names are relative to.
	SiteDir string
	// LookupEnv is os.LookupEnv, or a test's; nil: there is no environment.
	LookupEnv func(string) (string, bool)
	// CredentialsDir is systemd's $CREDENTIALS_DIRECTORY; empty: there is none.
	CredentialsDir string
	// KeyVault reads secrets of Azure Key Vault; nil: there is no way to one.
	KeyVault VaultReader
}

// Error says why a reference gave no secret.
type Error struct {
	// Where is the place as the site names it: `file "keys/a"`.
	Where string
	// Reason has no full stop and holds nothing of the secret.
	Reason string
	// Mend says what to do; may be empty.
	Mend string
	// Err is the cause; may be nil.
	Err error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("reading the secret from %s: %s", e.Where, e.Reason)
	if e.Mend != "" {
		s += "; mend: " + e.Mend
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Resolve reads the secret that ref names. One trailing newline is dropped;
// an empty secret and one of more than [MaxSize] bytes are refused. It takes
// 10 s at most, where a vault has to be asked. The error is an [*Error].
func Resolve(ref *site.SecretRef, env Env) (Value, error) {
	where, err := place(ref)
	if err != nil {
		return Value{}, err
	}
	var text string
	switch {
	case ref.File != "":
		path := ref.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(env.SiteDir, filepath.FromSlash(path))
		}
		text, err = readFile(where, path)
	case ref.Env != "":
		text, err = readEnv(where, ref.Env, env)
	case ref.Credential != "":
		text, err = readCredential(where, ref.Credential, env)
	default:
		text, err = readVault(where, ref.KeyVault, env)
	}
	if err != nil {
		return Value{}, err
	}
	return finish(where, text)
}

// place names the one place that ref holds.
func place(ref *site.SecretRef) (string, error) {
	const mend = "set exactly one of file, env, credential and keyVault"
	if ref == nil {
		return "", &Error{Where: "nowhere", Reason: "no reference is given", Mend: mend}
	}
	var places []string
	for _, p := range []struct{ kind, name string }{
		{"file", ref.File}, {"env", ref.Env}, {"credential", ref.Credential}, {"keyVault", ref.KeyVault},
	} {
		if p.name != "" {
			places = append(places, fmt.Sprintf("%s %q", p.kind, p.name))
		}
	}
	switch len(places) {
	case 0:
		return "", &Error{Where: "nowhere", Reason: "the reference is empty", Mend: mend}
	case 1:
		return places[0], nil
	}
	return "", &Error{Where: strings.Join(places, " and "), Reason: "the reference names more than one place", Mend: mend}
}

func finish(where, text string) (Value, error) {
	if len(text) > MaxSize {
		return Value{}, &Error{Where: where, Reason: fmt.Sprintf("it is larger than %d bytes", MaxSize)}
	}
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	if text == "" {
		return Value{}, &Error{Where: where, Reason: "it is empty"}
	}
	return New(text), nil
}

func readEnv(where, name string, env Env) (string, error) {
	if env.LookupEnv != nil {
		if s, ok := env.LookupEnv(name); ok {
			return s, nil
		}
	}
	return "", &Error{Where: where, Reason: "the variable is not set", Mend: "export " + name}
}

func readCredential(where, name string, env Env) (string, error) {
	if env.CredentialsDir == "" {
		return "", &Error{
			Where: where, Reason: "the process was given no credentials directory",
			Mend: "start it by systemd with LoadCredential=" + name + ":PATH",
		}
	}
	if name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return "", &Error{Where: where, Reason: "the name of a credential has no slashes"}
	}
	return readFile(where, filepath.Join(env.CredentialsDir, name))
}

func readVault(where, identifier string, env Env) (string, error) {
	if env.KeyVault == nil {
		return "", &Error{Where: where, Reason: "no vault can be reached from here", Mend: "use file, env or credential for this one"}
	}
	v, err := env.KeyVault.ReadSecret(context.Background(), identifier) // bounds itself
	return v.Reveal(), err
}

// badIdentifier is a reference to a vault that cannot be read as one.
func badIdentifier(identifier string, err error) *Error {
	reason, mend, _ := strings.Cut(err.Error(), "; mend: ")
	return &Error{Where: vaultPlace(identifier), Reason: reason, Mend: mend, Err: err}
}

// readFile follows symbolic links, because that is how Kubernetes mounts
// secrets; what counts is the file that was opened, so the checks are made on
// the descriptor.
func readFile(where, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNoWait, 0)
	if err != nil {
		return "", openError(where, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", &Error{Where: where, Reason: "it cannot be examined: " + err.Error(), Err: err}
	}
	if !info.Mode().IsRegular() {
		return "", &Error{Where: where, Reason: "it is not a regular file"}
	}
	if how := othersHaveAccess(info); how != "" {
		return "", &Error{
			Where:  where,
			Reason: fmt.Sprintf("everybody on this machine has access to it (%s)", how),
			Mend:   "chmod 600 " + path + " (in Kubernetes: defaultMode: 0440)",
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return "", &Error{Where: where, Reason: "it cannot be read: " + err.Error(), Err: err}
	}
	return string(b), nil
}

func openError(where string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Where: where, Reason: "there is no such file", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Where: where, Reason: "this user may not read it", Mend: "chown it to the gateway's user", Err: err}
	}
	return &Error{Where: where, Reason: "it cannot be opened: " + err.Error(), Err: err}
}
