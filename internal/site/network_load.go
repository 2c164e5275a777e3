package site

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	networkDir       = "network"
	reachabilityName = "reachability"
)

// networkBounds are those of one document; Microsoft's file of service tags is the
// largest.
func networkBounds() bounds { return bounds{bytes: maxFileBytes, values: 1_000_000, depth: 64} }

// networkLoader reads network/. Resources are collected first and then built,
// parents before children, so that files may stand in any order.
type networkLoader struct {
	*folder
	r        *report
	network  *Network
	config   *decodedConfig
	accepted map[string]AcceptedField
	used     map[string]bool
	found    []*resource
	// byName finds a resource by its type and name, in lower case.
	byName map[string]*resource
}

// resource is one resource of ARM as it stands in a file.
type resource struct {
	typ resourceType
	// name is PARENT/NAME of a part.
	name string
	pos  Pos
	// properties may be nil.
	properties *value
	built      bool
}

// own is the last part of the name, parent what stands before.
func (s *resource) own() string { return lastSegment(s.name) }

func (s *resource) parent() string {
	if i := strings.LastIndexByte(s.name, '/'); i >= 0 {
		return s.name[:i]
	}
	return ""
}

// loadNetwork reads network/. What it returns may be incomplete when there are
// errors.
func loadNetwork(files map[string][]byte, config *decodedConfig, accepted map[string]AcceptedField, used map[string]bool, r *report) *Network {
	l := &networkLoader{
		folder: &folder{files: files, claimed: map[string]bool{}}, r: r, network: &Network{ServiceTags: map[string]*ServiceTag{}},
		config: config, accepted: accepted, used: used, byName: map[string]*resource{},
	}
	for _, p := range l.unclaimed(networkDir) {
		l.file(p)
	}
	for _, t := range networkTypes() {
		for i := 0; i < len(l.found); i++ { // building a network adds its subnets
			if s := l.found[i]; s.typ.name == t.name && !s.built {
				s.built = true
				l.build(s)
			}
		}
	}
	l.networksInOrder()
	l.checkReachability()
	return l.network
}

// file reads one file of network/.
func (l *networkLoader) file(p string) {
	data, _ := l.take(p)
	base := strings.ToLower(path.Base(p))
	ext := path.Ext(base)
	src := l.r.source(p, data)
	var root *value
	switch ext {
	case ".json":
		root = parseJSON(src, networkBounds(), l.r)
	case ".yaml", ".yml":
		root = parseYAML(src, networkBounds(), l.r)
	case ".md", ".txt":
		return // prose
	default:
		l.r.Add(Pos{File: p}, "unknown-file", "documents that end in .json, .yaml or .yml", "rename or remove it", "nothing reads %q", path.Base(p))
		return
	}
	if root == nil {
		return
	}
	unresolved(root, l.r)
	switch {
	case strings.TrimSuffix(base, ext) == reachabilityName:
		l.reachability(src, root)
	case root.kind == kindObject && root.get("values") != nil && root.get("type") == nil:
		l.serviceTags(root)
	case root.kind == kindObject && root.get("resources") != nil && root.get("type") == nil:
		for i, v := range listOf(root.get("resources")) {
			l.resource(src, v, "", fmt.Sprintf("resources[%d]", i))
		}
	case root.kind == kindList:
		for i, v := range root.list {
			l.resource(src, v, "", fmt.Sprintf("[%d]", i))
		}
	default:
		l.resource(src, root, "", "")
	}
}

func listOf(v *value) []*value {
	if v == nil || v.kind != kindList {
		return nil
	}
	return v.list
}

