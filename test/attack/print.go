package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// columns are the head of the table.
func columns() []string {
	return []string{"attack", "gone after", "streams, calls", "well-behaved client", "peak memory", "verdict"}
}

// cells are one row.
func (r report) cells() []string {
	return []string{
		r.name, r.goneText(), r.reached(), r.goodText(),
		fmt.Sprintf("%d MiB (≤ %d)", r.peak, r.bounds.memory), r.verdict(),
	}
}

func (r report) goneText() string {
	if r.bounds.gone == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (≤ %s)", seconds(r.gone), seconds(r.bounds.gone))
}

func seconds(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.3f s", d.Seconds())
	case d%time.Second == 0:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func (r report) reached() string {
	calls := fmt.Sprintf("%d calls", r.calls)
	if r.bounds.calls != unlimited {
		calls += fmt.Sprintf(" (≤ %d)", r.bounds.calls)
	}
	if r.countsStreams {
		return fmt.Sprintf("%d streams (≤ %d), %s", r.streams, r.bounds.streams, calls)
	}
	return calls
}

func (r report) goodText() string {
	g := r.good
	switch {
	case g.Asked == 0:
		return "–"
	case r.bounds.refusesAll:
		return "refused meanwhile, as everybody"
	}
	share := 100 * float64(g.Asked-g.Failed) / float64(g.Asked)
	return fmt.Sprintf("%.4g %% of %d, p99 %.0f ms", share, g.Asked, float64(g.P99)/float64(time.Millisecond))
}

func (r report) verdict() string {
	if len(r.broken) > 0 {
		return "FAIL"
	}
	return "holds"
}

// writeTable writes for a terminal, with what attacks saw and what is broken
// below.
func writeTable(w io.Writer, reports []report) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(columns(), "\t"))
	for _, r := range reports {
		fmt.Fprintln(tw, strings.Join(r.cells(), "\t"))
	}
	tw.Flush()
	fmt.Fprintln(w)
	broken := 0
	for _, r := range reports {
		fmt.Fprintf(w, "%s: %s\n", r.name, r.note)
		for _, b := range r.broken {
			broken++
			fmt.Fprintf(w, "  BROKEN: %s\n", b)
		}
	}
	fmt.Fprintf(w, "\n%d attacks, %d bounds broken\n", len(reports), broken)
}

// writeMarkdown writes for the documentation.
func writeMarkdown(w io.Writer, reports []report) {
	head := append([]string{}, columns()...)
	head = append(head[:1:1], append([]string{"by default in Go"}, head[1:]...)...)
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range reports {
		cells := r.cells()
		cells = append(cells[:1:1], append([]string{r.byDefault}, cells[1:]...)...)
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}
