package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// actions are what can be done with the state, whether a gateway runs or not.
func (st *state) actions(current func() *site.Site) admin.Actions {
	return admin.Actions{
		Status: func(ctx context.Context) (admin.Status, error) {
			s := current()
			out := admin.Status{Site: s.Config.Name, Digest: s.Digest, NotReady: "no gateway runs"}
			return out, st.status(ctx, &out)
		},
		Backup: func(ctx context.Context, w io.Writer) error {
			if st.audit == nil {
				return st.rolledBack
			}
			s := current()
			return st.store.Backup(ctx, w, store.BackupMeta{
				Version: st.version,
				Site:    s.Config.Name, SiteDigest: s.Digest, AuditCheckpoint: st.audit.Status().Checkpoint,
			})
		},
		RotateState:   st.rotate,
		AuditDir:      filepath.Join(st.dir, auditDir),
		AuditVerifier: st.verifier,
		Digest:        st.digest,
		Subscriptions: st.store,
		Declared:      func() []admin.Declared { return declaredBy(current()) },
		Scope:         func(scope string) error { return scopeExists(current(), scope) },
		KeyDigest: func(key string) []byte {
			d := verify.Digest(st.store.DigestKey(), key)
			return d[:]
		},
		SiteDigest: func() string { return current().Digest },
		Connections: func(ctx context.Context) ([]admin.Connection, error) {
			return st.connections(ctx, current())
		},
		Decide: func(ctx context.Context, d admin.Decision) (before, after admin.Connection, err error) {
			return st.decide(ctx, current(), d)
		},
	}
}

// digest is the keyed digest that stands in the log for an identifier. Names of
// subscriptions have no case.
func (st *state) digest(kind, value string) string {
	if kind == audit.HideSubscription {
		value = strings.ToLower(value)
	}
	return st.store.DigestOf(kind, value)
}

// rotate makes a new data key and wraps the keyring by the newest version of
// the key-encryption key. The audit log's key goes over to the new data key, so
// that the old one can be forgotten.
func (st *state) rotate(ctx context.Context) (admin.KeysRotated, error) {
	if err := st.store.RotateDataKey(ctx); err != nil {
		return admin.KeysRotated{}, err
	}
	if err := st.resealAuditKey(); err != nil {
		return admin.KeysRotated{}, fmt.Errorf("the data key is new, and the audit log's key is still under the one before: %w", err)
	}
	if err := st.ca.reseal(ctx); err != nil {
		return admin.KeysRotated{}, fmt.Errorf("the data key is new, and the key of the site's own CA is sealed as before: %w", err)
	}
	// Other gateways on a shared database may have sealed theirs by the old one.
	if st.site.Config.State.Postgres == nil {
		if err := st.store.ForgetRetiredKeys(ctx); err != nil {
			return admin.KeysRotated{}, err
		}
	}
	s, err := st.store.Status(ctx)
	return admin.KeysRotated{DataKey: s.DataKey, KeyEncryptionKey: s.KEK}, err
}

func (st *state) resealAuditKey() error {
	key, err := st.auditKey(false)
	if err != nil {
		return err
	}
	sealed, err := st.store.Seal(auditKeyPurpose, []byte(key.Reveal()))
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(st.dir, auditKeyFile), sealed)
}

// declaredBy are the subscriptions of a site's documents.
func declaredBy(s *site.Site) []admin.Declared {
	var out []admin.Declared
	index := map[string]int{}
	for _, d := range s.Service.Subscriptions {
		index[strings.ToLower(d.ID)] = len(out)
		out = append(out, admin.Declared{Name: d.ID, DisplayName: d.Name, Scope: d.Scope, State: d.State})
	}
	for i := range s.Config.Subscriptions {
		c := &s.Config.Subscriptions[i]
		n, ok := index[strings.ToLower(c.Name)]
		if !ok {
			n = len(out)
			out = append(out, admin.Declared{Name: c.Name, DisplayName: c.Name})
		}
		d := &out[n]
		d.Scope, d.State = c.Scope, c.State // completed by the site's check
		d.PrimaryKey, d.SecondaryKey = c.PrimaryKey != nil, c.SecondaryKey != nil
	}
	return out
}

// scopeExists reports a scope that covers nothing of the site.
func scopeExists(s *site.Site, scope string) error {
	kind, id, _ := strings.Cut(strings.TrimPrefix(scope, "/"), "/")
	var known []string
	switch {
	case scope == "/apis":
		return nil
	case kind == "apis" && id != "":
		for _, a := range s.Service.APIs {
			known = append(known, "/apis/"+a.ID)
		}
	case kind == "products" && id != "":
		for _, p := range s.Service.Products {
			known = append(known, "/products/"+p.ID)
		}
	default:
		return fmt.Errorf("%q is not a scope; mend: /apis, /apis/ID or /products/ID", scope)
	}
	for _, k := range known {
		if strings.EqualFold(k, scope) {
			return nil
		}
	}
	if near := site.Nearest(scope, known); near != "" {
		return fmt.Errorf("the site has nothing of scope %q; mend: %s", scope, near)
	}
	if len(known) == 0 {
		return fmt.Errorf("the site has no %s; mend: /apis for every API", kind)
	}
	return fmt.Errorf("the site has nothing of scope %q; mend: one of %s", scope, strings.Join(known, ", "))
}

// followedStore is the store for the running gateway's door: what it has
// answered is in force here.
type followedStore struct {
	*store.Store
	catchUp func(context.Context) error
}

// CreateSubscription makes one that can be used at once.
func (s followedStore) CreateSubscription(ctx context.Context, sub store.Subscription) (store.Subscription, error) {
	created, err := s.Store.CreateSubscription(ctx, sub)
	return created, s.follow(ctx, err)
}

// UpdateSubscription changes one; what it was opens nothing here any more.
func (s followedStore) UpdateSubscription(ctx context.Context, id string, change func(*store.Subscription) error) (before, after store.Subscription, err error) {
	before, after, err = s.Store.UpdateSubscription(ctx, id, change)
	return before, after, s.follow(ctx, err)
}

// DeleteSubscription deletes one; it opens nothing here any more.
func (s followedStore) DeleteSubscription(ctx context.Context, id string) (store.Subscription, error) {
	before, err := s.Store.DeleteSubscription(ctx, id)
	return before, s.follow(ctx, err)
}

// follow: a change whose outcome is not known is looked for as well.
func (s followedStore) follow(ctx context.Context, err error) error {
	var uncertain *store.UncertainError
	if err != nil && !errors.As(err, &uncertain) {
		return err
	}
	if e := s.catchUp(ctx); e != nil && err == nil {
		return fmt.Errorf("it is done and on disk, and not yet in force here: %w", e)
	}
	return err
}