// resource collects one resource and those that stand in it. within is the
// "TYPE NAME" of the one around it.
func (l *networkLoader) resource(src *source, v *value, within, at string) {
	if v.kind != kindObject {
		l.r.Add(v.pos, "wrong-type", "a resource of ARM: an object with type, name and properties", "", "the document holds %s", v.kind)
		return
	}
	typ, name := textOf(v.get("type")), textOf(v.get("name"))
	if around, parent, ok := strings.Cut(within, " "); ok {
		if !strings.Contains(typ, ".") {
			typ = around + "/" + typ
		}
		if !strings.Contains(name, "/") {
			name = parent + "/" + name
		}
	}
	switch {
	case typ == "":
		l.r.Add(v.pos, "missing-field", "a type such as "+networkProvider+"virtualNetworks", `add "type: …"`, "the resource has no type")
		return
	case name == "" || strings.HasSuffix(name, "/"):
		l.r.Add(v.pos, "missing-field", "a name", `add "name: …"`, "the resource has no name")
		return
	}
	t, ok := findType(typ)
	if !ok {
		l.unknownType(src, v, typ, at)
		return
	}
	f := &fieldChecker{src: src, r: l.r, accepted: l.accepted, used: l.used, config: l.config}
	f.check(v, armEnvelope(t.fields), at)
	l.protectedWhenTrue(f, v.get("properties"), join(at, "properties"))
	s := &resource{typ: t, name: name, pos: posOf(v.get("name"), v.pos), properties: v.get("properties")}
	if strings.Count(t.name, "/") != strings.Count(name, "/")+1 {
		l.r.Add(s.pos, "invalid-value", map[bool]string{true: "NAME", false: "PARENT/NAME"}[strings.Count(t.name, "/") == 1], "", "%q is not how a %s is named", name, t.name)
		return
	}
	l.add(s)
	for i, part := range listOf(v.get("resources")) {
		l.resource(src, part, t.name+" "+name, fmt.Sprintf("%s[%d]", join(at, "resources"), i))
	}
}

// protectedWhenTrue reports switches that protect only when they are on.
func (l *networkLoader) protectedWhenTrue(f *fieldChecker, properties *value, at string) {
	for _, name := range []string{"enableDdosProtection", "flushConnection"} {
		if v := properties.get(name); boolOf(v, false) {
			f.protectsAt(v.pos, join(at, name), map[string]string{
				"enableDdosProtection": "Azure's DDoS protection is not built.",
				"flushConnection":      "Open connections do not end when rules change.",
			}[name])
		}
	}
}

// unknownType reports a type that protects, or that nobody knows, and notes the
// others: an export holds all of a resource group.
func (l *networkLoader) unknownType(src *source, v *value, typ, at string) {
	pos := posOf(v.get("type"), v.pos)
	lower := strings.ToLower(typ)
	for name, why := range protectingTypes() {
		if lower == name || strings.HasPrefix(lower, name+"/") {
			f := &fieldChecker{src: src, r: l.r, accepted: l.accepted, used: l.used, config: l.config}
			f.protectsAt(pos, join(at, "type"), why)
			return
		}
	}
	var known []string
	for _, t := range networkTypes() {
		known = append(known, t.name)
	}
	if near := nearest(typ, known); near != "" || !strings.Contains(typ, "/") {
		if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, networkProvider+typ) }); i >= 0 {
			typ = known[i]
		}
		l.r.Add(pos, "invalid-value", "a type of resource, with its provider", didYouMean(typ, known), "%q is no type that Azure has", textOf(v.get("type")))
		return
	}
	l.r.Note(pos, "no-effect", "a %s has no effect here", typ)
}

// add keeps a resource once. An export may write a part twice, in its parent and
// by itself; the two must say the same.
func (l *networkLoader) add(s *resource) {
	key := strings.ToLower(s.typ.name + " " + s.name)
	if other := l.byName[key]; other != nil {
		if !sameValue(other.properties, s.properties) {
			l.r.Add(s.pos, "duplicate-name", "each resource once; names are compared without case", "remove one",
				"%s %q stands twice, and the two differ; the other is at %s", strings.ToLower(s.typ.title), s.name, other.pos)
		}
		return
	}
	l.byName[key] = s
	l.found = append(l.found, s)
}

// sameValue reports whether two values say the same, but for members that say
// nothing.
func sameValue(a, b *value) bool {
	if a.empty() || b.empty() {
		return a.empty() && b.empty()
	}
	if a.kind != b.kind || a.text != b.text || len(a.list) != len(b.list) {
		return false
	}
	for i := range a.list {
		if !sameValue(a.list[i], b.list[i]) {
			return false
		}
	}
	for _, m := range a.members {
		if !sameValue(m.value, b.get(m.name)) {
			return false
		}
	}
	for _, m := range b.members {
		if a.get(m.name) == nil && !m.value.empty() {
			return false
		}
	}
	return true
}

