package site

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// configBounds are those of cloister.yaml.
func configBounds() bounds { return bounds{bytes: 1 << 20, values: 50_000, depth: 64} }

// decodedConfig is cloister.yaml as data, with the place of every value.
type decodedConfig struct {
	*Config
	src *source
	// places maps a path such as "listeners[0].port" to the value's place.
	places map[string]Pos
	// nulls are the paths at which nothing stands.
	nulls map[string]bool
}

// at is the place of the value at path, or of the nearest thing around it.
func (c *decodedConfig) at(format string, args ...any) Pos {
	path := fmt.Sprintf(format, args...)
	for {
		if pos, ok := c.places[path]; ok {
			return pos
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return c.Pos
		}
		path = path[:i]
	}
}

// given reports whether the file gives a value at path.
func (c *decodedConfig) given(format string, args ...any) bool {
	_, ok := c.places[fmt.Sprintf(format, args...)]
	return ok
}

// decodeConfig reads cloister.yaml by the field table: syntax, names, types and
// defaults. It returns nil when the file could not be read at all; problems say
// what was wrong.
func decodeConfig(src *source, r *report) *decodedConfig {
	root := parseYAML(src, configBounds(), r)
	if root == nil {
		return nil
	}
	c := &decodedConfig{Config: &Config{}, src: src, places: map[string]Pos{}, nulls: map[string]bool{}}
	d := &decoder{config: c, r: r}
	if root.kind != kindObject {
		r.Add(root.pos, "wrong-type", "an object with the fields of a site", "", "the file holds %s", root.kind)
		return nil
	}
	d.object(root, object("", "", configFields()...), reflect.ValueOf(c.Config).Elem(), "")
	d.scanSecrets(root)
	if c.PrivatePrefixes == nil {
		for _, p := range DefaultPrivatePrefixes() {
			c.PrivatePrefixes = append(c.PrivatePrefixes, PrivatePrefix{Pos: src.file(), Prefix: p})
		}
	}
	return c
}

// decoder fills structures by the field table.
type decoder struct {
	config *decodedConfig
	r      *report
}

// value decodes v into dst; path names it in places.
func (d *decoder) value(v *value, f field, dst reflect.Value, path string) {
	d.config.places[path] = v.pos
	if v.kind == kindNull {
		d.config.nulls[path] = true
		d.null(v, f)
		setPos(dst, v.pos)
		return
	}
	switch f.typ {
	case typeObject:
		d.object(v, f, pointee(dst), path)
	case typeMap:
		d.mapping(v, f, dst, path)
	case typeList:
		d.list(v, f, dst, path)
	case typeText:
		d.text(v, f, dst)
	default:
		d.scalar(v, f, dst)
	}
}

// pointee follows dst, making what it points to.
func pointee(dst reflect.Value) reflect.Value {
	if dst.Kind() != reflect.Pointer {
		return dst
	}
	dst.Set(reflect.New(dst.Type().Elem()))
	return dst.Elem()
}

func (d *decoder) null(v *value, f field) {
	mend := "give it a value or remove the line"
	if f.typ == typeObject && !f.one && f.name != "" {
		mend = fmt.Sprintf("write \"%s: {}\" or remove the line", f.name)
	}
	d.r.Add(v.pos, "missing-value", f.describe(), mend, "%s has no value", label(f))
}

// setPos gives a structure its place.
func setPos(dst reflect.Value, pos Pos) {
	if dst.Kind() != reflect.Struct {
		return
	}
	if f := dst.FieldByName("Pos"); f.IsValid() {
		f.Set(reflect.ValueOf(pos))
	}
}

func (d *decoder) wrongType(v *value, f field) {
	mend := ""
	switch {
	case f.secret:
		d.config.src.hide(v.pos)
		mend = fmt.Sprintf("a secret never stands in the file; write \"%s: %s\"", f.name, f.example)
	case v.kind == kindText && f.plain(v.text) != "":
		mend = "write " + f.plain(v.text)
	case f.typ == typeText && (v.kind == kindNumber || v.kind == kindBoolean):
		mend = fmt.Sprintf("write it in quotes: %q", v.text)
	case f.typ == typeDuration && v.kind == kindNumber:
		mend = fmt.Sprintf("say the unit: \"%ss\"", v.text)
	case f.typ == typeList && v.kind != kindObject:
		mend = "begin each element on its own line with \"- \""
	}
	d.r.Add(v.pos, "wrong-type", f.describe(), mend, "%s is %s", label(f), v.kind)
}

