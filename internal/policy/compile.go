package policy

import (
	"fmt"
	"slices"

	"github.com/cloister-ai/cloister/internal/site"
)

// Compile composes the documents of the scopes: global → product → API →
// operation, each at the <base/> of the next. A section that a document lacks
// is <base/>; the global document's default backend section is one
// forward-request, and its other sections are empty by default.
//
// With an error among the problems there is no pipeline. The problems are
// sorted, each stands there once, and they are of the documents as a whole,
// whatever of them <base/> leaves out.
func Compile(scopes Scopes, env Env) (*Pipeline, site.Problems) {
	if env.compiled == nil {
		env.compiled = newCompiledDocuments()
	}
	c := &composer{env: &env, template: scopes.URLTemplate, operation: scopes.Described, specification: scopes.Specification}
	for i, file := range [...]*site.PolicyFile{scopes.Global, scopes.Product, scopes.API, scopes.Operation} {
		if file == nil {
			continue
		}
		c.documents[i] = env.document(file, scope(i))
		c.problems = append(c.problems, c.documents[i].problems...)
	}
	p := c.compose()
	c.problems.Sort()
	c.problems = slices.CompactFunc(c.problems, func(a, b site.Problem) bool { return a == b })
	if c.problems.HasErrors() {
		return nil, c.problems
	}
	return p, c.problems
}

// composer puts the documents of one pipeline together.
type composer struct {
	env      *Env
	template string
	// operation is nil where the documents are looked at without one.
	operation     *site.Operation
	specification *site.Specification
	documents     [scopes]*compiledDocument
	problems      site.Problems
}

func (c *composer) compose() *Pipeline {
	p := &Pipeline{secrets: c.env.NamedValues.secretsOf()}
	for s := inbound; s < sections; s++ {
		p.steps[s] = c.section(s, operation)
	}
	for _, s := range p.steps[inbound] {
		if policy, ok := s.statement.(*cors); ok {
			p.cors, p.corsAt = append(p.cors, policy), append(p.corsAt, s.at)
		}
	}
	for _, steps := range p.steps {
		eachStep(steps, func(s *step) {
			if use, ok := s.statement.(*setBackendService); ok && use.known() {
				p.targets = append(p.targets, TargetUse{Target: use.target, Pos: s.at.pos})
			}
			if l, ok := s.statement.(*logToEventhub); ok && l.logger != "" {
				p.loggers = append(p.loggers, LoggerUse{ID: l.logger, Pos: l.pos})
			}
			if call, ok := s.statement.(interface{ calls() (CallUse, bool) }); ok {
				if use, ok := call.calls(); ok {
					p.calls = append(p.calls, use)
				}
			}
		})
	}
	c.checkForward(p)
	c.checkRewrite(p)
	c.checkCaches(p)
	c.contract(p)
	return p
}

// add adds a problem with the line that it is about.
func (c *composer) add(p site.Problem) {
	for _, t := range c.env.compiled.trees {
		if t.doc.File == p.File {
			p.Excerpt = site.Excerpt(t.doc.Source, p.Pos)
			break
		}
	}
	c.problems = append(c.problems, p)
}

// section is the section as it runs at a scope, its parents' included.
func (c *composer) section(s section, at scope) []step {
	var block *block
	if d := c.documents[at]; d != nil {
		block = d.sections[s]
	}
	if block == nil {
		if at == global {
			return defaultSection(s)
		}
		return c.section(s, at-1)
	}
	var steps []step
	for _, item := range block.items {
		if item.statement != nil {
			steps = append(steps, item)
		} else if at != global {
			steps = append(steps, c.section(s, at-1)...)
		}
	}
	return steps
}

// defaultSection is what the global scope holds where its document says
// nothing.
func defaultSection(s section) []step {
	if s != backend {
		return nil
	}
	return []step{{
		statement: &forwardRequest{opt: ForwardOptions{BufferResponse: true}},
		at:        &place{policy: forwardRequestName, scope: global, section: backend, path: forwardRequestName + "[1]"},
		connects:  true,
	}}
}

// checkForward makes sure that the effective backend section forwards once.
func (c *composer) checkForward(p *Pipeline) {
	all := forwards(p.steps[backend])
	for i := 1; i < len(all); i++ {
		pos, other := all[i].pos, all[0].pos
		if pos.IsZero() {
			pos, other = other, pos
		}
		where := "in the global scope's default"
		if !other.IsZero() {
			where = "at " + other.String()
		}
		c.add(site.Problem{
			Severity: site.Error, Pos: pos, Code: "second-forward-request",
			Message:  "the request would be forwarded twice: the other forward-request is " + where,
			Expected: "one forward-request in the backend section, those of <base/> included",
			Mend:     "remove it, or the <base/> beside it",
		})
	}
	if len(all) == 0 && !c.problems.HasErrors() && !answers(p.steps[inbound]) && !answers(p.steps[backend]) {
		c.add(site.Problem{
			Severity: site.Warning, Pos: c.emptyBackend(), Code: "nothing-forwarded",
			Message: "no policy forwards the request, so each one is answered with 200 and no body",
			Mend:    "write <base /> or <forward-request /> in the backend section",
		})
	}
}

// checkRewrite makes sure that the operation's own rewrite-uri finds its
// parameters. Those of wider scopes serve operations that may differ; a
// parameter that one of them lacks fails its requests.
func (c *composer) checkRewrite(p *Pipeline) {
	if c.template == "" {
		return
	}
	known, _ := parseTemplate(c.template, func(s string) string { return s })
	var names []string
	for _, k := range known {
		if k.parameter != "" {
			names = append(names, k.parameter)
		}
	}
	eachStep(p.steps[inbound], func(s *step) {
		rewrite, ok := s.statement.(*rewriteURI)
		if !ok || s.at.scope != operation {
			return
		}
		for _, k := range slices.Concat(rewrite.path, rewrite.query) {
			if k.parameter != "" && !slices.Contains(names, k.parameter) {
				c.add(site.Problem{
					Severity: site.Error, Pos: s.at.pos, Code: "unknown-parameter",
					Message:  fmt.Sprintf("the operation's URL template has no parameter {%s}", k.parameter),
					Expected: "a parameter of " + c.template, Mend: nearestName(k.parameter, names),
				})
			}
		}
	})
}

// answers reports whether steps end in an answer of their own.
func answers(steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		_, ok := s.statement.(*returnResponse)
		return ok
	})
}

// emptyBackend is the place of the section that leaves forward-request out.
func (c *composer) emptyBackend() site.Pos {
	for at := operation; ; at-- {
		if d := c.documents[at]; d != nil && d.sections[backend] != nil {
			if b := d.sections[backend]; at == global || !slices.ContainsFunc(b.items, func(s step) bool { return s.statement == nil }) {
				return b.pos
			}
		}
		if at == global {
			return site.Pos{}
		}
	}
}
