package site

// fieldType says how a field of cloister.yaml is written.
type fieldType int

const (
	typeText fieldType = iota
	typeInteger
	typeNumber
	typeBoolean
	// typeDuration is a Go duration such as "30s", more than zero.
	typeDuration
	// typePrefix is an address range such as "10.0.0.0/8".
	typePrefix
	// typeAddress is an IP address literal.
	typeAddress
	typeList
	// typeMap is an object whose member names are chosen by the user.
	typeMap
	typeObject
)

// field describes one field of cloister.yaml. The table in fields.go is the one
// source for the decoder, the JSON Schema and the table in docs/site.md.
type field struct {
	name string
	typ  fieldType
	// doc is one or more sentences for editors and the documentation.
	doc string
	// def is the value that counts when the field is not given, as YAML.
	def string
	// enum lists what a text may be; empty: any text.
	enum []string
	// noGuess: the nearest value of enum is no mend, because it means
	// something else.
	noGuess bool
	// mayBeEmpty: an empty text means something.
	mayBeEmpty bool
	required   bool
	// min and max bound an integer, and min the length of a list; max 0 is
	// no upper bound.
	min, max int64
	// elem describes the elements of a list or map.
	elem *field
	// fields are the members of an object.
	fields []field
	// one: exactly one member of the object is given.
	one bool
	// secret: the object says where a secret rests; a scalar in its place is
	// taken for the secret itself and never shown.
	secret bool
	// example is a value for messages, as YAML.
	example string
}

// describe is the type in words, with its article.
func (f field) describe() string {
	switch f.typ {
	case typeInteger:
		return "an integer"
	case typeNumber:
		return "a number"
	case typeBoolean:
		return "true or false"
	case typeDuration:
		return `a duration such as "30s"`
	case typePrefix:
		return "an address range such as 10.0.0.0/8"
	case typeAddress:
		return "an IP address"
	case typeList:
		return "a list"
	case typeMap, typeObject:
		if f.secret {
			return "an object with one of file, env, credential, keyVault"
		}
		return "an object"
	default:
		return "text"
	}
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

// The short constructors keep the table readable.

func text(name, doc string) field    { return field{name: name, doc: doc} }
func boolean(name, doc string) field { return field{name: name, typ: typeBoolean, doc: doc} }

func integer(name string, lowest, highest int64, doc string) field {
	return field{name: name, typ: typeInteger, min: lowest, max: highest, doc: doc}
}

func duration(name, def, doc string) field {
	return field{name: name, typ: typeDuration, def: def, doc: doc}
}

func texts(name, doc string) field { return list(name, field{}, doc) }

func list(name string, elem field, doc string) field {
	return field{name: name, typ: typeList, elem: &elem, doc: doc}
}

func mapping(name string, elem field, doc string) field {
	return field{name: name, typ: typeMap, elem: &elem, doc: doc}
}

func object(name, doc string, fields ...field) field {
	return field{name: name, typ: typeObject, doc: doc, fields: fields}
}

func secretRef(name, doc string) field {
	f := object(name, doc,
		text("file", "A file, absolute or relative to the site's directory. One newline at its end is dropped."),
		text("env", "The name of an environment variable."),
		text("credential", "The name of a systemd credential."),
		text("keyVault", "A secret identifier of Azure Key Vault: https://VAULT/secrets/NAME, with /VERSION to pin one."),
	)
	f.one, f.secret, f.example = true, true, "{env: NAME}"
	return f
}

func (f field) must() field                  { f.required = true; return f }
func (f field) defaults(yaml string) field   { f.def = yaml; return f }
func (f field) among(values ...string) field { f.enum = values; return f }
func (f field) atLeast(n int64) field        { f.min = n; return f }
func (f field) exactlyOne() field            { f.one = true; return f }
func (f field) orEmpty() field               { f.mayBeEmpty = true; return f }
