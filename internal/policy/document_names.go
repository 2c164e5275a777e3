package policy

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Defined is what documents may name.
type Defined struct {
	NamedValues *NamedValues
	// Ids, compared without case.
	Fragments, Backends, Loggers, Certificates []string
	// Any: every id is taken.
	Any bool
}

// DefinedBy is what an artifacts folder defines. Named values that rest
// elsewhere are declared. With lenient everything else is taken for defined
// too.
func DefinedBy(a *site.Artifacts, lenient bool) Defined {
	values := &NamedValues{}
	for _, v := range a.NamedValues {
		if v.Value == "" {
			values.Declare(v.Name)
		} else {
			values.Set(v.Name, secret.New(v.Value), v.Secret)
		}
	}
	if lenient {
		values.TakeAny()
	}
	return Defined{
		NamedValues: values, Fragments: a.Fragments, Backends: a.Backends, Loggers: a.Loggers,
		Certificates: a.Certificates, Any: lenient,
	}
}

// reference is an attribute that names a resource.
type reference struct {
	// element is empty where the attribute means the same in every element.
	element, attribute string
	code, what         string
	known              func(*Defined) []string
}

func references() []reference {
	fragments := func(d *Defined) []string { return d.Fragments }
	backends := func(d *Defined) []string { return d.Backends }
	loggers := func(d *Defined) []string { return d.Loggers }
	certificates := func(d *Defined) []string { return d.Certificates }
	return []reference{
		{includeFragmentName, "fragment-id", "unknown-fragment", "fragment", fragments},
		{"", "backend-id", "unknown-backend", "backend", backends},
		{"", "embeddings-backend-id", "unknown-backend", "backend", backends},
		{"log-to-eventhub", "logger-id", "unknown-logger", "logger", loggers},
		{"", "certificate-id", "unknown-certificate", "certificate", certificates},
		{"authentication-certificate", "thumbprint", "unknown-certificate", "certificate", certificates},
	}
}

// references checks the ids in the attributes of an element. Those that an
// expression or an unknown named value gives are known when they are used.
func (c *documentChecker) references(n *Node) {
	if c.defined.Any {
		return
	}
	for _, r := range references() {
		a := n.Attribute(r.attribute)
		if a == nil || r.element != "" && r.element != n.Name {
			continue
		}
		id := strings.TrimSpace(a.Value)
		_, isExpression := expressionStart(a.Value)
		_, _, named := findName(id, 0)
		if isExpression || named != "" || id == "" || r.attribute == "backend-id" && id == daprBackend {
			continue
		}
		known := r.known(&c.defined)
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, id) }) {
			continue
		}
		mend := ""
		if !a.Secret {
			mend = nearestName(id, known)
		}
		c.add(a.ValuePos, r.code, mend, "no %s has the id %q", r.what, strings.TrimSpace(a.Written))
	}
}

// daprBackend is the id by which set-backend-service means a Dapr sidecar.
const daprBackend = "dapr"
