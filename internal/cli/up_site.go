package cli

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

//go:embed up_site.yaml.tmpl
var upSiteTemplate string

// otherDirectory is the mend where a directory holds what is not up's.
const otherDirectory = "choose a directory of its own: cloister up --dir DIR"

// ownDirectory makes the directory. It refuses one that holds somebody's site:
// what lies there would be removed, and its state be trusted for development.
func (u *up) ownDirectory() error {
	for _, name := range []string{"cloister.yaml", "cloister.yml"} {
		if _, err := os.Lstat(filepath.Join(u.dir, name)); err == nil {
			return mended(fmt.Errorf("%s holds a site (%s)", u.dir, name), otherDirectory)
		}
	}
	switch config, err := os.ReadFile(filepath.Join(u.siteDir(), "cloister.yaml")); {
	case err == nil:
		if first, _, _ := strings.Cut(upSiteTemplate, "\n"); !bytes.HasPrefix(config, []byte(first)) {
			return mended(fmt.Errorf("%s is a site that cloister up has not written", u.siteDir()), otherDirectory)
		}
	default:
		if list, err := os.ReadDir(u.siteDir()); err == nil && len(list) > 0 {
			return mended(fmt.Errorf("%s is not cloister up's", u.siteDir()), otherDirectory)
		}
	}
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return mended(err, otherDirectory)
	}
	return nil
}

// writeSite writes the site of the development architecture anew: its ports
// change from start to start.
func (u *up) writeSite(openAI, entra netip.AddrPort) error {
	dir := u.siteDir()
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	t, err := template.New("cloister.yaml").Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(upSiteTemplate)
	if err != nil {
		return err
	}
	var config bytes.Buffer
	if err := t.Execute(&config, map[string]any{
		"Address": u.listen.Addr().String(), "Port": u.listen.Port(), "Loopback": u.listen.Addr().IsLoopback(),
		"OpenAI": openAI.String(), "OpenAIPort": openAI.Port(), "Entra": entra.String(), "EntraPort": entra.Port(),
		"Issuer": u.entra.Issuer(2), "Tenant": devTenant, "Gateway": devGateway, "Client": devClient, "Backend": devBackend,
		"Subscription": devSubscription, "Secret": backendSecret,
		"State": u.stateDir(), "AccessLog": filepath.Join(u.dir, "access.log"),
	}); err != nil {
		return err
	}
	files, err := apimFiles()
	if err != nil {
		return err
	}
	files["cloister.yaml"] = config.Bytes()
	files["tls/development-ca.pem"] = u.ca.PEM()
	return writeFiles(dir, files)
}

// announce says what is where and what to try, in commands that can be pasted
// as they are.
func (u *up) announce(openAI, entra netip.AddrPort) error {
	env := shellQuote(u.envFile())
	_, err := fmt.Fprintf(u.out, `Cloister is up. Azure OpenAI and Entra ID are emulated: for development only.

  gateway         %s
  Azure OpenAI    https://%s  (emulated; lets only the gateway in)
  Entra ID        https://%s  (emulated)
  probes          http://%s/readyz  /livez  /metrics
  environment     %s
  access log      %s
  state           %s

A call that succeeds, one that is refused, and a stream:

  . %s && \
    curl --cacert "$CLOISTER_CA" -H "api-key: $CLOISTER_API_KEY" \
    -H "Content-Type: application/json" -d '{"messages":[{"role":"user","content":"Hello"}]}' \
    "$CLOISTER_URL/openai/deployments/$CLOISTER_DEPLOYMENT/chat/completions?api-version=2024-10-21"

  . %s && \
    curl --cacert "$CLOISTER_CA" \
    -H "Content-Type: application/json" -d '{"messages":[{"role":"user","content":"Hello"}]}' \
    "$CLOISTER_URL/openai/deployments/$CLOISTER_DEPLOYMENT/chat/completions?api-version=2024-10-21"

  . %s && %s

Ctrl-C stops it; the next start finds its state again.
`, u.env.url, openAI, entra, u.process.Health(), u.envFile(), filepath.Join(u.dir, "access.log"), u.stateDir(), env, env, env, streamCommand())
	return err
}

// streamModule is the first line of the go.mod beside which the example lies.
const streamModule = "module github.com/cloister-ai/cloister"

// streamCommand reads a stream: with the example program where Go and a
// checkout are at hand, else with curl alone.
func streamCommand() string {
	if dir := checkout(); dir != "" {
		return "(cd " + shellQuote(dir) + " && go run ./examples/stream)"
	}
	return `\
    curl -N --cacert "$CLOISTER_CA" -H "api-key: $CLOISTER_API_KEY" \
    -H "Content-Type: application/json" -d '{"stream":true,"messages":[{"role":"user","content":"Hello"}]}' \
    "$CLOISTER_URL/openai/deployments/$CLOISTER_DEPLOYMENT/chat/completions?api-version=2024-10-21"`
}

// checkout is the directory of the repository in which the program was started,
// with its examples; empty: it was started elsewhere, or without Go.
func checkout() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	if _, err := exec.LookPath("go"); err != nil {
		return ""
	}
	for ; ; dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			first, _, _ := strings.Cut(string(mod), "\n")
			_, err := os.Stat(filepath.Join(dir, "examples", "stream", "main.go"))
			if err == nil && strings.TrimSpace(first) == streamModule {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
