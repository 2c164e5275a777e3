package site

import (
	"reflect"
	"strings"
)

// serviceTags reads a file in the form in which Microsoft publishes service tags:
// {"values": [{"name": …, "properties": {"addressPrefixes": […]}}]}. A site may
// have several such files, with tags of its own.
func (l *networkLoader) serviceTags(root *value) {
	for _, v := range listOf(root.get("values")) {
		name := v.get("name")
		if textOf(name) == "" {
			l.r.Add(v.pos, "missing-field", "a name", "", "a service tag has no name")
			continue
		}
		key := strings.ToLower(name.text)
		if other := l.network.ServiceTags[key]; other != nil {
			l.r.Add(name.pos, "duplicate-name", "each tag once; names are compared without case", "remove one", "the service tag %q stands at %s too", name.text, other.Pos)
			continue
		}
		list := v.at("properties", "addressPrefixes")
		if len(listOf(list)) == 0 {
			l.r.Add(v.pos, "missing-field", "properties.addressPrefixes", "", "the service tag %q has no addresses", name.text)
		}
		l.network.ServiceTags[key] = &ServiceTag{Pos: v.pos, Name: name.text, Prefixes: l.prefixes(l.texts(list))}
	}
}

// reachabilityFields are those of network/reachability.yaml.
func reachabilityFields() field {
	return object("", "",
		list("allow", object("", "",
			text("from", "A subnet, as NAME or NETWORK/NAME, or internet.").must(),
			text("to", "A subnet, a private endpoint, or internet.").must(),
			text("protocol", "tcp or udp.").among("tcp", "udp").defaults("tcp"),
			list("ports", integer("", 1, 65535, ""), "The ports that answer.").must().atLeast(1),
			text("why", "A word to those who read it."),
		), "What must be reachable. All else must not be.").must(),
	)
}

// reachability reads network/reachability.yaml.
func (l *networkLoader) reachability(src *source, root *value) {
	if l.network.Reachability != nil {
		l.r.Add(src.file(), "duplicate-name", "one file", "remove one", "what is reachable stands in %s too", l.network.Reachability.Pos.File)
		return
	}
	reach := &Reachability{Pos: src.file()}
	d := &decoder{config: &decodedConfig{Config: &Config{}, src: src, places: map[string]Pos{}, nulls: map[string]bool{}}, r: l.r}
	d.value(root, reachabilityFields(), reflect.ValueOf(reach).Elem(), "")
	reach.Pos = src.file()
	l.network.Reachability = reach
}

// checkReachability: what it names exists.
func (l *networkLoader) checkReachability() {
	if l.network.Reachability == nil {
		return
	}
	for _, a := range l.network.Reachability.Allow {
		l.place(a.From, a.Pos, false)
		l.place(a.To, a.Pos, true)
	}
}

func (l *networkLoader) place(name string, pos Pos, endpoints bool) {
	if name == "" || name == Internet {
		return
	}
	if _, ok := named(l.network.PrivateEndpoints, name, endpointName); ok && endpoints {
		return
	}
	if _, err := l.network.Subnet(name); err != nil {
		l.r.Add(pos, "unknown-reference", "a subnet of network/, or internet", "", "%s", err)
	}
}
