package main

import (
	"fmt"
	"time"
)

// attacks is the table.
func attacks() []attack {
	var all []attack
	all = append(all, slowAttacks()...)
	all = append(all, frameAttacks()...)
	all = append(all, messageAttacks()...)
	all = append(all, exhaustionAttacks()...)
	return append(all, backendAttacks()...)
}

func slowAttacks() []attack {
	return []attack{
		{
			name: "Slowloris headers", byDefault: "400 of 400 connections open after 20 s",
			run: slowHeaders, patient: true, quick: true, bounds: bounds{gone: 8 * time.Second, memory: 88},
		}, {
			name: "Slowloris headers (slowhttptest -H)", byDefault: "400 of 400 connections open after 20 s",
			run: slowHeadersTool, patient: true, bounds: bounds{gone: 8 * time.Second, memory: 88},
		}, {
			name: "Slow body (RUDY)", byDefault: "300 of 300 connections open after 25 s",
			run: slowBody, patient: true, quick: true, bounds: bounds{gone: 23 * time.Second, calls: unlimited, memory: 120},
		}, {
			name: "Slow body (slowhttptest -B)", byDefault: "300 of 300 connections open after 25 s",
			run: slowBodyTool, patient: true, bounds: bounds{gone: 23 * time.Second, calls: unlimited, memory: 120},
		}, {
			name: "Slow body, HTTP/2", byDefault: "no limit",
			run: slowBody2, patient: true, bounds: bounds{gone: 23 * time.Second, calls: unlimited, memory: 120},
		}, {
			name: "Slow read, HTTP/1.1", byDefault: "held for ever",
			run: slowRead1, patient: true, quick: true, bounds: bounds{gone: 14 * time.Second, calls: unlimited, memory: 120},
		}, {
			name: "Slow read, HTTP/2", byDefault: "held for ever",
			run: slowRead2, patient: true, quick: true, bounds: bounds{gone: 14 * time.Second, calls: unlimited, memory: 120},
		}, {
			name: "Half-open TLS", byDefault: "500 of 500 connections open after 10 s, 500 goroutines",
			run: halfOpen, patient: true, quick: true, bounds: bounds{gone: 6 * time.Second, memory: 88},
		},
	}
}

func frameAttacks() []attack {
	floods := func(name, byDefault string, f flood) attack {
		return attack{
			name: name, byDefault: byDefault, run: f.run, quick: true,
			bounds: bounds{gone: 10 * time.Second, memory: 88},
		}
	}
	return []attack{
		{
			name: "TLS handshake flood", byDefault: "945 handshakes a second, nothing is shed",
			run: handshakes, bounds: bounds{memory: 120},
		}, {
			name: "Rapid reset", byDefault: "20,000 streams accepted, 163 calls, connection stays open",
			run: rapidReset, quick: true, bounds: bounds{gone: 5 * time.Second, streams: 500, calls: 5, memory: 120},
		}, {
			name: "CONTINUATION flood", byDefault: "cut after 5 MB",
			run: continuations, quick: true, bounds: bounds{gone: 5 * time.Second, memory: 88},
		}, {
			name: "HPACK bomb", byDefault: "cut, no memory",
			run: hpackBomb, quick: true, bounds: bounds{gone: 5 * time.Second, memory: 88},
		},
		floods("PING flood", "100,000 accepted", flood{frames: 2_000_000, frame: pingFrame}),
		floods("PING flood, answers unread", "cut at 248,000", flood{frames: 2_000_000, frame: pingFrame, deaf: true}),
		floods("SETTINGS flood", "100,000 accepted", flood{frames: 2_000_000, frame: settingsFrame}),
		floods("Empty DATA flood", "200,000 accepted", flood{frames: 2_000_000, frame: emptyDataFrame, upload: true}),
	}
}

func messageAttacks() []attack {
	return []attack{
		{
			name: "Header bombs", byDefault: "1 MiB of head and 10,000 fields accepted",
			run: headerBombs, quick: true, bounds: bounds{memory: 88},
		}, {
			name: "gzip bomb in", byDefault: "passed through",
			run: gzipIn, quick: true, bounds: bounds{memory: 88},
		}, {
			name: "gzip bomb from the backend", byDefault: "inflated where the transport asked for it",
			run: gzipOut, quick: true, bounds: bounds{calls: unlimited, memory: 88},
		}, {
			name: "JSON nesting bomb", byDefault: "stops at depth 10,000",
			run: nesting, quick: true, bounds: bounds{memory: 248}, // twenty bodies of 4 MiB are read
		},
	}
}

func exhaustionAttacks() []attack {
	return []attack{
		{
			name: "Connection exhaustion", byDefault: "new clients time out",
			run: exhaustConnections, quick: true, site: siteOptions{files: 256}, bounds: bounds{calls: unlimited, memory: 88},
		}, {
			name: "Connections of one address", byDefault: "no limit",
			run: crowd, quick: true, site: siteOptions{limits: "maxConnectionsPerClient: 50"}, bounds: bounds{calls: unlimited, memory: 88},
		}, {
			name: "An attacker that comes back", byDefault: "no bans",
			run: comesBack, quick: true, site: siteOptions{limits: "banFor: 4s"}, bounds: bounds{gone: 10 * time.Second, calls: unlimited, memory: 88},
		}, {
			name: "Memory exhaustion", byDefault: "no limit",
			run:    exhaustMemory,
			site:   siteOptions{limits: fmt.Sprintf("memoryBytes: %d", 256<<20), env: []string{"GOMEMLIMIT=256MiB"}},
			bounds: bounds{calls: unlimited, memory: 312},
		}, {
			name: "WebSocket flood", byDefault: "no limit, and no timeout of the server counts",
			run: webSockets, site: siteOptions{limits: "maxWebSocketsPerCaller: 100"},
			// One is opened when the hundred are closed.
			bounds: bounds{calls: 101, memory: 184},
		},
	}
}

func backendAttacks() []attack {
	return []attack{
		{
			name: "Retry storm", byDefault: "no budget",
			run: retryStorm, quick: true, bounds: bounds{calls: unlimited, memory: 120},
		}, {
			name: "Upstream dies mid-SSE", byDefault: "a 200 that stops short",
			run: diesInStream, quick: true, bounds: bounds{calls: unlimited, memory: 88},
		}, {
			name: "Audit disk full", byDefault: "nothing is audited",
			run: auditFull, quick: true, site: siteOptions{auditSize: "1m"}, bounds: bounds{calls: unlimited, memory: 120, refusesAll: true},
		},
	}
}
