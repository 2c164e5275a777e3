package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// figures of one proxy, one value a round.
type figures struct {
	// cpu is time per request in microseconds; capacity is requests per second
	// of one core, throughput what was really answered in a second.
	cpu, capacity, throughput []float64
	// p50, p99 and first are times in microseconds added to the upstream's.
	p50, p99, first []float64
	// memory per idle stream in KiB.
	memory []float64
}

// micro is a time in microseconds.
func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// loaded measures one load through one proxy with its CPU time.
func (l *lab) loaded(ctx context.Context, p *proxy, load load, f *figures) (result, error) {
	load.port, load.tls = p.port, l.tls
	before, err := p.cpu()
	if err != nil {
		return result{}, err
	}
	r, err := load.run(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: %w\n%s", p.name, err, p.log)
	}
	after, err := p.cpu()
	if err != nil {
		return r, err
	}
	if r.requests == 0 {
		return r, fmt.Errorf("%s answered nothing in %v", p.name, load.during)
	}
	used := after - before
	f.cpu = append(f.cpu, micro(used)/float64(r.requests))
	f.capacity = append(f.capacity, float64(r.requests)/max(used.Seconds(), 0.01))
	f.throughput = append(f.throughput, float64(r.requests)/r.took.Seconds())
	return r, nil
}

// runJSON compares plain requests.
func (l *lab) runJSON(ctx context.Context) (string, error) {
	size, err := l.answerSize()
	if err != nil {
		return "", err
	}
	all := map[string]*figures{}
	for round := -1; round < l.opt.rounds; round++ {
		for _, p := range l.proxies(max(round, 0)) {
			f := figuresOf(all, p, round)
			busy := load{request: l.request.json, clients: l.opt.connections, during: l.opt.duration, bytes: size}
			if _, err := l.loaded(ctx, p, busy, f); err != nil {
				return "", err
			}
			if err := l.latency(ctx, p, size, f); err != nil {
				return "", err
			}
		}
	}
	l.table(os.Stdout, "json", all, []column{
		{"CPU µs/request", func(f *figures) []float64 { return f.cpu }},
		{"requests/s of one core", func(f *figures) []float64 { return f.capacity }},
		{"answered/s", func(f *figures) []float64 { return f.throughput }},
		{"added p50 µs", func(f *figures) []float64 { return f.p50 }},
		{"added p99 µs", func(f *figures) []float64 { return f.p99 }},
	})
	return ratios("json", all), nil
}

// figuresOf are the figures of a proxy in a round; the first round, -1, warms
// up and is not kept.
func figuresOf(all map[string]*figures, p *proxy, round int) *figures {
	if round < 0 {
		return &figures{}
	}
	if all[p.name] == nil {
		all[p.name] = &figures{}
	}
	return all[p.name]
}

// answerSize is how many bytes the upstream answers.
func (l *lab) answerSize() (int, error) {
	c, err := dial(l.upstream.port, l.tls)
	if err != nil {
		return 0, err
	}
	defer c.close()
	a, err := c.do(l.request.json)
	return a.bytes, err
}

// latency compares one request at a time through the proxy with the same
// straight to the upstream, just before.
func (l *lab) latency(ctx context.Context, p *proxy, size int, f *figures) error {
	quiet := load{tls: l.tls, request: l.request.json, clients: 1, during: l.opt.duration / 4, bytes: size, port: l.upstream.port}
	direct, err := quiet.run(ctx)
	if err != nil {
		return err
	}
	quiet.port = p.port
	through, err := quiet.run(ctx)
	if err != nil {
		return err
	}
	f.p50 = append(f.p50, micro(quantile(through.total, .5)-quantile(direct.total, .5)))
	f.p99 = append(f.p99, micro(quantile(through.total, .99)-quantile(direct.total, .99)))
	return nil
}