// parts adds what stands in a list of a resource as resources of their own.
func (l *networkLoader) parts(s *resource, list, typ string) {
	t, _ := findType(typ)
	for _, v := range listOf(s.properties.get(list)) {
		name := textOf(v.get("name"))
		if name == "" {
			name = lastSegment(textOf(v.get("id")))
		}
		if name == "" {
			l.r.Add(v.pos, "missing-field", "a name", `add "name: …"`, "an element of %s has no name", list)
			continue
		}
		l.add(&resource{typ: t, name: s.name + "/" + name, pos: v.pos, properties: v.get("properties")})
	}
}

func (l *networkLoader) build(s *resource) {
	switch strings.TrimPrefix(s.typ.name, networkProvider) {
	case "virtualNetworks":
		l.virtualNetwork(s)
	case "virtualNetworks/subnets":
		l.subnet(s)
	case "virtualNetworks/virtualNetworkPeerings":
		l.peering(s)
	case "networkSecurityGroups":
		l.network.SecurityGroups = append(l.network.SecurityGroups, &SecurityGroup{Pos: s.pos, Name: s.name})
		l.parts(s, "securityRules", s.typ.name+"/securityRules")
	case "networkSecurityGroups/securityRules":
		l.rule(s)
	case "applicationSecurityGroups":
		l.network.ApplicationSecurityGroups = append(l.network.ApplicationSecurityGroups, &ApplicationSecurityGroup{Pos: s.pos, Name: s.name})
	case "networkInterfaces":
		l.networkInterface(s)
	case "privateEndpoints":
		l.privateEndpoint(s)
	case "privateEndpoints/privateDnsZoneGroups":
		l.zoneGroup(s)
	case "privateDnsZones":
		l.network.PrivateZones = append(l.network.PrivateZones, &PrivateZone{Pos: s.pos, Name: strings.ToLower(strings.TrimSuffix(s.name, "."))})
	case "privateDnsZones/virtualNetworkLinks":
		l.zoneLink(s)
	default:
		l.record(s)
	}
}

// named finds a resource by ARM id or name, without case.
func named[T any](list []T, id string, name func(T) string) (found T, ok bool) {
	want := lastSegment(id)
	for _, e := range list {
		if strings.EqualFold(name(e), want) {
			return e, true
		}
	}
	return found, false
}

// refer resolves {id: …}. It reports a reference that leads nowhere.
func refer[T any](l *networkLoader, v *value, what string, list []T, name func(T) string) (found T, ok bool) {
	id := textOf(v.get("id"))
	if v.empty() || id == "" {
		return found, false
	}
	return referID(l, v.get("id"), what, list, name)
}

// referID is refer of the id itself.
func referID[T any](l *networkLoader, v *value, what string, list []T, name func(T) string) (found T, ok bool) {
	if found, ok = named(list, v.text, name); ok {
		return found, true
	}
	var names []string
	for _, e := range list {
		names = append(names, name(e))
	}
	l.r.Add(v.pos, "unknown-reference", what+"s of network/: "+oneOf(names), didYouMean(lastSegment(v.text), names), "the site has no %s %q", what, lastSegment(v.text))
	return found, false
}

func (l *networkLoader) groupsOf(v *value) (groups []*ApplicationSecurityGroup) {
	for _, e := range listOf(v) {
		if g, ok := refer(l, e, "application security group", l.network.ApplicationSecurityGroups, asgName); ok {
			groups = append(groups, g)
		}
	}
	return groups
}

func asgName(g *ApplicationSecurityGroup) string { return g.Name }
func nsgName(g *SecurityGroup) string            { return g.Name }
func vnetName(n *VirtualNetwork) string          { return n.Name }
func zoneName(z *PrivateZone) string             { return z.Name }
func nicName(n *NetworkInterface) string         { return n.Name }
func endpointName(e *PrivateEndpoint) string     { return e.Name }

