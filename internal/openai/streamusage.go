package openai

// UsageEdit makes a streamed request ask for its usage: the bytes of the body
// from At to End are replaced by Insert, and all others stay.
type UsageEdit struct {
	At, End int
	Insert  string
}

// AskUsage finds the edit by which a body asks for stream_options.include_usage.
// ok is false where the body asks already, or is none that can be read; a body
// that [ScanRequest] accepts can be.
func AskUsage(body []byte) (edit UsageEdit, ok bool) {
	s := scanner{b: body}
	if s.peek() != '{' {
		return UsageEdit{}, false
	}
	first := s.i + 1
	found, asks, empty := false, false, true
	read := s.eachMember(func(name []byte) bool {
		empty = false
		if string(unescape(nil, name)) != memberOptions {
			return s.skip()
		}
		found = true
		if s.peek() == '{' {
			return s.options(&edit, &asks)
		}
		edit.At = s.i
		edit.Insert = `{"include_usage":true}`
		ok := s.skip()
		edit.End = s.i
		return ok
	})
	switch {
	case !read || asks:
		return UsageEdit{}, false
	case !found:
		edit = UsageEdit{At: first, End: first, Insert: `"stream_options":{"include_usage":true}`}
		if !empty {
			edit.Insert += ","
		}
	}
	return edit, true
}

// options finds the edit in the object stream_options.
func (s *scanner) options(edit *UsageEdit, asks *bool) bool {
	first, found, empty := s.i+1, false, true
	ok := s.eachMember(func(name []byte) bool {
		empty = false
		if string(unescape(nil, name)) != memberIncludeUsage {
			return s.skip()
		}
		found = true
		*asks = s.peek() == 't'
		*edit = UsageEdit{At: s.i, Insert: "true"}
		ok := s.skip()
		edit.End = s.i
		return ok
	})
	if !found {
		*edit = UsageEdit{At: first, End: first, Insert: `"include_usage":true`}
		if !empty {
			edit.Insert += ","
		}
	}
	return ok
}
