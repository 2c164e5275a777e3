package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// feed gives out JSON symbol by symbol: a text ([reader]) or a tree
// ([treeFeed]).
type feed interface {
	// read goes to the next symbol; false: there is none, or err is set.
	read() bool
	// now is the symbol with its value: of a name or constructor its name.
	now() (symbol, clr.Value)
	// set replaces the symbol by one with another value.
	set(s symbol, v clr.Value)
	// expect says what the next value is read as.
	expect(as readAs)
	// where is the place for messages; line -1: it is not known.
	where() (path string, line, position int)
	err() *clr.Thrown
}

// treeFeed goes through a tree as JTokenReader does.
type treeFeed struct {
	t    *clr.Thread
	root Token
	// at is the token, closing: its end.
	at      Token
	closing bool
	symbol  symbol
	value   clr.Value
}

// beginning and ending are the symbols of containers.
var (
	beginnings = map[Kind]symbol{KindObject: startObject, KindArray: startArray, KindConstructor: startConstructor, KindProperty: propertyName}
	endings    = map[Kind]symbol{KindObject: endObject, KindArray: endArray, KindConstructor: endConstructor}
	simples    = map[Kind]symbol{
		KindInteger: integerSymbol, KindFloat: floatSymbol, KindString: stringSymbol, KindBoolean: booleanSymbol, KindNull: nullSymbol,
		KindUndefined: undefinedSymbol, KindDate: dateSymbol, KindBytes: bytesSymbol, KindRaw: rawSymbol, KindComment: comment,
		KindGuid: stringSymbol, KindURI: stringSymbol, KindTimeSpan: stringSymbol,
	}
)

func (f *treeFeed) read() bool {
	f.t.Step()
	switch c, container := f.at.(Container); {
	case f.at == nil && f.symbol == noSymbol:
		f.enter(f.root)
		return true
	case f.at == nil:
	case container && !f.closing && c.Len() > 0:
		f.enter(c.child(0))
		return true
	case container && !f.closing:
		return f.close()
	case f.at == f.root:
		f.at = nil
	default:
		return f.next()
	}
	f.symbol, f.value = noSymbol, clr.Null
	return false
}

// enter goes to a token.
func (f *treeFeed) enter(k Token) {
	f.at, f.closing = k, false
	switch k := k.(type) {
	case *Value:
		f.symbol, f.value = simples[k.kind], k.V
		if f.symbol == stringSymbol && k.kind != KindString {
			f.value = clr.Str(f.t.Text(k.V))
			if k.kind == KindURI {
				f.value = clr.Str(uriText(f.t, k.V))
			}
		}
	case *Property:
		f.symbol, f.value = propertyName, clr.Str(k.Name)
	case *Constructor:
		f.symbol, f.value = startConstructor, k.Name
	default:
		f.symbol, f.value = beginnings[k.Kind()], clr.Null
	}
}

// close goes to the end of a container; a property has none.
func (f *treeFeed) close() bool {
	if f.at.Kind() == KindProperty {
		if f.at == f.root {
			f.at, f.symbol = nil, noSymbol
			return false
		}
		return f.next()
	}
	f.closing = true
	f.symbol, f.value = endings[f.at.Kind()], clr.Null
	return true
}

// next goes to what follows the token.
func (f *treeFeed) next() bool {
	for {
		if k := neighbour(f.at, 1); k != nil {
			f.enter(k)
			return true
		}
		f.at = f.at.at().parent
		if f.at.Kind() != KindProperty || f.at == f.root {
			return f.close()
		}
	}
}

func (f *treeFeed) now() (symbol, clr.Value) { return f.symbol, f.value }

func (f *treeFeed) set(s symbol, v clr.Value) { f.symbol, f.value = s, v }

func (f *treeFeed) expect(readAs) {}

func (f *treeFeed) where() (path string, line, position int) {
	k := f.at
	if k == nil {
		k = f.root
	}
	n := k.at()
	if f.at == nil || n.line == 0 {
		return tokenPath(f.t, k), -1, 0
	}
	return tokenPath(f.t, k), int(n.line), int(n.position)
}

func (f *treeFeed) err() *clr.Thrown { return nil }
