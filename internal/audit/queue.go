package audit

import "encoding/binary"

// queue holds the records that the writer has not taken, as batches in the
// making: room for a header, then the records. It grows by whole batches and
// never moves what it has, so that a long outage takes no more memory than its
// records. The zero value with a size is ready.
type queue struct {
	// size is how many bytes a batch may have before the next one begins.
	size    int
	batches []pending
	// spare is memory for a batch, given back by the writer.
	spare []byte
}

// pending is a batch in the making.
type pending struct {
	data  []byte
	count int
}

// batchTail is room for the checkpoint at a batch's end, so that it does not
// have to move for it.
const batchTail = 1 << 10

// batchSize is how large batches of a log become that may hold so many bytes.
func batchSize(maxHeld int) int { return min(1<<20, maxHeld/8) }

// add appends a record of at most maxEntry bytes.
func (q *queue) add(entry []byte) {
	n := len(q.batches)
	if n == 0 || len(q.batches[n-1].data)+2+len(entry) > q.size {
		q.batches = append(q.batches, pending{data: q.memory(n > 0)})
		n++
	}
	last := &q.batches[n-1]
	last.data = binary.BigEndian.AppendUint16(last.data, uint16(len(entry)))
	last.data = append(last.data, entry...)
	last.count++
}

// memory is that of a new batch. The first one of an idle log grows as it is
// needed; one that follows a full one is likely to become full.
func (q *queue) memory(whole bool) []byte {
	buf := q.spare
	q.spare = nil
	if buf == nil && whole {
		buf = make([]byte, 0, q.size+batchTail)
	}
	return append(buf[:0], make([]byte, batchHeader)...)
}

// take takes the oldest batch off; count 0: there is none.
func (q *queue) take() pending {
	if len(q.batches) == 0 {
		return pending{}
	}
	first := q.batches[0]
	rest := copy(q.batches, q.batches[1:])
	q.batches[rest] = pending{}
	q.batches = q.batches[:rest]
	return first
}
