package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Convertible makes a JValue an IConvertible for System.Convert, as
// [number.Convertible] says; other tokens are none.
func (v *Value) Convertible() clr.Value { return v.V }
