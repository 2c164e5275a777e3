package text

// What other packages ask of a Uri.

// ParseUri reads an absolute address as new Uri(string) does; nil: it is none.
func ParseUri(s string) *Uri {
	u, err := parseURI(s, absoluteURI, false)
	if err != uriFine {
		return nil
	}
	return u
}

// Host is the property.
func (u *Uri) Host() string { return u.hostText() }

// Port is the property: -1 where there is none.
func (u *Uri) Port() int { return u.port }

// Scheme is the property.
func (u *Uri) Scheme() string { return u.syntax.name }

// AbsolutePath is the property.
func (u *Uri) AbsolutePath() string { return u.slashPath(u.path) }

// Query is the property: with its question mark, or empty.
func (u *Uri) Query() string { return u.query }
