package site

import (
	"fmt"
	"strings"
	"testing"
)

// TestSites holds the sites of testdata/sites to the model that is made of
// them. None has a problem; notes are left out.
func TestSites(t *testing.T) {
	eachFixture(t, "sites", func(t *testing.T, files map[string]string) string {
		s, ps := load(t, files)
		if s == nil {
			return render(ps)
		}
		if got := render(ps); got != "accepted\n" {
			return got
		}
		var b strings.Builder
		dumpService(&b, s.Service)
		return b.String()
	})
}

// dumpService writes the model as text, a line for each thing.
func dumpService(b *strings.Builder, s *Service) {
	fmt.Fprintf(b, "policy %s\n", policyPath(s.Policy))
	for _, a := range s.APIs {
		fmt.Fprintf(b, "api %q revision %s current=%v name %q path %q version %q of %q type %s %v\n",
			a.ID, a.Revision, a.IsCurrent, a.Name, a.Path, a.Version, a.VersionSetID, a.Type, a.Protocols)
		fmt.Fprintf(b, "  at %s, service %q at %s, policy %s\n", a.Pos, a.ServiceURL, a.ServiceURLPos, policyPath(a.Policy))
		fmt.Fprintf(b, "  subscription required=%v, header %q, query %q\n", a.SubscriptionRequired, a.SubscriptionKeyHeader, a.SubscriptionKeyQuery)
		for _, o := range a.Operations {
			fmt.Fprintf(b, "  %s %s is %q (%s) at %s, policy %s\n", o.Method, o.URLTemplate, o.ID, o.Name, o.Pos, policyPath(o.Policy))
		}
	}
	for _, p := range s.Products {
		fmt.Fprintf(b, "product %q name %q subscription required=%v approval=%v published=%v APIs %v groups %v policy %s at %s\n",
			p.ID, p.Name, p.SubscriptionRequired, p.ApprovalRequired, p.Published, p.APIs, p.Groups, policyPath(p.Policy), p.Pos)
	}
	for _, e := range s.Backends {
		fmt.Fprintf(b, "backend %q url %q headers %v query %v chain=%v name=%v at %s\n",
			e.ID, e.URL, e.Headers, e.Query, e.ValidateChain, e.ValidateName, e.URLPos)
		for _, m := range e.Pool {
			fmt.Fprintf(b, "  %s priority %d weight %d at %s\n", m.Backend, m.Priority, m.Weight, m.Pos)
		}
	}
	dumpOthers(b, s)
}

func dumpOthers(b *strings.Builder, s *Service) {
	for _, v := range s.NamedValues {
		ref := "nil"
		if v.Ref != nil {
			ref = fmt.Sprintf("file %q env %q credential %q at %s", v.Ref.File, v.Ref.Env, v.Ref.Credential, v.Ref.Pos)
		}
		fmt.Fprintf(b, "named value %q name %q value %q secret=%v key vault %q ref %s at %s\n", v.ID, v.Name, v.Value, v.Secret, v.KeyVault, ref, v.Pos)
	}
	for _, f := range s.Fragments {
		fmt.Fprintf(b, "fragment %q policy %s at %s\n", f.ID, policyPath(f.Policy), f.Pos)
	}
	for _, v := range s.VersionSets {
		fmt.Fprintf(b, "version set %q name %q scheme %s query %q header %q at %s\n", v.ID, v.Name, v.Scheme, v.QueryName, v.HeaderName, v.Pos)
	}
	for _, u := range s.Subscriptions {
		fmt.Fprintf(b, "subscription %q name %q scope %s state %s at %s\n", u.ID, u.Name, u.Scope, u.State, u.Pos)
	}
	for _, g := range s.Groups {
		fmt.Fprintf(b, "group %q name %q\n", g.ID, g.Name)
	}
	for _, g := range s.Tags {
		fmt.Fprintf(b, "tag %q name %q\n", g.ID, g.Name)
	}
	for _, g := range s.Gateways {
		fmt.Fprintf(b, "gateway %q\n", g.ID)
	}
	for _, l := range s.Loggers {
		fmt.Fprintf(b, "logger %q type %s\n", l.ID, l.Type)
	}
	for _, d := range s.Diagnostics {
		fmt.Fprintf(b, "diagnostic %q of API %q logger %q\n", d.ID, d.API, d.LoggerID)
	}
}

func policyPath(p *PolicyFile) string {
	if p == nil {
		return "none"
	}
	return fmt.Sprintf("%s (%d bytes)", p.Path, len(p.Source))
}
