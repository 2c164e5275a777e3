package admin

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/store"
)

func status(ctx context.Context, d *Door, _ *call) (any, error) {
	s, err := d.Status(ctx)
	if s.Listeners == nil {
		s.Listeners = []string{}
	}
	if s.Destinations == nil {
		s.Destinations = []Destination{}
	}
	return s, err
}

func health(ctx context.Context, d *Door, _ *call) (any, error) {
	if d.Health == nil {
		return nil, notRunning()
	}
	return d.Health(ctx), nil
}

func reload(ctx context.Context, d *Door, c *call) (any, error) {
	if d.Reload == nil {
		return nil, notRunning()
	}
	r, err := d.Reload(ctx)
	c.before, c.after = siteDigest{r.Before}, siteDigest{r.After}
	if err == nil && !r.Accepted {
		c.after = refusedSite{r.After, len(r.Problems)}
	}
	return r, err
}

// siteDigest is what records say of a site.
type siteDigest struct {
	Site string `json:"site"`
}

// refusedSite is what records say of a reload that changed nothing.
type refusedSite struct {
	Site     string `json:"site"`
	Problems int    `json:"refusedWithProblems"`
}

func notRunning() error {
	return &Error{Status: http.StatusConflict, Message: "no gateway runs", Err: ErrNobody}
}

func backup(_ context.Context, d *Door, _ *call) (any, error) {
	return stream(func(ctx context.Context, w io.Writer) error {
		err := d.Backup(ctx, w)
		if errors.Is(err, store.ErrBackupRuns) {
			return &Error{Status: http.StatusConflict, Message: "another backup is being taken", Mend: "wait until it has ended, or end it", Err: err}
		}
		return err
	}), nil
}

func rotateState(ctx context.Context, d *Door, c *call) (any, error) {
	r, err := d.RotateState(ctx)
	if err == nil {
		c.after = r
	}
	return r, err
}

// auditPageMost bounds one page of the audit log.
const auditPageMost = 1000

func readAudit(ctx context.Context, d *Door, c *call) (any, error) {
	q := c.request.URL.Query()
	from, err := number(q.Get("from"), -20)
	if err != nil {
		return nil, err
	}
	limit, err := number(q.Get("limit"), 100)
	if err != nil {
		return nil, err
	}
	s, err := d.Status(ctx)
	if err != nil {
		return nil, err
	}
	size := int64(s.Audit.Durable)
	if from < 0 {
		from = max(0, size+from)
	}
	to := min(size, from+min(max(limit, 1), auditPageMost))
	page := AuditPage{Size: uint64(size), Entries: []AuditEntry{}}
	if from >= to {
		return page, nil
	}
	return page.fill(audit.Entries(d.AuditDir, uint64(from), uint64(to)))
}

func (p AuditPage) fill(entries iter.Seq2[audit.Entry, error]) (AuditPage, error) {
	for e, err := range entries {
		if err != nil {
			return p, err
		}
		p.Entries = append(p.Entries, AuditEntry{Index: e.Index, Record: e.Raw})
	}
	return p, nil
}

func proveAudit(_ context.Context, d *Door, c *call) (any, error) {
	index, err := number(c.request.URL.Query().Get("index"), -1)
	if err != nil {
		return nil, err
	}
	if index < 0 {
		return nil, &Error{Status: http.StatusBadRequest, Message: "index is missing"}
	}
	return audit.Prove(d.AuditDir, d.AuditVerifier, uint64(index))
}

func digestOf(_ context.Context, d *Door, c *call) (any, error) {
	var in DigestOf
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch in.Kind {
	case "principal", "client", "subscription":
		return AuditDigest{Digest: d.Digest(in.Kind, in.Value)}, nil
	}
	return nil, &Error{Status: http.StatusBadRequest, Message: "kind is principal, client or subscription"}
}

func number(s string, or int64) (int64, error) {
	if s == "" {
		return or, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &Error{Status: http.StatusBadRequest, Message: strconv.Quote(s) + " is not a number", Err: errors.Unwrap(err)}
	}
	return n, nil
}
