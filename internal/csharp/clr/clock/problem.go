package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Problem is why a pure function has no answer: the exception that a member
// throws for it.
type Problem struct {
	Type    *clr.Type
	Message string
	// Param is the name of the argument, for the heirs of ArgumentException.
	Param string
}

func (p *Problem) Error() string { return p.Type.FullName() + ": " + p.Message }

func badFormat(message string) *Problem { return &Problem{Type: clr.FormatException, Message: message} }

func overflow(message string) *Problem {
	return &Problem{Type: clr.OverflowException, Message: message}
}

func argument(message, name string) *Problem {
	return &Problem{Type: clr.ArgumentException, Message: message, Param: name}
}

func outOfRange(message, name string) *Problem {
	return &Problem{Type: clr.ArgumentOutOfRangeException, Message: message, Param: name}
}

// Throw throws p.
func Throw(t *clr.Thread, p *Problem) {
	switch p.Type {
	case clr.ArgumentOutOfRangeException:
		t.ThrowRange(p.Param, p.Message)
	case clr.ArgumentException:
		t.ThrowArgument(p.Message, p.Param)
	case clr.ArgumentNullException:
		t.ThrowArgumentNull(p.Param)
	}
	t.Throw(p.Type, p.Message)
}

// check throws p where there is one.
func check(c *clr.Call, p *Problem) {
	if p != nil {
		Throw(c.Thread, p)
	}
}