func label(f field) string {
	if f.name == "" {
		return "the element"
	}
	return strconv.Quote(f.name)
}

func (d *decoder) object(v *value, f field, dst reflect.Value, path string) {
	setPos(dst, v.pos)
	if v.kind != kindObject {
		d.wrongType(v, f)
		return
	}
	known := 0
	for _, m := range v.members {
		i := slices.IndexFunc(f.fields, func(sub field) bool { return sub.name == m.name })
		if i < 0 {
			d.unknown(m, f)
			continue
		}
		known++
		sub := f.fields[i]
		d.value(m.value, sub, structField(dst, sub.name), join(path, sub.name))
	}
	d.absent(v, f, dst)
	if f.one {
		d.exactlyOne(v, f, known)
	}
}

// exactlyOne reports none or several of members of which one is needed; a name
// that is not known was meant to be one of them.
func (d *decoder) exactlyOne(v *value, f field, known int) {
	if known > 1 || len(v.members) == 0 {
		d.r.Add(v.pos, "invalid-value", oneOf(names(f.fields)), "", "%s needs exactly one member and has %d", label(f), known)
	}
}

// absent applies defaults and reports required fields that are not given.
func (d *decoder) absent(v *value, f field, dst reflect.Value) {
	for _, sub := range f.fields {
		if v.get(sub.name) != nil {
			continue
		}
		if sub.required {
			value := "…"
			if sub.secret {
				value = sub.example
			}
			if !d.tooHigh(v, sub) {
				d.r.Add(v.pos, "missing-field", sub.describe(), fmt.Sprintf("add \"%s: %s\"", sub.name, value), "%q is missing", sub.name)
			}
			continue
		}
		setDefault(sub, structField(dst, sub.name))
	}
}

// setDefault gives dst the default of f, and the members of an object theirs.
func setDefault(f field, dst reflect.Value) {
	switch {
	case f.def != "":
		scratch := &decoder{config: &decodedConfig{Config: &Config{}, src: newSource("", nil), places: map[string]Pos{}, nulls: map[string]bool{}}, r: newReport()}
		scratch.value(parseYAML(newSource("", []byte(f.def)), configBounds(), scratch.r), f, dst, "")
	case f.typ == typeObject && dst.Kind() == reflect.Struct:
		for _, sub := range f.fields {
			setDefault(sub, structField(dst, sub.name))
		}
	}
}

func (d *decoder) unknown(m member, f field) {
	if looksSecret(m.name) {
		m.value.walk(func(v *value) { d.config.src.hide(v.pos) })
	}
	if m.name == "public" && len(f.fields) > 0 && f.fields[0].name == "host" {
		d.r.Add(m.pos, "public-model-destination", "", "remove the line; reach the backend at a private address",
			"class \"model\" never reaches a public address")
		return
	}
	if ref := inside(f, m.name); ref != "" {
		d.r.Add(m.pos, "unknown-field", oneOf(names(f.fields)), fmt.Sprintf("write %q", ref), "%q stands one level too high", m.name)
		return
	}
	d.r.Add(m.pos, "unknown-field", oneOf(names(f.fields)), didYouMean(m.name, names(f.fields)),
		"unknown field %q", m.name)
}

// tooHigh reports that what belongs into the reference sub stands beside it,
// which is reported as such.
func (d *decoder) tooHigh(v *value, sub field) bool {
	return sub.secret && slices.ContainsFunc(v.members, func(m member) bool { return slices.Contains(names(sub.fields), m.name) })
}

// inside is how a member is written that belongs into a reference to a secret
// among the fields of f; empty where it does not.
func inside(f field, name string) string {
	for _, sub := range f.fields {
		if !sub.secret || !slices.Contains(names(sub.fields), name) {
			continue
		}
		ref := fmt.Sprintf("%s: {%s: …}", sub.name, name)
		if slices.ContainsFunc(f.fields, func(o field) bool { return o.required && o.name != sub.name }) {
			return ref
		}
		return f.name + ": {" + ref + "}"
	}
	return ""
}

