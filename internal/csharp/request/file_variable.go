package request

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
)

// variableList is [Variables] in the order in which they were set.
type variableList struct {
	names  []string
	values map[string]clr.Value
}

func (l *variableList) set(name string, v clr.Value) {
	if l.values == nil {
		l.values = map[string]clr.Value{}
	}
	if _, there := l.values[name]; !there {
		l.names = append(l.names, name)
	}
	l.values[name] = v
}

// Get gives a variable.
func (l *variableList) Get(name string) (clr.Value, bool) {
	v, ok := l.values[name]
	return v, ok
}

// Each goes through the variables.
func (l *variableList) Each(f func(name string, v clr.Value) bool) {
	for _, name := range l.names {
		if !f(name, l.values[name]) {
			return
		}
	}
}

// Len is the number of variables.
func (l *variableList) Len() int { return len(l.names) }

func (r *fileReader) variables(n *node) Variables {
	out := &variableList{}
	if given := n.optional("variables"); given != nil {
		for _, p := range given.o.Properties() {
			out.set(p.Name, r.variable(given.at(p.Name), p.Value()))
		}
	}
	return out
}

// variable is the value of a variable: strings, integers, other numbers,
// booleans and null as they are, everything else with its type.
func (r *fileReader) variable(path string, k json.Token) clr.Value {
	switch k.Kind() {
	case json.KindNull, json.KindString, json.KindBoolean, json.KindFloat, json.KindInteger:
		return r.plain(path, k.(*json.Value).V)
	case json.KindArray:
		r.fail(path, `an array needs its type: {"$type": "Newtonsoft.Json.Linq.JArray", "value": […]}`)
	}
	n := r.node(path, k)
	of, value := n.textOr("$type", ""), n.get("value")
	if of == "" {
		r.fail(path, `an object needs its type: {"$type": "Newtonsoft.Json.Linq.JObject", "value": {…}}`)
	}
	n.done()
	if value == nil {
		r.fail(path, "there is no value beside $type")
	}
	return r.typed(n, of, value)
}

func (r *fileReader) plain(path string, v clr.Value) clr.Value {
	switch {
	case v.Is(clr.Int64) && int64(int32(v.Int())) == v.Int():
		return clr.Int(int32(v.Int()))
	case v.IsNull(), v.Is(clr.Int64), v.Is(clr.String), v.Is(clr.Boolean), v.Is(clr.Double):
		return v
	}
	r.fail(path, "the number is too big for System.Int64")
	return v
}

func (r *fileReader) typed(n *node, of string, value json.Token) clr.Value {
	path := n.at("value")
	switch of {
	case "Newtonsoft.Json.Linq.JObject", "Newtonsoft.Json.Linq.JArray":
		if _, array := value.(*json.Array); array != (of == "Newtonsoft.Json.Linq.JArray") || value.Kind() != json.KindObject && !array {
			r.fail(path, "%s is no %s", kindOf(value), of)
		}
		return clr.Obj(json.Copy(r.t, value))
	case "IResponse":
		return clr.Obj(r.response(r.node(path, value)))
	case "Jwt":
		j := ParseJwt(r.t, r.text(path, value))
		if j == nil {
			r.fail(path, "this is no token of three parts")
		}
		return clr.Obj(j)
	case "System.DateTime":
		return r.moment(path, r.text(path, value))
	}
	r.fail(n.at("$type"), "%q is not known; known are Newtonsoft.Json.Linq.JObject, Newtonsoft.Json.Linq.JArray, IResponse, Jwt, System.DateTime", of)
	return clr.Null
}
