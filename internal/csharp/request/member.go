package request

import (
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

type funcs = map[string]clr.Func

// Family is the code of context and its types.
func Family() clr.Family {
	do := funcs{}
	for _, part := range []funcs{contextMembers(), messageMembers(), gatewayMembers(), callerMembers(), tokenMembers(), urlMembers(), extensionMembers()} {
		for key, f := range part {
			do[key] = f
		}
	}
	return clr.Family{Name: "request", Do: do, Fast: fastMembers(), Types: types, Hooks: map[string]*clr.Hooks{
		"IUrl": {Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*URL).String() }},
	}}
}

// of reads a member of a T.
func of[T clr.Object](f func(T) clr.Value) clr.Func {
	return func(c *clr.Call) clr.Value { return f(c.Args[0].O.(T)) }
}

// text reads a string of a T, which may be null.
func textOf[T clr.Object](f func(T) *string) clr.Func {
	return func(c *clr.Call) clr.Value { return orNull(f(c.Args[0].O.(T))) }
}

func orNull(s *string) clr.Value {
	if s == nil {
		return clr.Null
	}
	return clr.Str(*s)
}

// object is a reference that may be null.
func object[P interface {
	*T
	clr.Object
}, T any](p P) clr.Value {
	if p == nil {
		return clr.Null
	}
	return clr.Obj(p)
}

// moment is a DateTime of UTC; the zero time is .NET's default(DateTime).
func moment(t time.Time) clr.Value {
	if t.IsZero() {
		return clock.DateTimeOf(0, 0)
	}
	return clock.FromTime(t)
}

func momentOrNull(t *time.Time) clr.Value {
	if t == nil {
		return clr.Null
	}
	return moment(*t)
}

func contextMembers() funcs {
	return funcs{
		"IContext.Api":          of(func(c *Context) clr.Value { return object(c.API) }),
		"IContext.Backend":      of(func(c *Context) clr.Value { return object(c.Backend) }),
		"IContext.Deployment":   of(func(c *Context) clr.Value { return object(c.Deployment) }),
		"IContext.GraphQL":      of(func(c *Context) clr.Value { return object(c.GraphQL) }),
		"IContext.LastError":    of(func(c *Context) clr.Value { return object(c.LastError) }),
		"IContext.Operation":    of(func(c *Context) clr.Value { return object(c.Operation) }),
		"IContext.Product":      of(func(c *Context) clr.Value { return object(c.Product) }),
		"IContext.Request":      of(func(c *Context) clr.Value { return object(c.Request) }),
		"IContext.Response":     of(func(c *Context) clr.Value { return object(c.Response) }),
		"IContext.Subscription": of(func(c *Context) clr.Value { return object(c.Subscription) }),
		"IContext.User":         of(func(c *Context) clr.Value { return object(c.User) }),
		"IContext.Workspace":    of(func(c *Context) clr.Value { return object(c.Workspace) }),
		"IContext.RequestId":    of(func(c *Context) clr.Value { return clock.GuidOf(c.RequestID) }),
		"IContext.Timestamp":    of(func(c *Context) clr.Value { return moment(c.Timestamp) }),
		"IContext.Tracing":      of(func(c *Context) clr.Value { return clr.Bool(c.Tracing) }),
		"IContext.Elapsed": of(func(c *Context) clr.Value {
			if c.Elapsed == nil {
				return clock.TimeSpanOf(0)
			}
			return clock.FromDuration(c.Elapsed())
		}),
		"IContext.Variables": of(func(c *Context) clr.Value {
			return clr.Obj(c.variablesObject())
		}),
		"IContext.Trace(string)": func(c *clr.Call) clr.Value {
			message := c.Text(1, "message")
			if trace := c.Args[0].O.(*Context).Trace; trace != nil {
				trace(message)
			}
			return clr.Null
		},
	}
}

func (c *Context) variablesObject() *variablesObject {
	if c.variables == nil {
		c.variables = &variablesObject{c.Variables}
	}
	return c.variables
}

