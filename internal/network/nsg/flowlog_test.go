package nsg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logged is a flow that the rules have judged.
func logged(t testing.TB, r *Rules, text string) Flow {
	pk := packet(t, text)
	return Flow{Packet: pk, Decision: r.Flow(pk)}
}

// TestFlowLog: one line an interval, in the form that readers of Azure's logs know.
func TestFlowLog(t *testing.T) {
	_, r := architecture(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var b bytes.Buffer
		l := NewFlowLog(&b, FlowLogOptions{})
		var done sync.WaitGroup
		done.Go(func() { l.Run(ctx) })
		l.Record(logged(t, r, "tcp 10.0.0.4:40000 10.0.1.5:443"))
		l.Record(logged(t, r, "tcp 8.8.8.8:40001 10.0.1.5:443"))
		l.Record(logged(t, r, "udp 10.0.0.6:40002 168.63.129.16:53"))
		l.Record(logged(t, r, "tcp 10.0.1.6:? 10.0.2.4:443"))
		l.Record(logged(t, r, "tcp 10.0.4.4:1 8.8.8.8:443"))
		l.Record(logged(t, r, "icmp 10.0.0.6 10.1.0.4"))
		end := logged(t, r, "tcp 10.0.0.4:40000 10.0.1.5:443")
		end.State, end.BytesSent, end.BytesReceived = FlowEnds, 1200, 4800
		time.Sleep(time.Second)
		l.Record(end)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		first := b.String()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if b.String() != first {
			t.Error("an interval without flows has a line")
		}
		l.Record(logged(t, r, "tcp 10.0.0.4:40003 10.0.1.5:443"))
		cancel()
		done.Wait()
		want := `{"records":[` +
			`{"time":"2000-01-01T00:01:00.0000000Z","systemId":"00000000-0000-0000-0000-000000000000","category":"NetworkSecurityGroupFlowEvent","resourceId":"/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/CARD","operationName":"NetworkSecurityGroupFlowEvents","properties":{"Version":2,"flows":[{"rule":"UserRule_r110","flows":[{"mac":"000000000000","flowTuples":["946684800,10.0.0.4,10.0.1.5,40000,443,T,I,A,B,,,,","946684801,10.0.0.4,10.0.1.5,40000,443,T,I,A,E,,1200,,4800"]}]}]}},` +
			`{"time":"2000-01-01T00:01:00.0000000Z","systemId":"00000000-0000-0000-0000-000000000000","category":"NetworkSecurityGroupFlowEvent","resourceId":"/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/GW","operationName":"NetworkSecurityGroupFlowEvents","properties":{"Version":2,"flows":[{"rule":"DefaultRule_DenyAllInBound","flows":[{"mac":"000000000000","flowTuples":["946684800,8.8.8.8,10.0.1.5,40001,443,T,I,D,B,,,,"]}]}]}},` +
			`{"time":"2000-01-01T00:01:00.0000000Z","systemId":"00000000-0000-0000-0000-000000000000","category":"NetworkSecurityGroupFlowEvent","resourceId":"/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/APP","operationName":"NetworkSecurityGroupFlowEvents","properties":{"Version":2,"flows":[{"rule":"UserRule_r110","flows":[{"mac":"000000000000","flowTuples":["946684800,10.0.0.6,168.63.129.16,40002,53,U,O,A,B,,,,"]}]}]}},` +
			`{"time":"2000-01-01T00:01:00.0000000Z","systemId":"00000000-0000-0000-0000-000000000000","category":"NetworkSecurityGroupFlowEvent","resourceId":"/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/NONE","operationName":"NetworkSecurityGroupFlowEvents","properties":{"Version":2,"flows":[{"rule":"PlatformRule_PrivateEndpointExempt","flows":[{"mac":"000000000000","flowTuples":["946684800,10.0.1.6,10.0.2.4,0,443,T,I,A,B,,,,"]}]},{"rule":"DefaultRule_DenyAllOutBound","flows":[{"mac":"000000000000","flowTuples":["946684800,10.0.4.4,8.8.8.8,1,443,T,O,D,B,,,,"]}]}]}}` +
			`]}` + "\n"
		if first != want {
			t.Errorf("got  %s\nwant %s", first, want)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != 2 || !json.Valid([]byte(lines[1])) {
			t.Errorf("%d lines", len(lines))
		}
	})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestFlowLogIsBounded: what does not fit, or cannot be written, is counted.
func TestFlowLogIsBounded(t *testing.T) {
	_, r := architecture(t)
	f := logged(t, r, "tcp 10.0.0.4:40000 10.0.1.5:443")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := NewFlowLog(failing{}, FlowLogOptions{MaxFlows: 10, Interval: time.Second})
		var done sync.WaitGroup
		done.Go(func() { l.Run(ctx) })
		for range 25 {
			l.Record(f)
		}
		if l.Dropped() != 15 {
			t.Errorf("%d dropped of 25, with room for 10", l.Dropped())
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if l.Dropped() != 25 {
			t.Errorf("%d dropped after the disk was full", l.Dropped())
		}
		l.Record(f)
		cancel()
		done.Wait()
		if l.Dropped() != 26 {
			t.Errorf("%d dropped at the end", l.Dropped())
		}
	})
}

func BenchmarkFlowLogRecord(b *testing.B) {
	_, r := architecture(b)
	f := logged(b, r, "tcp 10.0.0.4:40000 10.0.1.5:443")
	l := NewFlowLog(&bytes.Buffer{}, FlowLogOptions{MaxFlows: 1 << 16})
	b.ReportAllocs()
	for b.Loop() {
		l.Record(f)
		if len(l.pending) == cap(l.pending) && len(l.pending) >= 1<<15 {
			l.pending = l.pending[:0]
		}
	}
}
