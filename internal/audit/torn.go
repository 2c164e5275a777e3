package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// torn is a file of the journal that ends in a batch which was never completed.
type torn struct {
	file journalFile
	// index is the first record of that batch, bytes what is left of it.
	index uint64
	bytes int
}

func (t torn) String() string {
	return fmt.Sprintf("%s ends in %d bytes of a batch that was never completed, from record %d on", t.file.path(), t.bytes, t.index)
}

// dropped are those of whose batch nothing is left elsewhere. The others were
// written again, after the disk had failed.
func (r *replay) dropped() []torn {
	return slices.DeleteFunc(slices.Clone(r.torn), func(t torn) bool { return t.index < r.tree.size })
}

// isTorn tells a last batch that a loss of power interrupted from one that was
// changed afterwards. An interrupted one has lost its checkpoint, or another
// sector; and nothing follows it, because the writer goes on only when a batch
// is durable.
func (r *replay) isTorn(data []byte, offset int) bool {
	if isFollowed(data, offset) {
		return false
	}
	end := r.findCheckpoint(data[offset:])
	return end < 0 || offset+end == len(data) && hasHole(data, offset)
}

// isFollowed says that something was written behind the batch at offset: it is
// complete by its header and there is more, or another header follows. No
// record holds one: none has a byte below a space, and each ends with a brace.
func isFollowed(data []byte, offset int) bool {
	rest := data[offset:]
	if length, ok := plausible(rest); ok && length < len(rest) {
		// Of a header across two sectors, the second may be lost.
		end := (offset + batchHeader + sector - 1) / sector * sector
		if !hasHole(data[:min(end, len(data))], offset) {
			return true
		}
	}
	for at := 1; ; at++ {
		i := bytes.Index(rest[min(at, len(rest)):], []byte(batchMagic))
		if i < 0 {
			return false
		}
		at += i
		if _, ok := plausible(rest[at:]); ok {
			return true
		}
	}
}

// plausible reads a header that a writer can have written: text does not pass
// for one, nor does one of which a sector was lost.
func plausible(data []byte) (length int, ok bool) {
	records, count, checkpoint, err := readBatchHeader(data)
	const most = 1 << 29 // from here on the first byte of the length may be text
	return batchHeader + int(records+checkpoint), err == nil && count > 0 && checkpoint > 0 && records < most
}

// sector is the smallest piece that a disk writes.
const sector = 512

// hasHole finds a sector that was never written. In one that was, the text of
// records and checkpoints leaves some byte that is not zero.
func hasHole(data []byte, from int) bool {
	for from < len(data) {
		to := min(from/sector*sector+sector, len(data))
		if len(bytes.Trim(data[from:to], "\x00")) == 0 {
			return true
		}
		from = to
	}
	return false
}

// mostTorn is how many torn files are kept as evidence.
const mostTorn = 16

// tornPrefix begins the names of those files in the log's directory.
const tornPrefix = "journal.torn-"

// tornName is a name that no file in the directory has.
func tornName(index uint64, taken map[string]bool) string {
	name := tornPrefix + utoa(index)
	for i := 2; taken[name]; i++ {
		name = tornPrefix + utoa(index) + "." + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}

// tornFile is how a record names one.
type tornFile struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
	Bytes  int    `json:"bytes"`
	Kept   string `json:"kept"`
}

// keepTorn has a record of what was dropped, and then moves the torn files out
// of the journal: they may be evidence. A process that ends in between leaves
// them to the next one, which has no second record of them.
func (l *Log) keepTorn(ctx context.Context, found *recovered) error {
	if len(found.torn) == 0 {
		return nil
	}
	taken := map[string]bool{}
	names, err := l.set.FS.ReadDir(l.dir)
	if err != nil {
		return unreadable(l.dir, err)
	}
	for _, e := range names {
		taken[e.Name()] = true
	}
	kept := make([]tornFile, 0, len(found.torn))
	for _, t := range found.torn {
		kept = append(kept, tornFile{t.file.path(), t.index, t.bytes, tornName(t.index, taken)})
	}
	if err := l.noteTorn(ctx, found.dropped, kept); err != nil {
		return err
	}
	for _, k := range kept {
		if err := l.set.FS.Rename(join(l.dir, k.File), join(l.dir, k.Kept)); err != nil {
			l.set.Log.Warn("a torn file of the audit log could not be moved aside", "file", k.File, "to", k.Kept, "error", err)
		}
	}
	l.pruneTorn()
	return nil
}

// noteTorn has a record of the files of whose last batch nothing is left.
func (l *Log) noteTorn(ctx context.Context, dropped []torn, kept []tornFile) error {
	var told []tornFile
	said := make([]string, 0, len(dropped))
	for _, d := range dropped {
		i := slices.IndexFunc(kept, func(k tornFile) bool { return k.File == d.file.path() })
		told = append(told, kept[i])
		said = append(said, d.String())
		l.set.Log.Warn("the journal of the audit log ends in a batch that was never completed; it is moved aside",
			"file", kept[i].File, "record", d.index, "bytes", d.bytes, "to", kept[i].Kept)
	}
	if len(told) == 0 {
		return nil
	}
	state, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("naming a torn file of the audit log: %w", err)
	}
	_, err = l.note(ctx, &Record{
		Kind: KindLog, Action: "journal.torn", Actor: "nobody", Outcome: "done", Before: state, Detail: strings.Join(said, "; "),
	})
	return err
}

// pruneTorn keeps the newest. It is a best effort.
func (l *Log) pruneTorn() {
	names, err := l.set.FS.ReadDir(l.dir)
	if err != nil {
		return
	}
	var all []journalFile
	for _, e := range names {
		rest, ok := strings.CutPrefix(e.Name(), tornPrefix)
		if f, isName := parseJournalName(rest); ok && isName {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, compareFiles)
	for len(all) > mostTorn {
		l.writer.remove(tornPrefix + all[0].name())
		all = all[1:]
	}
}
