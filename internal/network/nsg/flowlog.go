package nsg

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// FlowState is the state of a flow in a flow log.
type FlowState byte

// The states of a flow. A flow that is denied begins, and that is all.
const (
	FlowBegins    FlowState = 'B'
	FlowContinues FlowState = 'C'
	FlowEnds      FlowState = 'E'
)

// Flow is one line of a flow log.
type Flow struct {
	// Time is when it happened; the zero value is now.
	Time     time.Time
	Packet   Packet
	Decision Decision
	// State is FlowBegins where it is not given.
	State FlowState
	// What has passed since the line before, of a flow that continues or ends:
	// from source to destination, and back. Packets are not known to a program
	// that reads streams; 0 is written as nothing.
	PacketsSent, BytesSent, PacketsReceived, BytesReceived uint64
}

// FlowLogOptions say how a flow log is written. The zero value is Azure's way.
type FlowLogOptions struct {
	// Interval is how often lines are written; default one minute.
	Interval time.Duration
	// MaxFlows bounds what is kept of one interval; default 65536. More is
	// dropped and counted.
	MaxFlows int
	// Log is told when something was dropped or could not be written; nil: nobody.
	Log *slog.Logger
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
}

// FlowLog writes decisions as Azure writes the flow logs of network security
// groups, version 2: every interval in which something happened is one line of
// JSON, {"records": […]}, with a record for each group and its flows by rule.
//
// It guarantees that nobody who records a flow waits, and that memory is bounded:
// what does not fit is dropped and counted, and so is what cannot be written. As
// in Azure only TCP and UDP are logged, and of several groups that allow a flow
// the last. Fields that only Azure has (systemId, mac) are zero; the rules of a
// subnet without a group stand under the group "none", and what is outside the
// groups under PlatformRule_NAME.
type FlowLog struct {
	opt FlowLogOptions

	mu      sync.Mutex // guards pending
	pending []Flow

	writing sync.Mutex // guards out, and is held while it is written to
	out     io.Writer

	dropped  atomic.Uint64
	reported uint64 // by the goroutine of Run
}

// NewFlowLog makes a flow log; [FlowLog.Run] writes it.
func NewFlowLog(out io.Writer, opt FlowLogOptions) *FlowLog {
	if opt.Interval <= 0 {
		opt.Interval = time.Minute
	}
	if opt.MaxFlows <= 0 {
		opt.MaxFlows = 1 << 16
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &FlowLog{out: out, opt: opt}
}

// Record notes a flow, and returns at once. It is safe for concurrent use; nil
// notes nothing.
func (l *FlowLog) Record(f Flow) {
	if l == nil || !f.Packet.Protocol.HasPorts() || f.Decision.Rule == nil {
		return
	}
	if f.Time.IsZero() {
		f.Time = l.opt.Now()
	}
	if f.State == 0 {
		f.State = FlowBegins
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= l.opt.MaxFlows {
		l.dropped.Add(1)
		return
	}
	l.pending = append(l.pending, f)
}

// Redirect writes elsewhere from now on, for a file that was rotated away. When it
// returns nothing is written to where it was written before.
func (l *FlowLog) Redirect(out io.Writer) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.out = out
}

// Dropped is how many flows have been lost so far.
func (l *FlowLog) Dropped() uint64 { return l.dropped.Load() }

// Run writes until the context ends, and then what is left. A line that cannot be
// written is lost, and the next one tried.
func (l *FlowLog) Run(ctx context.Context) {
	tick := time.NewTicker(l.opt.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.write()
			return
		case <-tick.C:
			l.write()
		}
	}
}

// write writes what has come together as one line.
func (l *FlowLog) write() {
	l.mu.Lock()
	flows := l.pending
	l.pending = nil
	l.mu.Unlock()
	if len(flows) > 0 {
		line, err := flowLine(flows, l.opt.Now())
		if err == nil {
			l.writing.Lock()
			_, err = l.out.Write(line)
			l.writing.Unlock()
		}
		if err != nil {
			l.dropped.Add(uint64(len(flows)))
			l.opt.Log.Error("flow log not written", "error", err, "flows", len(flows))
		}
	}
	if n := l.dropped.Load(); n != l.reported {
		l.opt.Log.Warn("flows are missing in the flow log", "dropped", n-l.reported)
		l.reported = n
	}
}

