package clock

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Family is the code of this package's types.
func Family() clr.Family {
	f := clr.Family{
		Name:  "clock",
		Do:    map[string]clr.Func{},
		Hooks: map[string]*clr.Hooks{},
	}
	for _, do := range []map[string]clr.Func{} {
		maps.Copy(f.Do, do)
	}
	return f
}
