package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// localFuncs declares the local functions of a block.
func (c *checker) localFuncs(stmts []syntax.Stmt) map[*syntax.LocalFunc]*Var {
	var out map[*syntax.LocalFunc]*Var
	for _, s := range stmts {
		f, ok := s.(*syntax.LocalFunc)
		if !ok {
			continue
		}
		if out == nil {
			out = map[*syntax.LocalFunc]*Var{}
		}
		out[f] = c.declareLocalFunc(f)
	}
	return out
}

func (c *checker) declareLocalFunc(f *syntax.LocalFunc) *Var {
	if f.Async {
		c.refuse(f, "async")
	}
	v := c.declare(f.Name, clr.ObjectType)
	if len(f.TypeParams) == 0 {
		v.local = c.localHead(f)
		return v
	}
	v.generic = &genericFunc{syntax: f, scope: c.scope}
	scope := &scope{outer: c.scope, fn: c.fn, types: map[string]*clr.Type{}}
	for i, p := range f.TypeParams {
		t := clr.NewParam(p.Name, "", i, true)
		v.generic.params = append(v.generic.params, t)
		scope.types[p.Name] = t
	}
	c.scope = scope
	v.local = c.localHead(f)
	c.scope = scope.outer
	return v
}

// localHead is a local function without its body.
func (c *checker) localHead(f *syntax.LocalFunc) *Func {
	fn := &Func{Name: f.Name.Name, Outer: c.fn, Result: bad}
	if f.Result != nil {
		fn.Result = c.resolve(f.Result)
	}
	for i := range f.Params {
		p := &f.Params[i]
		t := bad
		if p.Type != nil {
			t = c.resolve(p.Type)
		}
		param := &Var{Name: p.Name.Name, Type: t, Func: fn, Span: p.Span}
		switch p.Ref {
		case "ref", "out":
			param.Ref = p.Ref
		case "params":
			fn.params = true
		}
		var d *clr.Value
		if p.Default != nil {
			if k, ok := c.convert(c.expr(p.Default), t, p.Default).(*Const); ok {
				d = &k.Value
			} else {
				c.errorf(p.Default, "CS1736", "Default parameter value for '%s' must be a compile-time constant", p.Name.Name)
			}
		}
		fn.defaults = append(fn.defaults, d)
		fn.Params = append(fn.Params, param)
	}
	return fn
}

// genericFunc is a local function with type parameters. It is checked and made
// anew for each list of types that it is called with.
type genericFunc struct {
	syntax *syntax.LocalFunc
	params []*clr.Type
	scope  *scope
	made   []*instance
}

type instance struct {
	types []*clr.Type
	v     *Var
}

// maxInstances is for how many lists of types one function is made.
const maxInstances = 16

// instantiate is the function for these types; nil after an error.
func (c *checker) instantiate(v *Var, types []*clr.Type, n syntax.Node) *Var {
	g := v.generic
	for _, m := range g.made {
		if sameTypes(m.types, types) {
			c.use(m.v)
			return m.v
		}
	}
	if c.trials--; len(g.made) == maxInstances || c.trials < 0 {
		c.quietError(n, "the local function '"+v.Name+"' is called with too many lists of types")
		return nil
	}
	inner, fn, quiet := c.scope, c.fn, c.quiet
	made := &Var{Name: v.Name, Type: clr.ObjectType, Func: g.scope.fn, Span: v.Span}
	g.made = append(g.made, &instance{types, made})
	g.scope.vars = append(g.scope.vars, made)
	made.Func.Vars = append(made.Func.Vars, made)
	bound := &scope{outer: g.scope, fn: g.scope.fn, types: map[string]*clr.Type{}}
	for i, p := range g.syntax.TypeParams {
		bound.types[p.Name] = types[i]
	}
	c.scope, c.fn, c.quiet = bound, g.scope.fn, 0
	made.local = c.localHead(g.syntax)
	g.scope.instances = append(g.scope.instances, c.localFunc(g.syntax, made))
	c.scope, c.fn, c.quiet = inner, fn, quiet
	c.use(made)
	return made
}

func (c *checker) localFunc(f *syntax.LocalFunc, v *Var) Stmt {
	if v.generic != nil {
		return nil
	}
	fn := v.local
	leave := c.enterFunc(fn)
	defer leave()
	for _, p := range fn.Params {
		if c.scope.names == nil {
			c.scope.names = map[string]*Var{}
		}
		if c.scope.names[p.Name] != nil {
			c.errorAt(p.Span, "CS0100", "The parameter name '%s' is a duplicate", p.Name)
		}
		c.scope.names[p.Name] = p
		c.scope.vars = append(c.scope.vars, p)
		fn.Vars = append(fn.Vars, p)
	}
	switch body := f.Body.(type) {
	case *syntax.Block:
		fn.Body = c.block(body)
	case syntax.Expr:
		if fn.Result == clr.Void {
			fn.Expr = c.value(body)
		} else {
			fn.Expr = c.convert(c.expr(body), fn.Result, body)
		}
	}
	return &DeclareFunc{v, fn}
}