// The shapes of a record, as Azure writes them.
type flowRecords struct {
	Records []*flowRecord `json:"records"`
}

type flowRecord struct {
	Time          string `json:"time"`
	SystemID      string `json:"systemId"`
	Category      string `json:"category"`
	ResourceID    string `json:"resourceId"`
	OperationName string `json:"operationName"`
	Properties    struct {
		Version int         `json:"Version"`
		Flows   []*flowRule `json:"flows"`
	} `json:"properties"`
}

type flowRule struct {
	Rule  string     `json:"rule"`
	Flows []flowList `json:"flows"`
}

type flowList struct {
	MAC        string   `json:"mac"`
	FlowTuples []string `json:"flowTuples"`
}

// flowLine is the line of an interval: groups and rules in the order in which
// they first came.
func flowLine(flows []Flow, now time.Time) ([]byte, error) {
	var all flowRecords
	records := map[string]*flowRecord{}
	type ruleKey struct{ group, rule string }
	rules := map[ruleKey]*flowRule{}
	for i := range flows {
		f := &flows[i]
		group, name := f.Decision.Rule.Group, flowRuleName(f.Decision.Rule)
		record := records[group]
		if record == nil {
			record = newFlowRecord(group, now)
			records[group] = record
			all.Records = append(all.Records, record)
		}
		rule := rules[ruleKey{group, name}]
		if rule == nil {
			rule = &flowRule{Rule: name, Flows: []flowList{{MAC: "000000000000"}}}
			rules[ruleKey{group, name}] = rule
			record.Properties.Flows = append(record.Properties.Flows, rule)
		}
		rule.Flows[0].FlowTuples = append(rule.Flows[0].FlowTuples, f.tuple())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(all); err != nil {
		return nil, fmt.Errorf("writing a flow log: %w", err)
	}
	return b.Bytes(), nil
}

func newFlowRecord(group string, now time.Time) *flowRecord {
	if group == "" {
		group = "none"
	}
	r := &flowRecord{
		Time: now.UTC().Format("2006-01-02T15:04:05.0000000Z"), SystemID: "00000000-0000-0000-0000-000000000000",
		Category: "NetworkSecurityGroupFlowEvent", OperationName: "NetworkSecurityGroupFlowEvents",
		ResourceID: "/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/" + strings.ToUpper(group),
	}
	r.Properties.Version = 2
	return r
}

// flowRuleName is the rule's name in a flow log.
func flowRuleName(r *Rule) string {
	if r.Priority == 0 {
		return "PlatformRule_" + r.Name
	}
	return r.Full()
}

// tuple is "time,source,destination,ports,protocol,direction,decision,state,
// packets and bytes sent, packets and bytes received".
func (f *Flow) tuple() string {
	b := make([]byte, 0, 96)
	b = strconv.AppendInt(b, f.Time.Unix(), 10)
	for _, a := range []netip.Addr{plain(f.Packet.Source), plain(f.Packet.Destination)} {
		b = append(b, ',')
		if a.IsValid() {
			b = a.AppendTo(b)
		}
	}
	source := f.Packet.SourcePort
	if f.Packet.AnySourcePort {
		source = 0
	}
	b = strconv.AppendUint(append(b, ','), uint64(source), 10)
	b = strconv.AppendUint(append(b, ','), uint64(f.Packet.DestinationPort), 10)
	protocol, direction, decision := byte('T'), byte('O'), byte('D')
	if f.Packet.Protocol == UDP {
		protocol = 'U'
	}
	if f.Decision.Inbound {
		direction = 'I'
	}
	if f.Decision.Allow {
		decision = 'A'
	}
	b = append(b, ',', protocol, ',', direction, ',', decision, ',', byte(f.State))
	for _, n := range []uint64{f.PacketsSent, f.BytesSent, f.PacketsReceived, f.BytesReceived} {
		b = append(b, ',')
		if n > 0 {
			b = strconv.AppendUint(b, n, 10)
		}
	}
	return string(b)
}
