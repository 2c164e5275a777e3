// Package telemetry is what the gateway tells about its requests: access
// records, Prometheus metrics and OpenTelemetry traces.
//
// It guarantees that a record handed to a [Recorder] leaves as one line of
// JSON, in the form that log/slog's JSON handler writes: records are never
// dropped, sampled or merged. It guarantees that no value of a query
// parameter, no credential and no byte of a prompt or completion can stand in
// a record, a metric or a span, because no type here has a place for one. The
// number of metric series and the size of a record are bounded, whatever
// callers send.
//
// It does not make records durable: a record waits up to 100 ms in memory
// before it is written, and a kill loses that much. What has to survive a kill
// is the audit log's business. Spans are sampled, and are dropped when the
// collector cannot keep up; nothing decides on them.
//
// How it fails: a sink that refuses a write is tried again until it takes the
// lines. Meanwhile records wait in memory, up to a bound; then
// [Recorder.Write] blocks, so that a gateway that cannot record stops to
// serve. [Recorder.Err] says so, for readiness. A collector that fails costs
// spans, a counter and one line in the log, never a request.
package telemetry
