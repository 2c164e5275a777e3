package app

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// openFlowLog begins to write what security rules decide to where network.flowLog
// points. It ends, with what is left, before the sink is closed.
func (p *Process) openFlowLog(s *site.Site) error {
	if p.flows == nil {
		return nil
	}
	sink, err := telemetry.OpenSink(s.Config.Network.FlowLog, s.Dir, p.opt.Stdout, p.opt.Stderr)
	if err != nil {
		return fmt.Errorf("network.flowLog: %w", err)
	}
	p.flowSink = sink
	p.flows.Redirect(sink)
	p.serving.Go(func() { p.flows.Run(p.background) })
	return nil
}

// reopenFlowLog lets go of a flow log that was rotated away.
func (p *Process) reopenFlowLog(s *site.Site) {
	if p.flows == nil {
		return
	}
	sink, err := telemetry.OpenSink(s.Config.Network.FlowLog, s.Dir, p.opt.Stdout, p.opt.Stderr)
	if err != nil {
		p.opt.Log.Error("the flow log cannot be opened anew; the one before is written on", "error", err)
		return
	}
	p.flows.Redirect(sink)
	if err := p.flowSink.Close(); err != nil {
		p.opt.Log.Error("closing the flow log of before", "error", err)
	}
	p.flowSink = sink
}
