package dns

import (
	"context"
	"log/slog"
	"math/bits"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/net/netutil"
)

const (
	// maxMessage is what fits into a packet everywhere (DNS flag day 2020), and
	// plainMessage what a client without EDNS takes.
	maxMessage   = 1232
	plainMessage = 512
	// maxGain is how much longer an answer by UDP may be than its question, so
	// that a forged sender gains next to nothing.
	maxGain = 8
	// maxAtOnce bounds questions that are being answered, and maxForwarded those
	// that wait for somebody outside.
	maxAtOnce    = 256
	maxForwarded = 64
	// maxStreams and maxQuestions bound connections and what is asked by one;
	// maxStreamsEach those of one address, so that nobody takes them all.
	maxStreams     = 256
	maxStreamsEach = 8
	maxQuestions   = 128
	// maxRounds bounds how often an answer leads outside and back into a zone.
	maxRounds   = 3
	streamWait  = 5 * time.Second
	forwardWait = 3 * time.Second
)

// ServerOptions are what a [Server] takes from its surroundings.
type ServerOptions struct {
	// Zones are those in force, asked for at every question.
	Zones func() *Zones
	// Servers are asked, HOST:PORT, for names that the site does not know, over
	// connections that Dial opens; nil or none: such names are refused.
	Servers func() []string
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	// Admits says whether the network's rules let a question in, which is dropped
	// otherwise; nil: there are none. Network is udp or tcp.
	Admits func(network string, local, peer netip.AddrPort) bool
	// PerSecond is how many answers by UDP a source prefix (/24, /56) gets in a
	// second, and as many again at once; 0: 100.
	PerSecond int
	// Log gets refusals, thinned out; nil: nothing is logged.
	Log *slog.Logger
	// Now is a clock; nil: time.Now.
	Now func() time.Time
}

// Counts is what a server has done so far.
type Counts struct {
	// Answered are answers of any kind; Refused are among them.
	Answered, Refused uint64
	// Limited were cut short or dropped because too many came, and Dropped were
	// no questions, or came while too many were being answered.
	Limited, Dropped uint64
}

// Server answers questions by UDP and TCP.
type Server struct {
	opt     ServerOptions
	rates   rates
	slots   chan struct{}
	forward chan struct{}

	answered, refused, limited, dropped atomic.Uint64

	mu      sync.Mutex
	sockets []*mdns.Server // guarded by mu
	closed  bool           // guarded by mu
	serving sync.WaitGroup
	// life ends with the server, and what is being asked outside with it.
	life context.Context
	end  context.CancelFunc
}

// NewServer makes a server; it answers where [Server.Serve] is told to.
func NewServer(opt ServerOptions) *Server {
	if opt.PerSecond <= 0 {
		opt.PerSecond = 100
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: opt, slots: make(chan struct{}, maxAtOnce), forward: make(chan struct{}, maxForwarded)}
	s.rates = rates{perSecond: float64(opt.PerSecond), buckets: map[netip.Prefix]*bucket{}}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Counts is what the server has done so far.
func (s *Server) Counts() Counts {
	return Counts{Answered: s.answered.Load(), Refused: s.refused.Load(), Limited: s.limited.Load(), Dropped: s.dropped.Load()}
}

// Serve answers on both until [Server.Close], which closes them. Either may be
// nil.
func (s *Server) Serve(packets net.PacketConn, streams net.Listener) {
	if packets != nil {
		s.start(&mdns.Server{PacketConn: gatedPackets{packets, s}, Handler: handler{s, true}, MsgAcceptFunc: s.accept, UDPSize: maxMessage})
	}
	if streams != nil {
		s.start(&mdns.Server{
			Listener: netutil.LimitListener(&gatedStreams{Listener: streams, s: s, open: map[netip.Addr]int{}}, maxStreams), Handler: handler{s, false}, MsgAcceptFunc: s.accept,
			ReadTimeout: streamWait, WriteTimeout: streamWait, IdleTimeout: func() time.Duration { return streamWait }, MaxTCPQueries: maxQuestions,
		})
	}
}

func (s *Server) start(server *mdns.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		if server.PacketConn != nil {
			server.PacketConn.Close()
		}
		if server.Listener != nil {
			server.Listener.Close()
		}
		return
	}
	ready := make(chan struct{})
	server.NotifyStartedFunc = func() { close(ready) }
	s.sockets = append(s.sockets, server)
	ended := make(chan struct{})
	s.serving.Go(func() {
		defer close(ended)
		server.ActivateAndServe() // ends with Close; whoever opened the sockets would hear of them
	})
	select { // Close may follow at once
	case <-ready:
	case <-ended:
	}
}

