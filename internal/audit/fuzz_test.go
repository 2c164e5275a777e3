package audit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
	"time"
)

// FuzzJournal: whatever stands in a journal, reading it ends, and what is taken
// from it is signed.
func FuzzJournal(f *testing.F) {
	signer, _ := fixedKey()
	files, name := leftover(f, signer)
	data := files.now[name].data
	at := mustHead(f, files, signer)
	v := mustSettings(f, signer).verifier
	f.Add(data)
	f.Add(data[:len(data)-9])
	f.Add(append(bytes.Clone(data), make([]byte, 600)...))
	f.Add([]byte(batchMagic + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := loadTree(files, crashDir, at)
		if err != nil {
			t.Fatal(err)
		}
		n := tr.size
		r := replay{verifier: v, tree: tr, at: at, each: func(index uint64, _ []byte) {
			if index != n {
				t.Fatalf("record %d follows %d", index, n)
			}
			n++
		}}
		_ = r.run([]journalFile{{first: 0, attempt: 1, data: data}})
		if tr.size != r.at.size || tr.root() != r.at.root || n != tr.size {
			t.Fatalf("%d records were taken, and %d are signed", tr.size, r.at.size)
		}
		if h, err := openHead(r.at.raw, v); err != nil || h.size != tr.size || h.root != tr.root() {
			t.Fatalf("what was taken is not signed: %v", err)
		}
	})
}

// FuzzCheckpoint: what is read as a checkpoint is written as it was read, and
// only our own signature opens one.
func FuzzCheckpoint(f *testing.F) {
	signer, _ := fixedKey()
	set := mustSettings(f, signer)
	good, err := signHead(set.signer, 7, newTree().root())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.raw)
	f.Add([]byte("gateway.example.com/audit\n07\nAAAA\n\n— x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if h, err := openHead(raw, set.verifier); err == nil && (h.size != good.size || h.root != good.root) {
			t.Fatalf("opened without our signature: %q", raw)
		}
		h, err := unverifiedHead(raw)
		if err != nil {
			return
		}
		text, _, _ := bytes.Cut(raw, []byte("\n\n"))
		origin, _, _ := bytes.Cut(text, []byte("\n"))
		if again := formatHead(string(origin), h.size, h.root); again != string(text)+"\n" {
			t.Fatalf("read %q, written %q", text, again)
		}
	})
}

// FuzzBundle: what is taken apart can be put together again.
func FuzzBundle(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x00\x00"), 2)
	f.Add([]byte("\xff\xffabc"), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 0 || n > tileWidth {
			return
		}
		entries, err := splitBundle(data, n)
		var again []byte
		for _, e := range entries {
			again = append(append(again, byte(len(e)>>8), byte(len(e))), e...)
		}
		if !bytes.HasPrefix(data, again) || err == nil && (len(again) != len(data) || len(entries) != n) {
			t.Fatalf("%q becomes %q, %v", data, entries, err)
		}
		if part, err := cutBundle(data, n); err == nil && !bytes.Equal(part, again) {
			t.Fatalf("cut to %q, want %q", part, again)
		}
	})
}

// FuzzProof: what is read is written as it was read, and proves nothing that
// the log does not hold.
func FuzzProof(f *testing.F) {
	_, verifier := fixedKey()
	p := Proof{Index: 3, Checkpoint: []byte("x\n")}
	text, err := p.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(proofHeader + "\nindex 1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\na\n1\nb\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Proof
		if p.UnmarshalText(text) != nil {
			return
		}
		again, err := p.MarshalText()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("read %q, written %q, %v", text, again, err)
		}
		if p.Check(verifier, []byte("not in the log")) == nil {
			t.Fatalf("%q proves it", text)
		}
	})
}

// FuzzRecord: every record becomes one harmless line of JSON that says what was
// given, or that it was cut.
func FuzzRecord(f *testing.F) {
	f.Add("subscription:a", "detail", []byte(`{"a":1}`), "fe80::1%x", 200, int64(1_700_000_000))
	f.Add("zone", "", []byte(""), "::%\xff", 200, int64(0))
	f.Add("a\x1b[2J\u202e", "\xff\xfe", []byte("[1,\n2"), "", -1, int64(0))
	f.Fuzz(func(t *testing.T, actor, detail string, state []byte, addr string, status int, sec int64) {
		client, _ := netip.ParseAddr(addr)
		r := Record{
			Time: time.Unix(sec%200_000_000_000, 0), Kind: KindAdmin, Actor: actor, Detail: detail, Reasons: []string{actor, detail},
			Client: client, After: json.RawMessage(state), Status: status,
		}
		line := encodeRecord(plainEncoder(), &r)
		checkLine(t, line)
		back, err := Entry{Raw: line}.Record()
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if len(back.Truncated) > 0 {
			return
		}
		var want, got any
		if json.Valid(state) && json.Unmarshal(state, &want) == nil {
			if err := json.Unmarshal(back.After, &got); err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(want)
			b, _ := json.Marshal(got)
			if !bytes.Equal(a, b) {
				t.Fatalf("state %s became %s", a, b)
			}
		}
		if back.Actor != valid(actor) || back.Detail != valid(detail) || back.Status != status || back.Client.String() != valid(client.String()) || !back.Time.Equal(r.Time) {
			t.Fatalf("%+v became %s", r, line)
		}
	})
}

// valid is s as encoding/json takes it: each byte that is no UTF-8 replaced.
func valid(s string) string { return string([]rune(s)) }
