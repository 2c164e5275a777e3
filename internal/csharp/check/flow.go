package check

// flow looks at what is assigned where, and at ends that are reached.
func (c *checker) flow(main *Func) {}
