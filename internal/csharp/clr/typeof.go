package clr

// TypeObject is a System.Type: what typeof(T) and GetType() give. Each type is
// its own, so that two of the same type are the same reference.
type TypeObject Type

// TypeOf is the System.Type of t.
func TypeOf(t *Type) Value { return Obj((*TypeObject)(t)) }

// Type is System.Type.
func (o *TypeObject) Type() *Type { return TypeType }

// Of is the type that o stands for.
func (o *TypeObject) Of() *Type { return (*Type)(o) }
