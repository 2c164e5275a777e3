package syntax

// Statements.
type (
	// Block is {…}.
	Block struct {
		Span
		Stmts []Stmt
	}
	// LocalDecl is T a = x, b; or const T a = x.
	LocalDecl struct {
		Span
		Const bool
		Ref   bool
		Type  Type
		Vars  []Declarator
	}
	// Declarator is one variable of a declaration; Init nil: none. An array's
	// may be an initializer: {1, 2}.
	Declarator struct {
		Span
		Name Ident
		Init Node // Expr, *Initializer or nil
	}
	// LocalFunc is T f<U>(…) {…} or T f(…) => x.
	LocalFunc struct {
		Span
		Async      bool
		Result     Type
		Name       Ident
		TypeParams []Ident
		Params     []Param
		Body       Node // Expr or *Block
		// Where is the first constraint clause's place; 0: there is none.
		Where Pos
	}
	// ExprStmt is an expression as a statement.
	ExprStmt struct {
		Span
		X Expr
	}
	// If is if (Cond) Then else Else.
	If struct {
		Span
		Cond       Expr
		Then, Else Stmt
	}
	// While is while (Cond) Body.
	While struct {
		Span
		Cond Expr
		Body Stmt
	}
	// Do is do Body while (Cond);.
	Do struct {
		Span
		Body Stmt
		Cond Expr
	}
	// For is for (Init; Cond; Post) Body. Init is a *LocalDecl or *ExprStmts.
	For struct {
		Span
		Init []Stmt
		Cond Expr // nil: true
		Post []Expr
		Body Stmt
	}
	// Foreach is foreach (Type Name in X) Body; Vars for foreach (var (a, b) in x).
	Foreach struct {
		Span
		Type Type
		Name Ident
		Vars Expr // a *Decl with Names or a *Tuple; nil: Name
		X    Expr
		Body Stmt
	}
	// Switch is switch (X) {…}.
	Switch struct {
		Span
		X        Expr
		Sections []SwitchSection
	}
	// SwitchSection is labels and what follows them.
	SwitchSection struct {
		Span
		Labels []SwitchLabel
		Stmts  []Stmt
	}
	// SwitchLabel is case Pattern when When, or default where Pattern is nil.
	SwitchLabel struct {
		Span
		Pattern Pattern
		When    Expr
	}
	// Break is break.
	Break struct{ Span }
	// Continue is continue.
	Continue struct{ Span }
	// Return is return X; X nil: nothing.
	Return struct {
		Span
		X Expr
	}
	// Throw is throw X; X nil: rethrow.
	Throw struct {
		Span
		X Expr
	}
	// Try is try, catch and finally.
	Try struct {
		Span
		Body    *Block
		Catches []Catch
		Finally *Block
	}
	// Catch is catch (Type Name) when (When) Body. Type nil: catches all.
	Catch struct {
		Span
		Type Type
		Name Ident
		When Expr
		Body *Block
	}
	// Using is using (Decl or X) Body.
	Using struct {
		Span
		Decl *LocalDecl
		X    Expr
		Body Stmt
	}
	// Lock is lock (X) Body.
	Lock struct {
		Span
		X    Expr
		Body Stmt
	}
	// CheckedStmt is checked {…} or unchecked {…}.
	CheckedStmt struct {
		Span
		Unchecked bool
		Body      *Block
	}
	// Goto is goto Label, goto case X, goto default.
	Goto struct {
		Span
		Label   Ident
		Case    Expr
		Default bool
	}
	// Labeled is Label: Stmt.
	Labeled struct {
		Span
		Label Ident
		Stmt  Stmt
	}
	// Yield is yield return X; X nil: yield break.
	Yield struct {
		Span
		X Expr
	}
	// Empty is ;.
	Empty struct{ Span }
)
