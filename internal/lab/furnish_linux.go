package lab

// furnish brings up what stands in the hosts.
func (n *inner) furnish() error { return nil }
