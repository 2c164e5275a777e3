package cli

import (
	"bytes"
	"embed"
	"io/fs"
	"net/netip"
	"path"
	"strings"
	"text/template"

	"github.com/cloister-ai/cloister/internal/site"
)

// networkTree is the network that new sites begin with: three subnets, their
// rules, and the private endpoint of the model.
//
//go:embed network
var networkTree embed.FS

// newNetwork is what its templates need to know.
type newNetwork struct {
	openAIResource
	// Address at which the gateway reaches the model. Literal: the resource is
	// named by it, and there is no private endpoint.
	Address string
	Literal bool
	// Account is the resource's name and Zone that of its private name; empty for
	// a server that is not Azure's.
	Account, Zone string
}

func networkOf(r openAIResource) newNetwork {
	n := newNetwork{openAIResource: r, Address: "10.60.3.4"}
	if addr, err := netip.ParseAddr(r.Host); err == nil {
		n.Address, n.Literal = addr.String(), true
	}
	for _, s := range site.ServiceSuffixes() {
		account, ok := strings.CutSuffix(r.Host, "."+s.Suffix)
		if ok && s.Type == "Microsoft.CognitiveServices/accounts" && !strings.Contains(account, ".") {
			n.Account, n.Zone = account, s.Zone
		}
	}
	return n
}

// networkFiles are the files of network/, by path within a site.
func networkFiles(r openAIResource) (map[string][]byte, error) {
	n := networkOf(r)
	files := map[string][]byte{}
	err := fs.WalkDir(networkTree, "network", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || n.Literal && path.Base(p) == "endpoints.yaml.tmpl" {
			return err
		}
		text, err := networkTree.ReadFile(p)
		if err != nil {
			return err
		}
		t, err := template.New(p).Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, n); err != nil {
			return err
		}
		files[strings.TrimSuffix(p, ".tmpl")] = out.Bytes()
		return nil
	})
	return files, err
}