func gatewayMembers() funcs {
	names := func(f func(*API) string) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Str(f(c.Args[0].O.(namesObject).API)) }
	}
	gateway := func(f func(*Deployment) clr.Value) clr.Func {
		return func(c *clr.Call) clr.Value { return f(c.Args[0].O.(gatewayObject).Deployment) }
	}
	return funcs{
		"IApi.Id":                clr.Func(textOf(func(a *API) *string { return a.ID })),
		"IApi.Name":              textOf(func(a *API) *string { return a.Name }),
		"IApi.Path":              textOf(func(a *API) *string { return a.Path }),
		"IApi.Version":           textOf(func(a *API) *string { return a.Version }),
		"IApi.Revision":          textOf(func(a *API) *string { return a.Revision }),
		"IApi.IsCurrentRevision": of(func(a *API) clr.Value { return clr.Bool(a.IsCurrentRevision) }),
		"IApi.ServiceUrl":        of(func(a *API) clr.Value { return object(a.ServiceURL) }),
		"IApi.Protocols": func(c *clr.Call) clr.Value {
			return stringsValue(c.Thread, c.Args[0].O.(*API).Protocols)
		},
		"IApi.SubscriptionKeyParameterNames":    of(func(a *API) clr.Value { return clr.Obj(namesObject{a}) }),
		"ISubscriptionKeyParameterNames.Header": names(func(a *API) string { return a.Header }),
		"ISubscriptionKeyParameterNames.Query":  names(func(a *API) string { return a.Query }),

		"IBackend.Id":          textOf(func(b *Backend) *string { return b.ID }),
		"IBackend.Type":        textOf(func(b *Backend) *string { return b.Kind }),
		"IBackend.AzureRegion": textOf(func(b *Backend) *string { return b.AzureRegion }),

		"IOperation.Id":          textOf(func(o *Operation) *string { return o.ID }),
		"IOperation.Name":        textOf(func(o *Operation) *string { return o.Name }),
		"IOperation.Method":      textOf(func(o *Operation) *string { return o.Method }),
		"IOperation.UrlTemplate": textOf(func(o *Operation) *string { return o.URLTemplate }),

		"IDeployment.Region":      textOf(func(d *Deployment) *string { return d.Region }),
		"IDeployment.ServiceName": textOf(func(d *Deployment) *string { return d.ServiceName }),
		"IDeployment.ServiceId":   textOf(func(d *Deployment) *string { return d.ServiceID }),
		"IDeployment.GatewayId":   textOf(func(d *Deployment) *string { return d.GatewayID }),
		"IDeployment.Gateway":     of(func(d *Deployment) clr.Value { return clr.Obj(gatewayObject{d}) }),
		"IDeployment.SustainabilityInfo": of(func(d *Deployment) clr.Value {
			if d.CarbonIntensity == nil {
				return clr.Null
			}
			return clr.Obj(sustainabilityObject{d})
		}),
		"IDeployment.Certificates": certificates,
		"IGateway.Id":              gateway(func(d *Deployment) clr.Value { return orNull(d.GatewayID) }),
		"IGateway.InstanceId":      gateway(func(d *Deployment) clr.Value { return orNull(d.InstanceID) }),
		"IGateway.IsManaged":       gateway(func(d *Deployment) clr.Value { return clr.Bool(d.IsManaged) }),
		"ISustainabilityInfo.CurrentCarbonIntensity": func(c *clr.Call) clr.Value {
			return orNull(c.Args[0].O.(sustainabilityObject).CarbonIntensity)
		},

		"IWorkspace.Id":                         textOf(func(w *Workspace) *string { return w.ID }),
		"IWorkspace.Name":                       textOf(func(w *Workspace) *string { return w.Name }),
		"IGraphQL.GraphQLArguments":             of(func(g *GraphQL) clr.Value { return g.Arguments }),
		"IGraphQL.Parent":                       of(func(g *GraphQL) clr.Value { return g.Parent }),
		"IFoundry.Deployment":                   textOf(func(f *Foundry) *string { return f.Deployment }),
		"IPrivateEndpointConnection.Name":       textOf(func(p *PrivateEndpointConnection) *string { return p.Name }),
		"IPrivateEndpointConnection.GroupId":    textOf(func(p *PrivateEndpointConnection) *string { return p.GroupID }),
		"IPrivateEndpointConnection.MemberName": textOf(func(p *PrivateEndpointConnection) *string { return p.MemberName }),
	}
}

func certificates(c *clr.Call) clr.Value {
	d := c.Args[0].O.(*Deployment)
	if d.certificates == nil {
		of := d.Certificates
		if of == nil {
			of = &variableList{}
		}
		d.certificates = &certificatesObject{variablesObject{of}, c.Result}
	}
	return clr.Obj(d.certificates)
}
