package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
)

// A row that is put back together with its revision opens, and one that was
// deleted leaves nothing that could be missed. So the state keeps, sealed, what
// all its rows add up to: each change takes the old row out of the sum and adds
// the new one, in its own transaction. Whoever reads all rows adds them up.

// rowSum is the XOR of a keyed hash of each row's id and revision. It is only
// ever stored sealed: sums that are seen would tell the hashes, and of many
// hashes other sums could be put together.
type rowSum [sha256.Size]byte

var (
	errSumBox = errors.New("the sum of its rows is missing, was edited, or is of another revision")
	errSum    = errors.New("its rows do not add up: some were put back, removed or added outside the gateway")
)

// adder adds rows to sums and takes them out again, which is the same.
type adder struct {
	mac hash.Hash
	buf []byte
}

func (k *keyring) adder() *adder { return &adder{mac: hmac.New(sha256.New, k.derive("row sum"))} }

func (a *adder) add(sum *rowSum, id string, revision Revision) {
	a.buf = append(binary.BigEndian.AppendUint64(a.buf[:0], uint64(revision)), id...)
	a.mac.Reset()
	a.mac.Write(a.buf)
	a.buf = a.mac.Sum(a.buf[:0])
	subtle.XORBytes(sum[:], sum[:], a.buf)
}

// sumContext is what a sealed sum is bound to: one that is put back does not
// open, unless the revision of the whole is put back as well.
func sumContext(revision Revision) []byte {
	return binary.BigEndian.AppendUint64([]byte("sum\x00subscription\x00"), uint64(revision))
}

func (k *keyring) openSum(box []byte, revision Revision) (sum rowSum, err error) {
	text, err := k.openBox(box, sumContext(revision), true)
	if err != nil || len(text) != len(sum) {
		return sum, errSumBox
	}
	return rowSum(text), nil
}

// holdSum holds rows, which are all there are, to the sealed sum of revision.
func (k *keyring) holdSum(box []byte, revision Revision, rows []sealedRow) error {
	want, err := k.openSum(box, revision)
	if err != nil {
		return err
	}
	var sum rowSum
	a := k.adder()
	for _, r := range rows {
		switch r.kind {
		case rowStored:
			a.add(&sum, r.id, r.revision)
		case rowConnection:
			a.add(&sum, summedConnection(r.id), r.revision)
		}
	}
	if subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
		return errSum
	}
	return nil
}

// summed is the sum of the rows while they are written.
type summed struct {
	*adder
	sum rowSum
	// known falls where the stored sum did not open: then it is left as it is,
	// until an operator has accepted the rows.
	known bool
	// box is the sum as it was stored; nil: it was not.
	box []byte
}

// beginSum begins with no rows.
func (w *writing) beginSum() { w.rows = summed{adder: w.ring.adder(), known: true} }

// loadSum goes on from what is stored at the writing's revision.
func (w *writing) loadSum(box []byte) {
	w.beginSum()
	var err error
	w.rows.box = box
	w.rows.sum, err = w.ring.openSum(box, w.revision)
	w.rows.known = err == nil
}

// addUp takes the rows as they are for right.
func (w *writing) addUp() error {
	w.beginSum()
	rows, err := w.tx.QueryContext(w.ctx, `SELECT 0, id, revision FROM subscription UNION ALL SELECT 3, id, revision FROM connection`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var kind rowKind
		var id string
		var revision Revision
		if err := rows.Scan(&kind, &id, &revision); err != nil {
			return err
		}
		if kind == rowConnection {
			id = summedConnection(id)
		}
		w.rows.add(&w.rows.sum, id, revision)
	}
	return rows.Err()
}

// saveSum stores revision and sum where they have changed, or where the sum is
// sealed with another key than the current one.
func (w *writing) saveSum() error {
	current := w.ring.current()
	sealed := len(w.rows.box) >= boxHead && string(w.rows.box[1:1+keyIDSize]) == string(current.id[:])
	switch {
	case !w.rows.known && !w.taken, sealed && !w.taken:
		return nil
	case !w.rows.known:
		_, err := w.exec(`UPDATE state SET revision = ? WHERE one = 1`, int64(w.revision))
		return err
	}
	box, err := current.seal(w.random, sumContext(w.revision), w.rows.sum[:])
	if err == nil {
		_, err = w.exec(`UPDATE state SET revision = ?, row_sum = ? WHERE one = 1`, int64(w.revision), box)
	}
	return err
}

// checkRows adds up all rows without opening them.
func (s *Store) checkRows(ctx context.Context) error {
	_, err := s.rows(ctx, func(ctx context.Context) ([]sealedRow, error) {
		rows, err := s.db.QueryContext(ctx, `
SELECT 1 AS kind, '' AS id, revision, row_sum FROM state
UNION ALL SELECT 0, id, revision, NULL FROM subscription
UNION ALL SELECT 3, id, revision, NULL FROM connection`)
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		var out []sealedRow
		for rows.Next() {
			r := sealedRow{bare: true}
			if err := rows.Scan(&r.kind, &r.id, &r.revision, &r.box); err != nil {
				return nil, err
			}
			out = append(out, r)
		}
		return out, rows.Err()
	})
	return err
}

// note remembers whether the rows add up, and says so when that has changed.
// was is what was known before they were read: what another reader has found
// meanwhile is newer than rows that are good.
func (s *Store) note(sum error, was *Error) {
	if sum == nil {
		s.edited.CompareAndSwap(was, nil)
		return
	}
	f := s.fault(sum.Error(), "find out who writes to the database; look at \"cloister subscription list\", "+
		"put right what is wrong or restore a backup, then start once with --accept-older-state")
	f.Err = sum
	if s.edited.Swap(f) == nil {
		s.log.Error("the rows of the state were changed outside the gateway; nobody gets in by them until an operator accepts them", "error", f)
	}
}
