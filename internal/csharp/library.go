package csharp

import (
	"strings"
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/clr/crypto"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
	"github.com/cloister-ai/cloister/internal/csharp/request"
)

// families are all code of the library.
func families() []clr.Family {
	return []clr.Family{
		text.Family(), number.Family(), clock.Family(), collection.Family(), json.Family(), regex.Family(), xml.Family(),
		crypto.Family(), request.Family(),
	}
}

// Library is every type and member that expressions may use, built once. It
// panics where the declarations and the code do not fit, which a test shows.
var Library = sync.OnceValue(func() *clr.Universe {
	u, err := clr.Build(families()...)
	if err != nil {
		panic(err)
	}
	if missing := u.Missing(); len(missing) > 0 {
		panic("csharp: members without code: " + strings.Join(missing, ", "))
	}
	return u
})

// ContextType is the type that policies know as "context".
func ContextType() *clr.Type { return Library().Full("", "IContext", 0) }
