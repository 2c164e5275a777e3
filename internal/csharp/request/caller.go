package request

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

func callerMembers() funcs {
	state := func(p *Product) clr.Value {
		if p.NotPublished {
			return clr.Number(stateType, 0)
		}
		return clr.Number(stateType, 1)
	}
	return funcs{
		"IProduct.Id":                   textOf(func(p *Product) *string { return p.ID }),
		"IProduct.Name":                 textOf(func(p *Product) *string { return p.Name }),
		"IProduct.ApprovalRequired":     of(func(p *Product) clr.Value { return clr.Bool(p.ApprovalRequired) }),
		"IProduct.SubscriptionRequired": of(func(p *Product) clr.Value { return clr.Bool(p.SubscriptionRequired) }),
		"IProduct.State":                of(state),
		"IProduct.SubscriptionsLimit": of(func(p *Product) clr.Value {
			if p.SubscriptionsLimit == nil {
				return clr.Null
			}
			return clr.Int(*p.SubscriptionsLimit)
		}),
		"IProduct.Groups": func(c *clr.Call) clr.Value { return groups(c, c.Args[0].O.(*Product).Groups) },

		"IGroup.Id":   textOf(func(g *Group) *string { return g.ID }),
		"IGroup.Name": textOf(func(g *Group) *string { return g.Name }),

		"ISubscription.Id":           textOf(func(s *Subscription) *string { return s.ID }),
		"ISubscription.Name":         textOf(func(s *Subscription) *string { return s.Name }),
		"ISubscription.Key":          textOf(func(s *Subscription) *string { return s.Key }),
		"ISubscription.PrimaryKey":   of(func(s *Subscription) clr.Value { return clr.Str(s.PrimaryKey) }),
		"ISubscription.SecondaryKey": of(func(s *Subscription) clr.Value { return clr.Str(s.SecondaryKey) }),
		"ISubscription.CreatedDate":  of(func(s *Subscription) clr.Value { return moment(s.CreatedDate) }),
		"ISubscription.StartDate":    of(func(s *Subscription) clr.Value { return momentOrNull(s.StartDate) }),
		"ISubscription.EndDate":      of(func(s *Subscription) clr.Value { return momentOrNull(s.EndDate) }),

		"IUser.Id":               textOf(func(u *User) *string { return u.ID }),
		"IUser.Email":            textOf(func(u *User) *string { return u.Email }),
		"IUser.FirstName":        textOf(func(u *User) *string { return u.FirstName }),
		"IUser.LastName":         textOf(func(u *User) *string { return u.LastName }),
		"IUser.Note":             textOf(func(u *User) *string { return u.Note }),
		"IUser.RegistrationDate": of(func(u *User) clr.Value { return moment(u.RegistrationDate) }),
		"IUser.Groups":           func(c *clr.Call) clr.Value { return groups(c, c.Args[0].O.(*User).Groups) },
		"IUser.Identities": func(c *clr.Call) clr.Value {
			all := c.Args[0].O.(*User).Identities
			elems := make([]clr.Value, len(all))
			for i := range all {
				elems[i] = clr.Obj(&all[i])
			}
			return clr.Obj(c.NewList(identityType, elems))
		},
		"IUserIdentity.Id":       textOf(func(i *Identity) *string { return i.ID }),
		"IUserIdentity.Provider": textOf(func(i *Identity) *string { return i.Provider }),

		"ILastError.Source":   textOf(func(e *LastError) *string { return e.Source }),
		"ILastError.Reason":   textOf(func(e *LastError) *string { return e.Reason }),
		"ILastError.Message":  textOf(func(e *LastError) *string { return e.Message }),
		"ILastError.Scope":    textOf(func(e *LastError) *string { return e.Scope }),
		"ILastError.Section":  textOf(func(e *LastError) *string { return e.Section }),
		"ILastError.Path":     textOf(func(e *LastError) *string { return e.Path }),
		"ILastError.PolicyId": textOf(func(e *LastError) *string { return e.PolicyID }),
	}
}

func groups(c *clr.Call, all []Group) clr.Value {
	elems := make([]clr.Value, len(all))
	for i := range all {
		elems[i] = clr.Obj(&all[i])
	}
	return clr.Obj(c.NewList(groupType, elems))
}

// seconds is a moment of a token's claim, in seconds since 1970 with fractions;
// false: .NET's calendar does not have it.
func seconds(s float64) (clr.Value, bool) {
	const epoch = 621355968000000000
	// AddSeconds rounds to whole milliseconds.
	ms := s * 1000
	if ms >= 0 {
		ms += 0.5
	} else {
		ms -= 0.5
	}
	if !(ms > -1e15 && ms < 1e15) {
		return clr.Null, false
	}
	ticks := epoch + int64(ms)*10000
	if ticks < 0 || ticks > clock.MaxTicks {
		return clr.Null, false
	}
	return clock.DateTimeOf(ticks, clock.UTC), true
}