// Close ends the server: open questions are answered for a moment, then it is
// over.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	sockets := s.sockets
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.end()
	for _, server := range sockets {
		if err := server.ShutdownContext(ctx); err != nil {
			if server.PacketConn != nil {
				server.PacketConn.Close()
			}
			if server.Listener != nil {
				server.Listener.Close()
			}
		}
	}
	s.serving.Wait()
}

// accept looks at a header before anything is unpacked. Answers are never
// answered, so that two servers cannot be set on each other.
func (s *Server) accept(h mdns.Header) mdns.MsgAcceptAction {
	const response, opcode = 1 << 15, 0xf << 11
	switch {
	case h.Bits&response != 0:
		s.dropped.Add(1)
		return mdns.MsgIgnore
	case h.Bits&opcode != 0: // updates, notifications
		return mdns.MsgRejectNotImplemented
	case h.Qdcount != 1 || h.Ancount != 0 || h.Nscount != 0 || h.Arcount > 2:
		return mdns.MsgReject
	}
	return mdns.MsgAccept
}

// handler answers questions of one kind of socket.
type handler struct {
	s   *Server
	udp bool
}

// ServeDNS answers one question.
func (h handler) ServeDNS(w mdns.ResponseWriter, q *mdns.Msg) {
	s := h.s
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		s.dropped.Add(1)
		return
	}
	from, err := netip.ParseAddrPort(w.RemoteAddr().String())
	if err != nil || !h.udp && !s.admitted("tcp", w.LocalAddr(), w.RemoteAddr()) {
		s.dropped.Add(1) // of a connection that stayed open while the rules changed
		return
	}
	addr := from.Addr().Unmap().WithZone("")
	m := s.answer(s.life, addr, q)
	h.fit(m, q)
	s.answered.Add(1)
	if m.Rcode == mdns.RcodeRefused {
		s.noteRefused(addr, q)
	}
	w.WriteMsg(m) // who is gone is gone
}

// noteRefused counts a refusal and logs the 1st, 2nd, 4th, 8th, …: a resolver that
// is set up wrongly asks here for everything.
func (s *Server) noteRefused(from netip.Addr, q *mdns.Msg) {
	n := s.refused.Add(1)
	if bits.OnesCount64(n) == 1 {
		s.opt.Log.Warn("question refused by the DNS server", slog.String("from", from.String()), slog.String("name", q.Question[0].Name),
			slog.String("type", mdns.Type(q.Question[0].Qtype).String()), slog.Uint64("count", n))
	}
}

// answer is what the zones, or somebody outside, say to who asks from an address.
func (s *Server) answer(ctx context.Context, from netip.Addr, q *mdns.Msg) *mdns.Msg {
	if opt := q.IsEdns0(); opt != nil && opt.Version() != 0 {
		return new(mdns.Msg).SetRcode(q, mdns.RcodeBadVers)
	}
	question := q.Question[0]
	zones := s.opt.Zones()
	if question.Qclass != mdns.ClassINET || zones == nil || meta(question.Qtype) {
		return new(mdns.Msg).SetRcode(q, mdns.RcodeRefused)
	}
	view := zones.ViewOf(from)
	a := zones.Answer(Question{Name: question.Name, Type: Type(question.Qtype)}, view)
	m := a.Reply(q)
	servers := s.servers(view)
	m.RecursionAvailable = len(servers) > 0
	if a.Ask == "" || !m.RecursionAvailable || !q.RecursionDesired {
		return m
	}
	return s.goOn(ctx, m, far{zones, view, servers, a.Ask, question.Qtype})
}

// meta reports types that are no records: transfers, keys, options (RFC 6895,
// section 3.1). ANY is one, too, and has an answer.
func meta(t uint16) bool { return t >= 128 && t < mdns.TypeANY || t == mdns.TypeOPT }

// servers are asked for those of a view; nobody else has them asked.
func (s *Server) servers(v *View) []string {
	if v == nil || s.opt.Servers == nil || s.opt.Dial == nil {
		return nil
	}
	return s.opt.Servers()
}

// fit bounds an answer by UDP: in bytes, and by what its question was.
func (h handler) fit(m, q *mdns.Msg) {
	m.Compress = true
	size := plainMessage
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(maxMessage, false)
		size = min(max(int(opt.UDPSize()), plainMessage), maxMessage)
	}
	if !h.udp {
		return
	}
	if size = min(size, maxGain*q.Len()); m.Len() > size {
		m.Answer, m.Ns, m.Truncated = nil, nil, true
	}
}
