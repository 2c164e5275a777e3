package dns

import "net/netip"

// Type is a type of records by its number (IANA).
type Type uint16

// The types that the zones hold, and ANY.
const (
	TypeA     Type = 1
	TypeNS    Type = 2
	TypeCNAME Type = 5
	TypeSOA   Type = 6
	TypeHINFO Type = 13
	TypeTXT   Type = 16
	TypeAAAA  Type = 28
	TypeANY   Type = 255
)

// Code is the outcome of a question by its number (RCODE).
type Code uint8

// The codes of an [Answer].
const (
	NoError  Code = 0
	ServFail Code = 2
	NXDomain Code = 3
	Refused  Code = 5
)

// Question is what is asked, in class IN.
type Question struct {
	// Name in any case, with or without a dot at the end.
	Name string
	Type Type
}

// Record is one record of an answer.
type Record struct {
	// Name is in lower case, without a dot at the end.
	Name string
	Type Type
	// TTL is in seconds.
	TTL uint32
	// Address of A and AAAA.
	Address netip.Addr
	// Target of CNAME and NS.
	Target string
	// Texts are the strings of one TXT record.
	Texts []string
}

// Answer is what the site knows about a question.
type Answer struct {
	Code Code
	// Records are in the order in which names lead to each other.
	Records []Record
	// SOA is the zone that says so where nothing was found; empty: none.
	SOA string
	// Authoritative: the name that was asked for is the site's.
	Authoritative bool
	// Ask is the name with which the answer goes on outside the site; empty:
	// it is complete. Without anybody outside, Code and Records stand.
	Ask string
}

// maxChain bounds how many aliases are followed. Azure's own chains have two or
// three; resolvers give up between 8 and 16.
const maxChain = 8

// Answer answers a question in a view; nil is nobody's, who is refused. It asks
// nobody and changes nothing.
func (z *Zones) Answer(q Question, v *View) Answer {
	if v == nil {
		return Answer{Code: Refused}
	}
	var a Answer
	name := normal(q.Name)
	for hop := range maxChain + 1 {
		next, goesOn := z.step(&a, v, name, q.Type, hop == 0)
		if !goesOn {
			return a
		}
		name = next
	}
	return Answer{Code: ServFail, Authoritative: a.Authoritative}
}

// step answers for one name of a chain. It goes on at an alias.
func (z *Zones) step(a *Answer, v *View, name string, t Type, first bool) (next string, goesOn bool) {
	in := v.find(name)
	if in.zone == nil {
		return z.outside(a, name, t, first)
	}
	a.Authoritative = a.Authoritative || first
	n, wild := in.zone.lookup(name)
	if n == nil {
		a.Code, a.SOA = NXDomain, in.zone.name
		if in.fallback && redirects(t) {
			if z.public[name] != nil {
				a.Code, a.SOA = NoError, ""
				return z.outside(a, name, t, first)
			}
			if !z.whole {
				a.Ask = name
			}
		}
		return "", false
	}
	next, goesOn = n.answer(a, name, t, wild)
	if !goesOn && !a.ends(name, t) {
		a.SOA = in.zone.name
	}
	return next, goesOn
}

// outside answers for a name of no zone: what the site knows of the public DNS.
func (z *Zones) outside(a *Answer, name string, t Type, first bool) (next string, goesOn bool) {
	if n := z.public[name]; n != nil {
		a.Authoritative = a.Authoritative || first
		return n.answer(a, name, t, false)
	}
	switch {
	case z.whole:
		a.Code = NXDomain
	case first:
		a.Code, a.Ask = Refused, name
	default:
		a.Ask = name
	}
	return "", false
}

// redirects reports whether NxDomainRedirect counts for a type. Source: the
// resolutionPolicy of virtualNetworkLinks, "for A, AAAA and CNAME queries".
func redirects(t Type) bool { return t == TypeA || t == TypeAAAA || t == TypeCNAME }

// ends reports whether the last record answers the question itself, so that it
// is no alias with nothing at its end.
func (a *Answer) ends(name string, t Type) bool {
	if len(a.Records) == 0 {
		return false
	}
	r := a.Records[len(a.Records)-1]
	return r.Name == name && (r.Type == t || t == TypeANY)
}

// node is what a zone holds at one name. Without any records it is an empty
// non-terminal: the name exists because something below it does.
type node struct {
	a, aaaa, txt []Record
	apex         []Record // SOA and NS
	cname        *Record
	// wildcard is the node of "*." and this name.
	wildcard *node
}

// answer adds what the node holds. Name is the owner, which differs from the
// records' where a wildcard stands for it.
func (n *node) answer(a *Answer, name string, t Type, wild bool) (next string, goesOn bool) {
	if n.cname != nil && t != TypeCNAME && t != TypeANY {
		a.add(name, wild, *n.cname)
		return n.cname.Target, true
	}
	switch t {
	case TypeA:
		a.add(name, wild, n.a...)
	case TypeAAAA:
		a.add(name, wild, n.aaaa...)
	case TypeTXT:
		a.add(name, wild, n.txt...)
	case TypeCNAME:
		if n.cname != nil {
			a.add(name, wild, *n.cname)
		}
	case TypeSOA, TypeNS:
		for _, r := range n.apex {
			if r.Type == t {
				a.add(name, wild, r)
			}
		}
	case TypeANY:
		// RFC 8482: one small record, so that nobody is worth the trick.
		a.add(name, false, Record{Name: name, Type: TypeHINFO, TTL: soaTTL})
	}
	return "", false
}

func (a *Answer) add(name string, wild bool, records ...Record) {
	from := len(a.Records)
	a.Records = append(a.Records, records...)
	if wild {
		for i := from; i < len(a.Records); i++ {
			a.Records[i].Name = name
		}
	}
}