// Subnet finds a subnet by NAME, NETWORK/NAME or ARM id; several of that name
// are an error.
func (n *Network) Subnet(id string) (*Subnet, error) {
	network, name := "", lastSegment(id)
	if parts := strings.Split(id, "/"); len(parts) == 2 {
		network = parts[0]
	} else if i := slices.IndexFunc(parts, func(s string) bool { return strings.EqualFold(s, "virtualNetworks") }); i >= 0 && i+1 < len(parts) {
		network = parts[i+1]
	}
	var found []*Subnet
	var known []string
	for _, vnet := range n.VirtualNetworks {
		for _, s := range vnet.Subnets {
			known = append(known, s.ID())
			if strings.EqualFold(s.Name, name) && (network == "" || strings.EqualFold(vnet.Name, network)) {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("several networks have a subnet %q; write NETWORK/NAME, one of: %s", name, strings.Join(known, ", "))
	case len(known) == 0:
		return nil, fmt.Errorf("the site has no subnet %q: network/ holds no virtual network", id)
	}
	return nil, fmt.Errorf("the site has no subnet %q; it has: %s", id, strings.Join(known, ", "))
}

// subnetOf resolves {id: …} of a subnet.
func (l *networkLoader) subnetOf(v *value, pos Pos, who string) *Subnet {
	id := textOf(v.get("id"))
	if id == "" {
		l.r.Add(posOf(v, pos), "missing-field", "a subnet", `add "subnet: {id: NETWORK/NAME}"`, "%s has no subnet", who)
		return nil
	}
	s, err := l.network.Subnet(id)
	if err != nil {
		l.r.Add(v.get("id").pos, "unknown-reference", "a subnet of network/", "", "%s", err)
		return nil
	}
	return s
}

// texts reads a list of texts, and reports what is something else.
func (l *networkLoader) texts(v *value) (list []*value) {
	for _, e := range listOf(v) {
		if e.kind == kindText {
			list = append(list, e)
		} else {
			l.r.Add(e.pos, "wrong-type", "text", fmt.Sprintf("write it in quotes: %q", e.text), "an element of the list is %s", e.kind)
		}
	}
	return list
}

// oneOrMore are the values of a field and of its plural.
func (l *networkLoader) oneOrMore(p *value, one, many string) (list []*value) {
	if v := p.get(one); textOf(v) != "" {
		list = append(list, v)
	}
	return append(list, l.texts(p.get(many))...)
}

// prefix reads a range, or an address as a range of one.
func (l *networkLoader) prefix(v *value) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(v.text)
	if err != nil {
		a, err := netip.ParseAddr(v.text)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			l.r.Add(v.pos, "invalid-value", "an address range such as 10.0.0.0/16", "", "%q is not an address range", v.text)
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	switch {
	case p.Addr().Is4In6():
		l.r.Add(v.pos, "invalid-value", "an IPv4 range", "write it in its IPv4 form", "%s is an IPv4-mapped range", p)
	case p != p.Masked():
		l.r.Add(v.pos, "invalid-value", p.Masked().String(), "write "+p.Masked().String(), "%s has bits beyond its length", p)
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

func (l *networkLoader) prefixes(list []*value) (out []netip.Prefix) {
	for _, v := range list {
		if p, ok := l.prefix(v); ok {
			out = append(out, p)
		}
	}
	return out
}

func (l *networkLoader) address(v *value) (netip.Addr, bool) {
	a, err := netip.ParseAddr(v.text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		l.r.Add(v.pos, "invalid-value", "an IP address", "", "%q is not an IP address", v.text)
		return netip.Addr{}, false
	}
	return a, true
}

func (l *networkLoader) number(v *value, low, high int) (int, bool) {
	n, err := strconv.Atoi(v.text)
	if v.kind != kindNumber || err != nil || n < low || n > high {
		l.r.Add(v.pos, "invalid-value", fmt.Sprintf("%d to %d", low, high), "", "%q is not in range", v.text)
		return 0, false
	}
	return n, true
}

// word is one of the values, compared without case as ARM does; the value that
// counts is as listed.
func (l *networkLoader) word(v *value, pos Pos, name string, values ...string) string {
	if textOf(v) == "" {
		l.r.Add(posOf(v, pos), "missing-field", oneOf(values), fmt.Sprintf("add %q", name+": …"), "%q is missing", name)
		return ""
	}
	for _, known := range values {
		if strings.EqualFold(known, v.text) {
			return known
		}
	}
	l.r.Add(v.pos, "invalid-value", oneOf(values), didYouMean(v.text, values), "%q is no %s", v.text, name)
	return ""
}
