package syntax

// Which nodes are types, expressions, patterns and statements.

func (*NamedType) typ()    {}
func (*ArrayType) typ()    {}
func (*NullableType) typ() {}
func (*TupleType) typ()    {}

func (*Literal) expr()        {}
func (*Interpolated) expr()   {}
func (*Name) expr()           {}
func (*QualifiedAlias) expr() {}
func (*Member) expr()         {}
func (*Call) expr()           {}
func (*Index) expr()          {}
func (*Conditional) expr()    {}
func (*Unary) expr()          {}
func (*Postfix) expr()        {}
func (*Binary) expr()         {}
func (*Assign) expr()         {}
func (*Ternary) expr()        {}
func (*Cast) expr()           {}
func (*As) expr()             {}
func (*Is) expr()             {}
func (*Paren) expr()          {}
func (*Tuple) expr()          {}
func (*Decl) expr()           {}
func (*Discard) expr()        {}
func (*Lambda) expr()         {}
func (*New) expr()            {}
func (*NewArray) expr()       {}
func (*NewAnonymous) expr()   {}
func (*TypeOf) expr()         {}
func (*SizeOf) expr()         {}
func (*Default) expr()        {}
func (*Checked) expr()        {}
func (*ThrowExpr) expr()      {}
func (*Query) expr()          {}
func (*This) expr()           {}
func (*TypeExpr) expr()       {}
func (*Await) expr()          {}

func (*TypePattern) pattern()  {}
func (*ConstPattern) pattern() {}
func (*DeclPattern) pattern()  {}

func (*Block) stmt()       {}
func (*LocalDecl) stmt()   {}
func (*LocalFunc) stmt()   {}
func (*ExprStmt) stmt()    {}
func (*If) stmt()          {}
func (*While) stmt()       {}
func (*Do) stmt()          {}
func (*For) stmt()         {}
func (*Foreach) stmt()     {}
func (*Switch) stmt()      {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}
func (*Return) stmt()      {}
func (*Throw) stmt()       {}
func (*Try) stmt()         {}
func (*Using) stmt()       {}
func (*Lock) stmt()        {}
func (*CheckedStmt) stmt() {}
func (*Goto) stmt()        {}
func (*Labeled) stmt()     {}
func (*Yield) stmt()       {}
func (*Empty) stmt()       {}
