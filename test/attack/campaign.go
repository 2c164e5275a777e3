package main

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// campaign runs attacks against one program.
type campaign struct {
	program string
	// log hears of each attack when it is over.
	log io.Writer
	// together lets attacks that are not patient run beside others too. That
	// saves time and spoils the well-behaved client's p99, which is then not
	// judged.
	together bool
}

// atOnce is how many patient attacks run at the same time; where all run
// together, one more.
const atOnce = 3

// run runs the patient attacks, some at the same time, and the others one by
// one after them. Reports come in the order of the attacks.
func (c campaign) run(ctx context.Context, attacks []attack) []report {
	reports := make([]report, len(attacks))
	var mu sync.Mutex // guards log
	one := func(i int) {
		reports[i] = c.try(ctx, attacks[i])
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(c.log, "%-4s %s (%.0f s)\n", verdictWord(reports[i]), attacks[i].name, reports[i].took.Seconds())
		for _, b := range reports[i].broken {
			fmt.Fprintf(c.log, "     %s\n", b)
		}
	}
	var wg sync.WaitGroup
	n := atOnce
	if c.together {
		n++
	}
	slots := make(chan struct{}, n)
	for i, a := range attacks {
		if a.patient || c.together {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				one(i)
			})
		}
	}
	wg.Wait()
	for i, a := range attacks {
		if !a.patient && !c.together && ctx.Err() == nil {
			one(i)
		}
	}
	return reports
}

func verdictWord(r report) string {
	if len(r.broken) > 0 {
		return "FAIL"
	}
	return "ok"
}