// plain is a number or a boolean as it is written in YAML, for a text that means
// one; empty for others.
func (f field) plain(text string) string {
	switch f.typ {
	case typeInteger:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= f.min && (f.max == 0 || n <= f.max) {
			return strconv.FormatInt(n, 10)
		}
	case typeBoolean:
		switch strings.ToLower(text) {
		case "true", "yes", "y", "on":
			return "true"
		case "false", "no", "n", "off":
			return "false"
		}
	}
	return ""
}

func (d *decoder) mapping(v *value, f field, dst reflect.Value, path string) {
	if v.kind != kindObject {
		d.wrongType(v, f)
		return
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	for _, m := range v.members {
		e := reflect.New(dst.Type().Elem()).Elem()
		sub := *f.elem
		sub.name = m.name
		d.value(m.value, sub, e, join(path, m.name))
		dst.SetMapIndex(reflect.ValueOf(m.name), e)
	}
}

func (d *decoder) list(v *value, f field, dst reflect.Value, path string) {
	if v.kind != kindList {
		d.wrongType(v, f)
		return
	}
	if int64(len(v.list)) < f.min {
		d.r.Add(v.pos, "invalid-value", fmt.Sprintf("at least %d", f.min), "", "%q is empty", f.name)
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(v.list), len(v.list)))
	for i, e := range v.list {
		sub := *f.elem
		if sub.typ != typeObject {
			sub.name = f.name
		}
		d.value(e, sub, dst.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) text(v *value, f field, dst reflect.Value) {
	if v.kind != kindText {
		d.wrongType(v, f)
		return
	}
	dst.SetString(v.text)
	if v.text == "" && !f.mayBeEmpty {
		// An empty text is what a template makes of a missing value; some
		// fields would take it for "any".
		d.r.Add(v.pos, "missing-value", f.describe()+" that is not empty", "give it a value or remove it", "%s is empty", label(f))
		return
	}
	if len(f.enum) == 0 {
		return
	}
	for _, e := range f.enum {
		if e == v.text {
			return
		}
	}
	mend := ""
	if !f.noGuess {
		mend = didYouMean(v.text, f.enum)
	}
	d.r.Add(v.pos, "invalid-value", oneOf(f.enum), mend, "%q cannot be %q", f.name, v.text)
}

func (d *decoder) scalar(v *value, f field, dst reflect.Value) {
	want := kindText
	switch f.typ {
	case typeInteger, typeNumber:
		want = kindNumber
	case typeBoolean:
		want = kindBoolean
	}
	if v.kind != want {
		d.wrongType(v, f)
		return
	}
	if expected, ok := setScalar(v.text, f, dst); !ok {
		d.r.Add(v.pos, "invalid-value", expected, "", "%q cannot be %q", f.name, v.text)
	}
}

// setScalar parses s by the type of f; expected says what f takes.
func setScalar(s string, f field, dst reflect.Value) (expected string, ok bool) {
	switch f.typ {
	case typeInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != s || n < f.min || (f.max > 0 && n > f.max) {
			return fmt.Sprintf("an integer from %d to %d", f.min, f.max), false
		}
		dst.SetInt(n)
	case typeNumber:
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(x) || x < float64(f.min) || x > float64(f.max) {
			return fmt.Sprintf("a number from %d to %d", f.min, f.max), false
		}
		dst.Set(reflect.ValueOf(&x))
	case typeBoolean:
		if s != "true" && s != "false" {
			return f.describe(), false
		}
		dst.SetBool(s == "true")
	case typeDuration:
		t, err := time.ParseDuration(s)
		if err != nil || t <= 0 {
			return f.describe() + ", more than zero", false
		}
		dst.SetInt(int64(t))
	case typePrefix:
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return f.describe(), false
		}
		dst.Set(reflect.ValueOf(p))
	case typeAddress:
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return f.describe(), false
		}
		dst.Set(reflect.ValueOf(a))
	}
	return "", true
}

// structField is the field of a structure with that yaml tag.
func structField(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i)
		}
	}
	panic("site: no field tagged " + name + " in " + v.Type().String())
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
