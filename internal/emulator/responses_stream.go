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
}

// responseStream numbers events and leaves out those before from.
type responseStream struct {
	e    *events
	next int
	from int
	err  error
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
func streamResponse(c *call, begun, done *response, a *answer, from int) error {
	e, err := c.begin()
	if err != nil {
		return err
	}
	s := &responseStream{e: e, from: from}
	s.send(responseEvent{Type: "response.created", Response: begun})
	s.send(responseEvent{Type: "response.in_progress", Response: begun})
	item := done.Output[0]
	opening := item
	opening.Status = statusInProgress
	if item.Type == "message" {
		opening.Content = &[]contentPart{}
	} else {
		opening.Arguments = new(string)
	}
	s.send(responseEvent{Type: "response.output_item.added", OutputIndex: new(int), Item: &opening})
	if item.Type == "message" {
		s.message(&item, a)
	} else {
		s.functionCall(&item, a)
	}
	s.send(responseEvent{Type: "response.output_item.done", OutputIndex: new(int), Item: &item})
	s.send(responseEvent{Type: "response." + done.Status, Response: done})
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
	for i := range a.tokens {
		s.pace()
		d := event("response.output_text.delta")
		d.Delta, d.Logprobs = &a.tokens[i], &[]struct{}{}
		s.send(d)
	}
	text := event("response.output_text.done")
	text.Text, text.Logprobs = &full.Text, &[]struct{}{}
	s.send(text)
	part := event("response.content_part.done")
	part.Part = &full
	s.send(part)
}

func (s *responseStream) functionCall(item *outputItem, a *answer) {
	for i := range a.tokens {
		s.pace()
		s.send(responseEvent{Type: "response.function_call_arguments.delta", ItemID: item.ID, OutputIndex: new(int), Delta: &a.tokens[i]})
	}
	s.send(responseEvent{Type: "response.function_call_arguments.done", ItemID: item.ID, OutputIndex: new(int), Arguments: item.Arguments})
}
