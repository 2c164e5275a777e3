package eventhubs

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// request is the request that sends a batch.
func (s *Sender) request(ctx context.Context, batch []Event) (*http.Request, error) {
	u := *s.opt.Hub
	u.Path = strings.TrimSuffix(u.Path, "/")
	if id := batch[0].PartitionID; id != "" {
		u.Path += "/partitions/" + id
	}
	u.Path += "/messages"
	u.RawQuery = "api-version=" + apiVersion + "&timeout=" + strconv.Itoa(int(sendTimeout/time.Second))
	body, kind := batch[0].Body, "application/atom+xml;type=entry;charset=utf-8"
	if len(batch) > 1 {
		body, kind = batchBody(batch), "application/vnd.microsoft.servicebus.json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	authorization, err := s.authorization(ctx)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "cloister")
	if key := batch[0].PartitionKey; key != "" {
		properties, err := json.Marshal(map[string]string{"PartitionKey": key})
		if err != nil {
			return nil, err
		}
		req.Header.Set("BrokerProperties", asciiJSON(properties))
	}
	return req, nil
}

// batchBody is [{"Body":"…"},…].
func batchBody(batch []Event) []byte {
	type message struct{ Body string }
	list := make([]message, len(batch))
	for i, e := range batch {
		list[i].Body = string(e.Body)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	// Strings can be encoded.
	_ = enc.Encode(list)
	return out.Bytes()
}

// asciiJSON escapes what headers cannot hold.
func asciiJSON(b []byte) string {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			out.WriteString(`\u` + hex4(0xd800+r>>10) + `\u` + hex4(0xdc00+r&0x3ff))
		default:
			out.WriteString(`\u` + hex4(r))
		}
	}
	return out.String()
}

func hex4(r rune) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", 4-len(s)) + s
}

func (s *Sender) authorization(ctx context.Context) (string, error) {
	switch {
	case s.opt.Key.Name != "":
		return s.token.get(s.opt.Key, s.opt.Hub, s.opt.Now()), nil
	case s.opt.Token != nil:
		v, err := s.opt.Token(ctx)
		if err != nil {
			return "", err
		}
		return "Bearer " + v.Reveal(), nil
	}
	return "", errNoCredential
}

// Key is a shared access key.
type Key struct {
	Name  string
	Value secret.Value
}

const (
	// signatureLife is how long a signature holds, signatureUse how long it is
	// used.
	signatureLife = time.Hour
	signatureUse  = 30 * time.Minute
)

// signature keeps a shared access signature while it is good.
type signature struct {
	mu    sync.Mutex // guards the rest
	text  string
	until time.Time
}

func (s *signature) get(k Key, hub *url.URL, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == "" || !now.Before(s.until) {
		s.text, s.until = Sign(k, hub, now.Add(signatureLife)), now.Add(signatureUse)
	}
	return s.text
}

func (s *signature) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = ""
}

// Sign makes a shared access signature for what lies below a URL, until a time.
func Sign(k Key, u *url.URL, until time.Time) string {
	resource := url.QueryEscape(strings.ToLower(u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/")))
	expiry := strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(k.Value.Reveal()))
	mac.Write([]byte(resource + "\n" + expiry))
	return "SharedAccessSignature sr=" + resource + "&sig=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))) +
		"&se=" + expiry + "&skn=" + url.QueryEscape(k.Name)
}
