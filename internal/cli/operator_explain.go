package cli

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
)

// ours refuses a state directory of another user, before anything of the site
// is opened: its secrets are then not this user's either. Where its modes let
// this user ask the gateway, the door says so itself.
func ours(dir string) error {
	state, _, err := app.StateOf(dir)
	if err != nil {
		if _, at := os.Stat(filepath.Join(cmp.Or(dir, "."), "cloister.yaml")); errors.Is(at, fs.ErrPermission) {
			return notOurs(fmt.Errorf("%s: this user may not look into it", dir))
		}
		return nil // who opens it says what is wrong
	}
	owner, other := ofAnother(state)
	if !other || reachable(filepath.Join(state, admin.SocketName)) {
		return nil
	}
	return notOurs(fmt.Errorf("state directory %s: it belongs to user %d, and this process runs as user %d", state, owner, os.Geteuid()))
}

func notOurs(err error) error {
	return mended(fmt.Errorf("%w: only the gateway's own user and root may call it", err),
		becomeMend)
}

const becomeMend = "become that user, or come over TLS with a role: --server"

// explainSocket says what helps where the socket of a gateway does not answer.
func (d *door) explainSocket(err error) error {
	switch {
	case errors.Is(err, admin.ErrNobody):
		return mended(err, "%s starts one", startCommand(d.dir))
	case errors.Is(err, fs.ErrPermission):
		return mended(err, becomeMend)
	}
	return err
}

// startCommand is what starts a gateway with the state that dir leads to.
func startCommand(dir string) string {
	dir = cmp.Or(dir, ".")
	for _, up := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		if isFile(filepath.Join(up, "cloister.env")) && isFile(filepath.Join(up, "site", "cloister.yaml")) {
			return "cloister up --dir " + shellQuote(up)
		}
	}
	return "cloister serve " + shellQuote(dir)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// explainDoor says what helps where a door over TLS does not answer as one.
func explainDoor(err error) error {
	var answer *admin.Error
	var name x509.HostnameError
	switch {
	case errors.As(err, &name):
		return mended(err, "give --server a name that stands in the certificate, or set admin.hostname")
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return mended(err, "give the CA that signed the door's certificate: --ca FILE")
	case errors.As(err, &answer) && answer.Mend == "" && strings.HasPrefix(answer.Message, strconv.Itoa(answer.Status)+" "):
		// A door says what it refuses in words.
		return mended(fmt.Errorf("what answers there is not the door of a gateway: %w", err),
			"give the address of admin.listener in cloister.yaml, not that of callers")
	}
	return err
}
