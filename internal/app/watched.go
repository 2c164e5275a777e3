package app

import "time"

// watchMetrics shows at every scrape how near the process is to its limits, and
// how its log and its state are.
func (p *Process) watchMetrics() {
	m := p.metrics
	m.Watch("overload_level", "Step of the overload ladder: 0 normal, 1 scaled timeouts, 2 no keep-alive, 3 new connections shed, 4 requests refused.", func() float64 {
		return float64(p.guard.Ladder().Level())
	})
	m.Watch("overload_pressure", "Highest use of a resource, 1 is the limit.", p.guard.Ladder().Pressure)
	m.Watch("clients_banned", "Clients that are banned now.", func() float64 { return float64(p.guard.Status().Banned) })
	m.Watch("audit_records", "Records of the audit log.", func() float64 { return float64(p.state.audit.Status().Size) })
	m.Watch("audit_records_published", "Records that the published checkpoint covers.", func() float64 {
		return float64(p.state.audit.Status().Published)
	})
	m.Watch("audit_available", "1 while the audit log can be written; without it requests are refused.", func() float64 {
		return zeroIf(p.state.audit.Err() != nil)
	})
	m.Watch("audit_witness_timestamp_seconds", "When the witness last took a checkpoint; 0: never, or there is none.", func() float64 {
		return unixSeconds(p.state.audit.Status().WitnessAt)
	})
	m.Watch("state_heard_timestamp_seconds", "When the state was last known to be current.", func() float64 {
		return unixSeconds(p.state.store.Heard())
	})
	m.Watch("subscriptions", "Subscriptions that the gateway knows, those of the site included.", func() float64 {
		return float64(p.gateway.Snapshot().Subscriptions())
	})
}

func zeroIf(not bool) float64 {
	if not {
		return 0
	}
	return 1
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
