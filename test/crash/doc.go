// Package crash kills the built gateway, again and again, and holds what comes
// back against what it had acknowledged.
//
// It runs "cloister serve" under 200 requests and 20 key operations a second
// and ends it with SIGKILL at seeded moments, cuts its database off, makes its
// fsyncs fail or be its last call, and kills it in the middle of a backup, of
// the rotation of a data key and of its first start. A model knows for every
// subscription what must hold. After each restart:
//
//	acknowledged operation       in force: listed, and its keys open and close over HTTP
//	operation without an answer  either outcome; the model learns which
//	administrative act           its begin and its end are in the audit log, in order, with its actor
//	answer with status 200       its allow record is in the audit log
//	audit log                    verifies, by our verifier and by an independent one, and only ever grew
//
// It does not lose power: a killed process leaves what it wrote to the kernel.
// That nothing is acknowledged before its fsync has succeeded is shown by
// making every fsync fail; that what was not synced may be lost, by the tests
// of the rooms audit and store, which have file systems that forget.
//
// "go test" runs a short form with a fixed seed; "make crash" runs fifty kills
// on each database with a seed of its own, which it prints:
//
//	make crash ARGS="-seed 7"
package crash
