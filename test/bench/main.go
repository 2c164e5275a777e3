package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are the command line.
type options struct {
	gateway, bench, profile string
	rounds                  int
	duration                time.Duration
	connections, streams    int
	idleStreams             int
	manyStreams             int
	events                  int
	interval                time.Duration
}

func main() {
	var opt options
	flag.StringVar(&opt.gateway, "gateway", "bin/cloister", "the built program")
	flag.StringVar(&opt.bench, "bench", "all", "json, sse, added, idle, expr, policy, network or all")
	flag.StringVar(&opt.profile, "profile", "", "write the gateway's CPU profile to this file")
	flag.IntVar(&opt.rounds, "rounds", 7, "rounds; every figure is the median over them")
	flag.DurationVar(&opt.duration, "duration", 2*time.Second, "length of one measurement")
	flag.IntVar(&opt.connections, "connections", 32, "connections of the JSON load")
	flag.IntVar(&opt.streams, "streams", 100, "streams at a time")
	flag.IntVar(&opt.idleStreams, "idle-streams", 400, "streams that stand still while memory is read")
	flag.IntVar(&opt.manyStreams, "many-streams", 10000, "streams that stand still in the idle benchmark")
	flag.IntVar(&opt.events, "events", 100, "events of one stream")
	flag.DurationVar(&opt.interval, "interval", 5*time.Millisecond, "time between two events of a stream")
	flag.Parse()
	if err := run(opt); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(opt options) error {
	switch opt.bench {
	case "json", "sse", "added", "idle", "expr", "policy", "network", "all":
	default:
		return fmt.Errorf("-bench %s: expected json, sse, added, idle, expr, policy, network or all", opt.bench)
	}
	if err := pinSelf(); err != nil {
		return err
	}
	if opt.bench == "expr" || opt.bench == "all" {
		if err := runExpr(opt); err != nil || opt.bench == "expr" {
			return err
		}
	}
	if opt.bench == "policy" || opt.bench == "all" {
		if err := runPolicy(opt); err != nil || opt.bench == "policy" {
			return err
		}
	}
	if opt.bench == "network" || opt.bench == "all" {
		if err := runNetwork(opt); err != nil || opt.bench == "network" {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	lab, err := newLab(ctx, opt)
	if err != nil {
		return err
	}
	defer lab.close()
	fmt.Println(lab.describe())
	var last []string
	for _, part := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{{"added", lab.runAdded}, {"idle", lab.runIdle}, {"json", lab.runJSON}, {"sse", lab.runSSE}} {
		if opt.bench != part.name && opt.bench != "all" {
			continue
		}
		line, err := part.run(ctx)
		if err != nil {
			return err
		}
		last = append(last, line)
	}
	if err := lab.stopGateway(); err != nil {
		return err
	}
	for _, line := range last {
		fmt.Println(line)
	}
	return nil
}
