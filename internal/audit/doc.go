// Package audit is the chained, signed log of one gateway: who asked for what,
// what was decided and why, what an operator changed.
//
// It guarantees that a record for which [Log.Wait] returned nil is on disk and
// stays there after a kill or a loss of power, in the order of [Log.Append];
// that the log is never begun anew, forked or overwritten silently; and that
// [Verify], with the public key alone, finds every edit, deletion, reordering
// and foreign signature, and against a checkpoint kept elsewhere also a
// truncation and the roll-back of the whole directory. A record is one line of
// JSON of at most 65,535 bytes.
//
// It does not hide what callers put into records (give it no secrets), it does
// not lock its directory (the state directory's owner does), and without a
// [Witness] it cannot know that the newest records were cut off.
//
//	where                           what                        form
//	checkpoint                      size and root, signed       c2sp.org/tlog-checkpoint
//	tile/LEVEL/N, tile/entries/N    hashes, records             c2sp.org/tlog-tiles
//	audit.pub                       the key to verify with      c2sp.org/signed-note
//	journal/FIRST                   what is not published yet   see journal.go
//
// A record's way, and what each step costs:
//
//	queued      in memory         Append returns its position
//	durable     in the journal    one fsync per batch, a signed checkpoint at its end; Wait returns
//	published   in the tiles      checkpoint replaced, at most once a second; outsiders can verify
//	witnessed   elsewhere         the published checkpoint, at most every ten seconds
//
// It fails closed. While the journal cannot be written, [Log.Err] and
// [Log.Wait] say so with an [*UnavailableError], records wait in memory up to a
// bound, and the log tries again by itself. A directory that is not what the
// log left there is an [*Error] or a [*RollbackError] of [Open], and is left as
// it is.
package audit
