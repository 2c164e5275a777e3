package emulator

func (s *OpenAI) realtime(c *call) error { return errNotFound() }
