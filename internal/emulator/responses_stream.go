package emulator

// responseEvent is an event of a response's stream. Which members it has
// depends on its type; those that are nil it has not.
type responseEvent struct {
	Type         string       `json:"type"`
	Sequence     int          `json:"sequence_number"`
	Response     *response    `json:"response,omitempty"`
	ItemID       string       `json:"item_id,omitempty"`
	OutputIndex  *int         `json:"output_index,omitempty"`
	ContentIndex *int         `json:"content_index,omitempty"`
	Item         *outputItem  `json:"item,omitempty"`
	Part         *contentPart `json:"part,omitempty"`
	Delta        *string      `json:"delta,omitempty"`
	Text         *string      `json:"text,omitempty"`
	Arguments    *string      `json:"arguments,omitempty"`
	Logprobs     *[]struct{}  `json:"logprobs,omitempty"`
	// Obfuscation fills deltas up, so that their sizes do not tell their texts.
	Obfuscation string `json:"obfuscation,omitempty"`
}

// deltaSize is what deltas with their filling are a multiple of, in bytes.
const deltaSize = 16

// filling is the obfuscation of a delta; never empty. Here it hides nothing and
// is the same every time.
func filling(delta string) string {
	const letters = "cloisteremulator"
	return letters[:deltaSize-len(delta)%deltaSize]
}

// responseStream numbers events and leaves out those before from.
type responseStream struct {
	e    *events
	next int
	from int
	// obfuscate: deltas are filled up.
	obfuscate bool
	err       error
}

// delta writes a delta of a text or of arguments.
func (s *responseStream) delta(v responseEvent, token string) {
	s.pace()
	v.Delta = &token
	if s.obfuscate {
		v.Obfuscation = filling(token)
	}
	s.send(v)
}

// send writes an event, unless one before it failed.
func (s *responseStream) send(v responseEvent) {
	if s.err != nil {
		return
	}
	v.Sequence = s.next
	s.next++
	if v.Sequence >= s.from {
		s.err = s.e.send(v.Type, v)
	}
}

func (s *responseStream) pace() {
	if s.err == nil && s.next >= s.from {
		s.err = s.e.pace()
	}
}

// streamResponse writes a response's events from a sequence number on.
func streamResponse(c *call, r *storedResponse, from int) error {
	e, err := c.begin()
	if err != nil {
		return err
	}
	s := &responseStream{e: e, from: from, obfuscate: r.obfuscate}
	s.send(responseEvent{Type: "response.created", Response: r.begun})
	s.send(responseEvent{Type: "response.in_progress", Response: r.begun})
	item := r.done.Output[0]
	opening := item
	opening.Status = statusInProgress
	if item.Type == "message" {
		opening.Content = &[]contentPart{}
	} else {
		opening.Arguments = new(string)
	}
	s.send(responseEvent{Type: "response.output_item.added", OutputIndex: new(int), Item: &opening})
	if item.Type == "message" {
		s.message(&item, r.answer)
	} else {
		s.functionCall(&item, r.answer)
	}
	s.send(responseEvent{Type: "response.output_item.done", OutputIndex: new(int), Item: &item})
	s.send(responseEvent{Type: "response." + r.done.Status, Response: r.done})
	return s.err
}

func (s *responseStream) message(item *outputItem, a *answer) {
	event := func(kind string) responseEvent {
		return responseEvent{Type: kind, ItemID: item.ID, OutputIndex: new(int), ContentIndex: new(int)}
	}
	empty, full := outputText(""), (*item.Content)[0]
	added := event("response.content_part.added")
	added.Part = &empty
	s.send(added)
	for _, t := range a.tokens {
		d := event("response.output_text.delta")
		d.Logprobs = &[]struct{}{}
		s.delta(d, t)
	}
	text := event("response.output_text.done")
	text.Text, text.Logprobs = &full.Text, &[]struct{}{}
	s.send(text)
	part := event("response.content_part.done")
	part.Part = &full
	s.send(part)
}

func (s *responseStream) functionCall(item *outputItem, a *answer) {
	for _, t := range a.tokens {
		s.delta(responseEvent{Type: "response.function_call_arguments.delta", ItemID: item.ID, OutputIndex: new(int)}, t)
	}
	s.send(responseEvent{Type: "response.function_call_arguments.done", ItemID: item.ID, OutputIndex: new(int), Arguments: item.Arguments})
}
