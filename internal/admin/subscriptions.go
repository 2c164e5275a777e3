package admin

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/store"
)

// Subscriptions is the store, as the door uses it.
type Subscriptions interface {
	CreateSubscription(context.Context, store.Subscription) (store.Subscription, error)
	UpdateSubscription(ctx context.Context, id string, change func(*store.Subscription) error) (before, after store.Subscription, err error)
	DeleteSubscription(ctx context.Context, id string) (before store.Subscription, err error)
	GetSubscription(ctx context.Context, id string) (store.Subscription, error)
	ListSubscriptions(context.Context) ([]store.Subscription, error)
}

// Declared is a subscription that the site declares. What the site says of it,
// the door cannot change; keys it may add where the site has none.
type Declared struct {
	Name, DisplayName, Scope, State string
	// Keys says that the site refers to keys of its own.
	PrimaryKey, SecondaryKey bool
}

func (d *Door) declared(name string) *Declared {
	if d.Declared == nil {
		return nil
	}
	for _, s := range d.Actions.Declared() {
		if strings.EqualFold(s.Name, name) {
			return &s
		}
	}
	return nil
}

func listSubscriptions(ctx context.Context, d *Door, _ *call) (any, error) {
	stored, err := d.Subscriptions.ListSubscriptions(ctx)
	if err != nil {
		return nil, err
	}
	list := []Subscription{}
	seen := map[string]bool{}
	for _, s := range stored {
		seen[strings.ToLower(s.ID)] = true
		list = append(list, d.shown(s))
	}
	if d.Declared != nil {
		for _, s := range d.Actions.Declared() {
			if !seen[strings.ToLower(s.Name)] {
				list = append(list, s.shown())
			}
		}
	}
	slices.SortFunc(list, func(a, b Subscription) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, nil
}

// shown is a stored subscription without its digests; what the site declares
// of it counts.
func (d *Door) shown(s store.Subscription) Subscription {
	out := Subscription{
		Name: s.ID, DisplayName: s.Name, Scope: s.Scope, State: s.State, Source: "state",
		PrimaryKey: len(s.PrimaryDigest) > 0, SecondaryKey: len(s.SecondaryDigest) > 0,
		Created: s.CreatedAt, Updated: s.UpdatedAt,
	}
	if site := d.declared(s.ID); site != nil {
		out.Source, out.Scope = "site and state", site.Scope
		if site.State != activeState {
			out.State = site.State
		}
	}
	return out
}

func (s Declared) shown() Subscription {
	return Subscription{
		Name: s.Name, DisplayName: s.DisplayName, Scope: s.Scope, State: s.State, Source: "site",
		PrimaryKey: s.PrimaryKey, SecondaryKey: s.SecondaryKey,
	}
}

const activeState = "active"

func showSubscription(ctx context.Context, d *Door, c *call) (any, error) {
	s, err := d.Subscriptions.GetSubscription(ctx, c.target)
	if errors.Is(err, store.ErrNotFound) {
		if site := d.declared(c.target); site != nil {
			return site.shown(), nil
		}
	}
	if err != nil {
		return nil, d.explain(err, c.target)
	}
	return d.shown(s), nil
}

// nameShape is what Azure takes for a subscription's name.
func nameShape() *regexp.Regexp {
	return regexp.MustCompile(`^[^*#&+:<>?/\s][^*#&+:<>?/]{0,254}[^*#&+:<>?/\s]?$`)
}

func prepareCreate(c *call) error {
	in := new(CreateSubscription)
	err := c.decode(in)
	c.in, c.target = in, in.Name
	return err
}

func createSubscription(ctx context.Context, d *Door, c *call) (any, error) {
	in, ok := c.in.(*CreateSubscription)
	if !ok {
		return nil, errors.New("the request was not read")
	}
	if !nameShape().MatchString(in.Name) || strings.ContainsFunc(in.Name, func(r rune) bool { return r < ' ' }) {
		return nil, &Error{Status: http.StatusBadRequest, Message: fmt.Sprintf("%q is not a name", in.Name),
			Mend: "1 to 256 characters without * # & + : < > ? / and spaces around them"}
	}
	declared := d.declared(in.Name)
	if declared != nil && (declared.PrimaryKey || declared.SecondaryKey) {
		return nil, &Error{Status: http.StatusConflict, Message: fmt.Sprintf("the site declares the subscription %q with keys of its own", declared.Name),
			Mend: "take its keys out of cloister.yaml and reload, or choose another name"}
	}
	if declared != nil {
		if in.Scope != "" && !strings.EqualFold(in.Scope, declared.Scope) {
			return nil, &Error{Status: http.StatusConflict, Message: fmt.Sprintf("the site declares the subscription %q with scope %s", declared.Name, declared.Scope),
				Mend: "leave the scope out"}
		}
		in.Scope = declared.Scope
	}
	in.Scope = firstOf(in.Scope, "/apis")
	if d.Scope != nil {
		if err := d.Scope(in.Scope); err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Message: err.Error(), Err: err}
		}
	}
	keys := Keys{Name: in.Name}
	sub := store.Subscription{ID: in.Name, Name: firstOf(in.DisplayName, in.Name), Scope: in.Scope, State: activeState}
	var err error
	if keys.PrimaryKey, sub.PrimaryDigest, err = d.newKey(); err != nil {
		return nil, err
	}
	if keys.SecondaryKey, sub.SecondaryDigest, err = d.newKey(); err != nil {
		return nil, err
	}
	created, err := d.Subscriptions.CreateSubscription(ctx, sub)
	if err != nil {
		return nil, d.explain(err, in.Name)
	}
	c.after = recorded(d.shown(created))
	return keys, nil
}

