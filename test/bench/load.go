package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// load is what one measurement asks of one port.
type load struct {
	port    int
	tls     *tls.Config
	request []byte
	// clients ask at the same time, each on its own connection, each again as
	// soon as it is answered.
	clients int
	// during is how long they begin requests; what was begun is finished.
	during time.Duration
	// bytes and events are what every answer has to hold; 0: not looked at.
	bytes, events int
}

// result is what one measurement found.
type result struct {
	requests int
	took     time.Duration
	// total and first are the times to the end and to the first byte of the
	// body, sorted.
	total, first []time.Duration
}

// run dials first and measures then: handshakes are not what is compared.
func (l load) run(ctx context.Context) (result, error) {
	clients := make([]*client, l.clients)
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.close()
			}
		}
	}()
	for i := range clients {
		c, err := dial(l.port, l.tls)
		if err != nil {
			return result{}, err
		}
		clients[i] = c
	}
	results := make([]result, l.clients)
	errs := make([]error, l.clients)
	begin := time.Now()
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { results[i], errs[i] = l.repeat(ctx, c, begin) })
	}
	wg.Wait()
	sum := result{took: time.Since(begin)}
	for _, r := range results {
		sum.requests += r.requests
		sum.total = append(sum.total, r.total...)
		sum.first = append(sum.first, r.first...)
	}
	slices.Sort(sum.total)
	slices.Sort(sum.first)
	return sum, errors.Join(errs...)
}

func (l load) repeat(ctx context.Context, c *client, begin time.Time) (r result, err error) {
	for time.Since(begin) < l.during && ctx.Err() == nil {
		sent := time.Now()
		a, err := c.do(l.request)
		if err == nil {
			err = l.judge(a)
		}
		if err != nil {
			return r, err
		}
		r.requests++
		r.total = append(r.total, time.Since(sent))
		r.first = append(r.first, a.firstByte.Sub(sent))
	}
	return r, ctx.Err()
}

// judge holds an answer to what the upstream sends: a proxy that answers
// something else is not measured.
func (l load) judge(a answer) error {
	switch {
	case a.status != 200:
		return fmt.Errorf("port %d answered %d", l.port, a.status)
	case l.bytes > 0 && a.bytes != l.bytes:
		return fmt.Errorf("port %d answered %d bytes, not %d", l.port, a.bytes, l.bytes)
	case l.events > 0 && a.events != l.events:
		return fmt.Errorf("port %d answered %d events, not %d", l.port, a.events, l.events)
	}
	return nil
}

// quantile of sorted times; q in [0,1].
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median of numbers, which it sorts.
func median(x []float64) float64 {
	slices.Sort(x)
	n := len(x)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return x[n/2]
	}
	return (x[n/2-1] + x[n/2]) / 2
}
