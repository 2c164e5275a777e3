package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	fetchTimeout  = 10 * time.Second
	maxMetadata   = 128 << 10
	maxKeySetSize = 512 << 10
)

// fetchKeys reads the issuer's key set, by way of its metadata unless the
// configuration names the set itself.
func (iss *issuer) fetchKeys(ctx context.Context) (*KeySet, []KeyProblem, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	from := iss.cfg.JWKSURI
	if from == "" {
		m, err := fetchMetadata(ctx, iss.client, metadataURL(iss.cfg))
		if err != nil {
			return nil, nil, err
		}
		if !sameIssuer(m.issuer, iss.cfg.Issuer) {
			return nil, nil, fmt.Errorf("the metadata is of issuer %.200q, not %q", m.issuer, iss.cfg.Issuer)
		}
		from = m.keys
	}
	return fetchKeySet(ctx, iss.client, from)
}

func fetchKeySet(ctx context.Context, client *http.Client, from string) (*KeySet, []KeyProblem, error) {
	body, err := get(ctx, client, from, maxKeySetSize)
	if err != nil {
		return nil, nil, fmt.Errorf("fetching the key set: %w", err)
	}
	return ParseKeySet(body)
}

// metadata is what counts of an issuer's metadata (OpenID Connect Discovery
// 1.0, section 3).
type metadata struct{ issuer, keys string }

func fetchMetadata(ctx context.Context, client *http.Client, from string) (metadata, error) {
	body, err := get(ctx, client, from, maxMetadata)
	if err != nil {
		return metadata{}, fmt.Errorf("fetching the metadata: %w", err)
	}
	doc, err := parseObject(body)
	if err != nil {
		return metadata{}, fmt.Errorf("reading the metadata: %w", err)
	}
	issuer, uri := doc.get("issuer"), doc.get("jwks_uri")
	if issuer == nil || issuer.kind != jsonText || issuer.text == "" || uri == nil || uri.kind != jsonText {
		return metadata{}, errors.New("the metadata has no issuer or no jwks_uri")
	}
	return metadata{issuer.text, uri.text}, nil
}

// get reads at most limit bytes over HTTPS. It follows nothing.
func get(ctx context.Context, client *http.Client, from string, limit int64) ([]byte, error) {
	if err := checkHTTPS(from); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", from, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", from, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s answered more than %d bytes", from, limit)
	}
	return body, nil
}

func checkHTTPS(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%.200q is not an https URL", s)
	}
	return nil
}