// newKey is a key as API Management makes them, 128 random bits in hex, and
// its digest.
func (d *Door) newKey() (string, []byte, error) {
	var b [16]byte
	if _, err := io.ReadFull(d.rand, b[:]); err != nil {
		return "", nil, fmt.Errorf("no randomness for a key: %w", err)
	}
	key := hex.EncodeToString(b[:])
	return key, d.KeyDigest(key), nil
}

func rotateKey(ctx context.Context, d *Door, c *call) (any, error) {
	var in RotateKey
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"primary", "secondary", "both"}, in.Key) {
		return nil, &Error{Status: http.StatusBadRequest, Message: fmt.Sprintf("there is no key %q", in.Key), Mend: "primary, secondary or both"}
	}
	keys := Keys{}
	_, err := d.change(ctx, c, func(s *store.Subscription) (err error) {
		keys.Name = s.ID
		if in.Key != "secondary" {
			if keys.PrimaryKey, s.PrimaryDigest, err = d.newKey(); err != nil {
				return err
			}
		}
		if in.Key != "primary" {
			keys.SecondaryKey, s.SecondaryDigest, err = d.newKey()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.after = struct {
		Rotated string `json:"rotated"`
	}{in.Key}
	return keys, nil
}

func suspendSubscription(ctx context.Context, d *Door, c *call) (any, error) {
	return d.change(ctx, c, func(s *store.Subscription) error { s.State = "suspended"; return nil })
}

func activateSubscription(ctx context.Context, d *Door, c *call) (any, error) {
	return d.change(ctx, c, func(s *store.Subscription) error { s.State = activeState; return nil })
}

// change changes one stored subscription and notes what it was and is.
func (d *Door) change(ctx context.Context, c *call, change func(*store.Subscription) error) (any, error) {
	before, after, err := d.Subscriptions.UpdateSubscription(ctx, c.target, change)
	if err != nil {
		return nil, d.explain(err, c.target)
	}
	c.target = after.ID
	c.before, c.after = recorded(d.shown(before)), recorded(d.shown(after))
	return d.shown(after), nil
}

func deleteSubscription(ctx context.Context, d *Door, c *call) (any, error) {
	before, err := d.Subscriptions.DeleteSubscription(ctx, c.target)
	if err != nil {
		return nil, d.explain(err, c.target)
	}
	c.target, c.before = before.ID, recorded(d.shown(before))
	return d.shown(before), nil
}

// explain turns the store's errors into answers.
func (d *Door) explain(err error, name string) error {
	var exists *store.ExistsError
	var invalid *store.InvalidError
	switch {
	case errors.Is(err, store.ErrNotFound) && d.declared(name) != nil:
		return &Error{Status: http.StatusConflict, Message: fmt.Sprintf("the subscription %q is the site's, and no key of it was made here", name),
			Mend: "change it in the site's documents and reload", Err: err}
	case errors.Is(err, store.ErrNotFound):
		return &Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no subscription %q", name), Mend: "see: cloister subscription list", Err: err}
	case errors.As(err, &exists):
		return &Error{Status: http.StatusConflict, Message: fmt.Sprintf("there is a subscription %q already", name),
			Mend: "rotate its keys, delete it first, or choose another name", Err: err}
	case errors.As(err, &invalid):
		return &Error{Status: http.StatusBadRequest, Message: err.Error(), Err: err}
	}
	return &Error{Status: http.StatusServiceUnavailable, Message: err.Error(), Err: err}
}

// recordedSubscription is what records say of a subscription beside its name,
// which they may have to hide.
type recordedSubscription struct {
	Scope        string `json:"scope"`
	State        string `json:"state"`
	PrimaryKey   bool   `json:"primaryKey"`
	SecondaryKey bool   `json:"secondaryKey"`
}

func recorded(s Subscription) recordedSubscription {
	return recordedSubscription{s.Scope, s.State, s.PrimaryKey, s.SecondaryKey}
}
