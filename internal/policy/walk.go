package policy

// holder is a statement that holds others.
type holder interface {
	// lists are the lists of steps in it. oneOf: one of them runs at most.
	lists() (lists [][]step, oneOf bool)
}

// eachStep calls f for steps and all that stand in them, outermost first.
func eachStep(steps []step, f func(s *step)) {
	for i := range steps {
		f(&steps[i])
		if h, ok := steps[i].statement.(holder); ok {
			lists, _ := h.lists()
			for _, list := range lists {
				eachStep(list, f)
			}
		}
	}
}

// forwards are the places of the forward-requests that may run one after the
// other: of branches that exclude each other the one with most.
func forwards(steps []step) (places []*place) {
	for i := range steps {
		if _, ok := steps[i].statement.(*forwardRequest); ok {
			places = append(places, steps[i].at)
		}
		h, ok := steps[i].statement.(holder)
		if !ok {
			continue
		}
		lists, oneOf := h.lists()
		var most []*place
		for _, list := range lists {
			switch inner := forwards(list); {
			case !oneOf:
				places = append(places, inner...)
			case len(inner) > len(most):
				most = inner
			}
		}
		places = append(places, most...)
	}
	return places
}

// Places are the policies of the pipeline that stand in documents, and the
// branches of choose in them, in order and each once.
func (p *Pipeline) Places() (policies, branches []Place) {
	seen := map[Place]bool{}
	for _, steps := range p.steps {
		eachStep(steps, func(s *step) {
			if at := s.at.public(); !at.Pos.IsZero() && !seen[at] {
				seen[at] = true
				policies = append(policies, at)
			}
			if c, ok := s.statement.(*choose); ok {
				for i := range c.branches {
					branches = append(branches, c.branches[i].at.public())
				}
			}
		})
	}
	return policies, branches
}
