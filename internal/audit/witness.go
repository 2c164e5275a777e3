package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Witness keeps the newest checkpoint where whoever can change the log cannot
// change it.
type Witness interface {
	// Put replaces the checkpoint that is kept.
	Put(ctx context.Context, checkpoint []byte) error
	// Get returns it; fs.ErrNotExist: there is none yet.
	Get(ctx context.Context) ([]byte, error)
}

type fileWitness struct {
	path string
	// writing keeps two puts from using one temporary file.
	writing *sync.Mutex
}

// FileWitness keeps the checkpoint in a file, which should lie on another
// volume than the log. It is replaced in one step and flushed. What is no
// regular file, a link, or longer than 64 KiB, is not read and is an error.
func FileWitness(path string) Witness { return fileWitness{path, new(sync.Mutex)} }

func (w fileWitness) Put(_ context.Context, checkpoint []byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	if err := replaceFile(osFS{}, filepath.Dir(w.path), filepath.Base(w.path), checkpoint); err != nil {
		return fmt.Errorf("writing the witness: %w", err)
	}
	return nil
}

func (w fileWitness) Get(context.Context) ([]byte, error) {
	data, err := readRegular(w.path)
	if err != nil {
		return nil, fmt.Errorf("reading the witness: %w", err)
	}
	return data, nil
}

// maxWitnessFile bounds what is read of a file that others can write.
const maxWitnessFile = 64 << 10

func readRegular(path string) (_ []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|guardedFlags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; mend: remove it, or name another file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxWitnessFile+1))
	if err == nil && len(data) > maxWitnessFile {
		err = fmt.Errorf("%s is longer than %d KiB, which no checkpoint is", path, maxWitnessFile>>10)
	}
	return data, err
}

type httpWitness struct {
	client *http.Client
	url    string
	token  func() string
}

// HTTPWitness keeps the checkpoint at a URL: PUT writes it, GET reads it, 404
// says that there is none. The client decides how connections are made;
// redirects are not followed. token gives the bearer token of each request;
// nil, or an empty one: none is sent.
func HTTPWitness(client *http.Client, url string, token func() string) Witness {
	still := *client // the caller's goes on following redirects
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &httpWitness{client: &still, url: url, token: token}
}

func (w *httpWitness) Put(ctx context.Context, checkpoint []byte) error {
	_, err := w.do(ctx, http.MethodPut, string(checkpoint))
	return err
}

func (w *httpWitness) Get(ctx context.Context) ([]byte, error) {
	return w.do(ctx, http.MethodGet, "")
}

func (w *httpWitness) do(ctx context.Context, method, body string) (_ []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, w.url, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the witness: %w", err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if w.token != nil {
		if t := w.token(); t != "" {
			req.Header.Set("Authorization", "Bearer "+t)
		}
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the witness: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxCheckpoint+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of the witness: %w", err)
	case method == http.MethodGet && res.StatusCode == http.StatusNotFound:
		return nil, errNoCheckpoint
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, fmt.Errorf("the witness answered %d to %s", res.StatusCode, method)
	case method == http.MethodGet && len(data) > maxCheckpoint:
		return nil, errors.New("the witness answered with more than a checkpoint")
	}
	return data, nil
}

// putTimeout bounds one exchange with the witness.
const putTimeout = 10 * time.Second

// witnessLoop is the goroutine that hands checkpoints to the witness.
type witnessLoop struct {
	l    *Log
	work chan struct{}
	// compared says that what the witness held was seen, and is continued by
	// this log. Before that nothing is put, so that no evidence is overwritten.
	compared bool
	// anew says that this log comes after others: what the witness holds is of
	// one of them and is not compared, but named in a record.
	anew bool
	// named is the position of the record that names what the witness held. What
	// is put covers it.
	named Position
	// held says that the witness had a checkpoint, lost that it had none later.
	held, lost bool
	ctx        context.Context
	cancel     context.CancelFunc
}

func (w *witnessLoop) run() {
	l := w.l
	defer close(l.witnessed)
	var last time.Time
	for {
		select {
		case <-w.work:
		case <-l.wasPublished:
			w.put()
			return
		}
		if rest := l.set.WitnessEvery - time.Since(last); rest > 0 && !last.IsZero() {
			t := time.NewTimer(rest)
			select {
			case <-t.C:
			case <-l.wasPublished:
			}
			t.Stop()
		}
		last = time.Now()
		if !w.put() {
			signal(w.work)
		}
	}
}

// put hands over the published checkpoint; false: it has to be tried again.
func (w *witnessLoop) put() bool {
	l := w.l
	if l.set.Witness == nil {
		return true
	}
	l.mu.Lock()
	at, size, failed := l.published, l.witnessSize, l.witnessErr != nil
	l.mu.Unlock()
	if at.size == size && !failed && w.compared {
		return true
	}
	ctx, cancel := context.WithTimeout(w.ctx, putTimeout)
	defer cancel()
	err := w.compare(ctx, at)
	if err == nil && at.size < uint64(w.named) {
		return true // its publication comes back here
	}
	if err == nil {
		err = w.stillThere(ctx)
	}
	if err == nil {
		err = l.set.Witness.Put(ctx, at.raw)
		w.held = w.held || err == nil
	}
	l.mu.Lock()
	if err == nil {
		l.witnessAt, l.witnessSize = l.set.Now(), at.size
	}
	l.witnessErr = err
	l.mu.Unlock()
	if err != nil && !failed {
		l.set.Log.Warn("the witness of the audit log did not take a checkpoint", "error", err)
	}
	return err == nil
}

// errLost is what Status shows from then on, though the witness may have taken
// a checkpoint again: in between a roll-back would have gone unnoticed.
var errLost = errors.New("the witness has lost its checkpoint; mend: find out who removed it, verify the log, and start the gateway anew")

// stillThere looks whether the witness still has what it had. One that has lost
// it is given the next all the same.
func (w *witnessLoop) stillThere(ctx context.Context) error {
	if !w.held || w.lost {
		return nil
	}
	raw, err := heldByWitness(ctx, w.l.set.Witness)
	if err != nil || raw != nil {
		return err
	}
	w.lost = true
	w.l.mu.Lock()
	w.l.witnessLost = errLost
	w.l.mu.Unlock()
	w.l.set.Log.Error("the witness of the audit log has lost its checkpoint: a roll-back would not be noticed")
	return nil
}

// compare does what Open could not do while the witness was away.
func (w *witnessLoop) compare(ctx context.Context, at head) error {
	if w.compared {
		return nil
	}
	if w.anew {
		return w.replace(ctx)
	}
	theirs, err := askWitness(ctx, w.l.dir, &w.l.set)
	if err != nil {
		return err
	}
	w.held = theirs.raw != nil
	err = w.l.rollback(at, theirs, nil)
	var back *RollbackError
	if errors.As(err, &back) {
		w.l.fatal(back)
	}
	w.compared = err == nil
	return err
}

// replace has a record of what the witness of a log before holds, which could
// not be asked when this log began. Without that record nothing is put.
func (w *witnessLoop) replace(ctx context.Context) error {
	raw, err := heldByWitness(ctx, w.l.set.Witness)
	if err == nil && raw != nil {
		w.named, err = w.l.name(ctx, "witness.replaced", "the witness did not answer when this log began; this is what it held",
			[]predecessor{nameCheckpoint(raw, "witness")})
	}
	w.compared = err == nil
	return err
}
