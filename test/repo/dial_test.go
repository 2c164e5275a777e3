package repo

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// dialExceptions are the places that may connect or resolve by themselves,
// with the reason: directories end with a slash. One that is no longer needed
// is a finding.
func dialExceptions() map[string]string {
	return map[string]string{
		"internal/network/egress/": "the one dialer",
		"internal/admin/client.go": "the operator's Unix socket in the state directory, which leads nowhere",
		"internal/cli/notify.go":   "the service manager's Unix socket, which leads nowhere",
		"internal/lab/":            "sockets in namespaces of the lab's own, which lead nowhere, and the Unix socket by which a lab is joined",
		"examples/":                "applications that call the gateway from outside",
		"test/":                    "harnesses that call the gateway from outside, on loopback",
	}
}

// dialing are the names of a package that connect, resolve, or send. A name
// that ends in "*" stands for all that begin so.
func dialing() map[string][]string {
	raw := []string{"Connect", "Sendto", "Sendmsg", "SendmsgN", "SendmsgBuffers"}
	return map[string][]string{
		"net": {
			"Dial*", "Lookup*", "Resolve*", "Resolver", "DefaultResolver",
			// These make sockets that send to any address.
			"ListenPacket", "ListenUDP", "ListenIP", "ListenMulticastUDP", "ListenUnixgram",
		},
		"net/http":                     {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport"},
		"crypto/tls":                   {"Dial*"},
		"net/smtp":                     {"*"},
		"net/rpc":                      {"Dial*"},
		"log/syslog":                   {"*"},
		"syscall":                      raw,
		"golang.org/x/sys/unix":        raw,
		"golang.org/x/net/proxy":       {"*"},
		"golang.org/x/net/websocket":   {"Dial*"},
		"golang.org/x/net/http2":       {"Transport"},
		"github.com/coder/websocket":   {"Dial*"},
		"github.com/gorilla/websocket": {"*"},
	}
}

// transports are types that connect as soon as they are used: the first field
// that is given has to say over what, or there is no such field.
func transports() map[string]string {
	return map[string]string{
		"net/http.Transport":             "",
		"net/http.Client":                "Transport",
		"net/http/httputil.ReverseProxy": "Transport",
	}
}

// dialCheck looks for ways out in one file.
type dialCheck struct {
	imports map[string]string // name in the file → import path
	found   func(n ast.Node, what string)
}

// checkDial finds ways to connect or resolve beside the one dialer.
func checkDial(tr tree, exceptions map[string]string) []string {
	var out []string
	unused := maps.Clone(exceptions)
	for _, p := range tr.paths(".go") {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		fset, f := tr.parse(p, 0)
		c := dialCheck{imports: map[string]string{}}
		c.found = func(n ast.Node, what string) {
			for e := range exceptions {
				if p == e || strings.HasSuffix(e, "/") && strings.HasPrefix(p, e) {
					delete(unused, e)
					return
				}
			}
			out = append(out, fmt.Sprintf("%s: %s", position(fset, n), what))
		}
		c.file(f)
	}
	for _, e := range slices.Sorted(maps.Keys(unused)) {
		out = append(out, e+": an exception that nothing needs")
	}
	return out
}

func (c *dialCheck) file(f *ast.File) {
	for _, spec := range f.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		_, dials := dialing()[target]
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		switch {
		case name == "." && (dials || target == "net/http/httputil"):
			c.found(spec, "imports "+target+" without a name, which hides what is used of it")
		case slices.Equal(dialing()[target], []string{"*"}):
			c.found(spec, "imports "+target+", which connects by itself")
		default:
			c.imports[name] = target
		}
	}
	ast.Inspect(f, c.node)
}

// name is the full name of what a selector names in another package.
func (c *dialCheck) name(e ast.Expr) (pkg, name string) {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return c.imports[x.Name], s.Sel.Name
	}
	return "", ""
}

func (c *dialCheck) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		c.literal(n)
	case *ast.CallExpr:
		if fn, ok := n.Fun.(*ast.Ident); ok && fn.Name == "new" && len(n.Args) == 1 {
			c.value(n, n.Args[0])
		}
	case *ast.ValueSpec:
		c.value(n, n.Type)
	case *ast.Field:
		c.value(n, n.Type)
	case *ast.SelectorExpr:
		if pkg, name := c.name(n); pkg != "" && slices.ContainsFunc(dialing()[pkg], func(p string) bool { return matches(p, name) }) {
			c.found(n, pkg+"."+name)
		}
	}
	return true
}

func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// literal judges a value that is written out.
func (c *dialCheck) literal(n *ast.CompositeLit) {
	pkg, name := c.name(n.Type)
	field, known := transports()[pkg+"."+name]
	if !known {
		return
	}
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && field != "" && key.Name == field && !isNil(kv.Value) {
			return
		}
	}
	c.found(n, fmt.Sprintf("%s.%s%s", pkg, name, without(field)))
}

func isNil(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "nil"
}

func without(field string) string {
	if field == "" {
		return ""
	}
	return " without " + field
}

// value judges a place that holds a zero value of type t.
func (c *dialCheck) value(n ast.Node, t ast.Expr) {
	if t == nil {
		return
	}
	pkg, name := c.name(t)
	if field, known := transports()[pkg+"."+name]; known {
		c.found(n, fmt.Sprintf("a zero %s.%s%s", pkg, name, without(field)))
	}
}

// TestDial: promise 1 of the security model. Whatever the process connects to
// or resolves goes through internal/network/egress.
func TestDial(t *testing.T) {
	for _, finding := range checkDial(readTree(t, testenv.Root(t)), dialExceptions()) {
		t.Error(finding)
	}
}

// TestDialSample holds the rule to files that break it.
func TestDialSample(t *testing.T) {
	const file = "testdata/dial.txtar"
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tr, want := tree{}, -1
	for i, f := range ar.Files {
		if f.Name == "want" {
			want = i
			continue
		}
		tr[f.Name] = f.Data
	}
	if want < 0 {
		t.Fatal("the sample has no file want")
	}
	got := strings.Join(checkDial(tr, map[string]string{"internal/network/egress/": "", "internal/idle/": ""}), "\n") + "\n"
	if *update {
		ar.Files[want].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(ar.Files[want].Data), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