// runSSE compares streams.
func (l *lab) runSSE(ctx context.Context) (string, error) {
	all := map[string]*figures{}
	for round := -1; round < l.opt.rounds; round++ {
		for _, p := range l.proxies(max(round, 0)) {
			f := figuresOf(all, p, round)
			// [DONE] is one more.
			busy := load{request: l.request.sse, clients: l.opt.streams, during: l.opt.duration, events: l.opt.events + 1}
			if _, err := l.loaded(ctx, p, busy, f); err != nil {
				return "", err
			}
			if err := l.firstByte(ctx, p, f); err != nil {
				return "", err
			}
		}
	}
	if err := l.idle(all); err != nil {
		return "", err
	}
	l.table(os.Stdout, "sse", all, []column{
		{"CPU µs/stream", func(f *figures) []float64 { return f.cpu }},
		{"streams/s of one core", func(f *figures) []float64 { return f.capacity }},
		{"added first byte µs", func(f *figures) []float64 { return f.first }},
		{"KiB/idle stream", func(f *figures) []float64 { return f.memory }},
	})
	return ratios("sse", all), nil
}

// firstByte compares the time to a stream's first byte, one short stream at a
// time on kept connections.
func (l *lab) firstByte(ctx context.Context, p *proxy, f *figures) error {
	quiet := load{tls: l.tls, request: l.request.short, clients: 1, during: l.opt.duration / 4, port: l.upstream.port}
	direct, err := quiet.run(ctx)
	if err != nil {
		return err
	}
	quiet.port = p.port
	through, err := quiet.run(ctx)
	if err != nil {
		return err
	}
	f.first = append(f.first, micro(quantile(through.first, .5)-quantile(direct.first, .5)))
	return nil
}

// idle reads the memory of each proxy with and without streams that have begun
// and stand still.
func (l *lab) idle(all map[string]*figures) error {
	for _, p := range l.proxies(0) {
		before, err := p.memory()
		if err != nil {
			return err
		}
		after, err := l.withIdleStreams(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		f := figuresOf(all, p, 0)
		f.memory = append(f.memory, float64(after-before)/1024/float64(l.opt.idleStreams))
	}
	return nil
}

// settle is how long memory is given to come to rest.
const settle = 500 * time.Millisecond

func (l *lab) withIdleStreams(p *proxy) (int64, error) {
	var clients []*client
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	for range l.opt.idleStreams {
		c, err := dial(p.port, l.tls)
		if err != nil {
			return 0, err
		}
		clients = append(clients, c)
		a, err := c.open(l.request.idle)
		if err != nil {
			return 0, err
		}
		if a.status != 200 {
			return 0, fmt.Errorf("answered %d", a.status)
		}
	}
	time.Sleep(settle)
	return p.memory()
}

// column is one figure of the table.
type column struct {
	title string
	of    func(*figures) []float64
}

// table prints the medians.
func (l *lab) table(out io.Writer, name string, all map[string]*figures, columns []column) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, name+"\t")
	for _, c := range columns {
		fmt.Fprint(w, c.title+"\t")
	}
	fmt.Fprintln(w)
	for _, p := range l.proxies(0) {
		fmt.Fprint(w, p.name+"\t")
		for _, c := range columns {
			fmt.Fprintf(w, "%.1f\t", median(append([]float64(nil), c.of(all[p.name])...)))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// ratios is the line for programs: the median over the rounds of the gateway's
// CPU time divided by the other's in the same round.
func ratios(name string, all map[string]*figures) string {
	return fmt.Sprintf("%s cpu-ratio reverseproxy %.2f nginx %.2f", name,
		ratio(all["gateway"], all["reverseproxy"]), ratio(all["gateway"], all["nginx"]))
}

func ratio(a, b *figures) float64 {
	var r []float64
	for i := range min(len(a.cpu), len(b.cpu)) {
		if b.cpu[i] > 0 {
			r = append(r, a.cpu[i]/b.cpu[i])
		}
	}
	return median(r)
}
