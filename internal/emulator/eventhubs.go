package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// EventHubs stands in for a namespace of Azure Event Hubs: Send event, Send
// batch events and Send partition event of its REST protocol. It keeps what it
// takes.
type EventHubs struct {
	// Hubs are the event hubs of the namespace.
	Hubs []string
	// Partitions is how many each has; 0: 4.
	Partitions int
	// Keys are shared access keys by their names.
	Keys map[string]string
	// Bearer judges tokens of Entra ID; nil: none is taken.
	Bearer func(token string) bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Fail gives the status of a request that is to fail; 0: it does not. Nil:
	// none does.
	Fail func() int

	mu     sync.Mutex // guards events
	events []HubEvent
}

// HubEvent is an event that arrived.
type HubEvent struct {
	Hub, Partition, PartitionKey string
	Body                         string
	// Batch: it came with others.
	Batch bool
}

// maxHubRequest is what one request may hold.
const maxHubRequest = 1 << 20

// Events are those that arrived, in their order.
func (e *EventHubs) Events() []HubEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}

// ServeHTTP answers the service's REST interface.
func (e *EventHubs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hub, partition, ok := e.target(r.URL.Path)
	switch {
	case !ok || r.Method != http.MethodPost:
		hubError(w, http.StatusNotFound, "The requested resource could not be found.")
		return
	case !e.authorized(r, hub):
		hubError(w, http.StatusUnauthorized, "Invalid authorization token signature.")
		return
	}
	if e.Fail != nil {
		if status := e.Fail(); status != 0 {
			hubError(w, status, "The server was unable to process the request.")
			return
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHubRequest+1))
	if err != nil || len(body) > maxHubRequest {
		hubError(w, http.StatusRequestEntityTooLarge, "The received message is larger than the limit.")
		return
	}
	events, ok := hubEvents(r, body)
	if !ok {
		hubError(w, http.StatusBadRequest, "The request is not valid.")
		return
	}
	e.mu.Lock()
	for _, event := range events {
		event.Hub, event.Partition = hub, partition
		e.events = append(e.events, event)
	}
	e.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

// target reads /HUB/messages and /HUB/partitions/N/messages.
func (e *EventHubs) target(path string) (hub, partition string, ok bool) {
	rest, ok := strings.CutSuffix(strings.TrimPrefix(path, "/"), "/messages")
	if !ok {
		return "", "", false
	}
	hub, partition, has := strings.Cut(rest, "/partitions/")
	if has {
		most := e.Partitions
		if most == 0 {
			most = 4
		}
		if n, err := strconv.Atoi(partition); err != nil || n < 0 || n >= most {
			return "", "", false
		}
	}
	return hub, partition, slices.Contains(e.Hubs, hub)
}

func (e *EventHubs) authorized(r *http.Request, hub string) bool {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme {
	case "Bearer":
		return e.Bearer != nil && e.Bearer(rest)
	case "SharedAccessSignature":
		return e.signed(rest, r.Host, hub)
	}
	return false
}

// signed checks sr, sig, se and skn: the resource lies above the hub, the time
// is not over, and the signature is that of the key.
func (e *EventHubs) signed(text, host, hub string) bool {
	var raw string // sr as it was signed
	for pair := range strings.SplitSeq(text, "&") {
		if v, ok := strings.CutPrefix(pair, "sr="); ok {
			raw = v
		}
	}
	fields, err := url.ParseQuery(text)
	if err != nil {
		return false
	}
	key, ok := e.Keys[fields.Get("skn")]
	expiry, err := strconv.ParseInt(fields.Get("se"), 10, 64)
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	if !ok || err != nil || now().Unix() >= expiry {
		return false
	}
	resource := strings.TrimPrefix(strings.TrimPrefix(fields.Get("sr"), "https://"), "sb://")
	below := strings.ToLower(host + "/" + hub)
	if resource != below && !strings.HasPrefix(below, strings.TrimSuffix(resource, "/")+"/") {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(raw + "\n" + fields.Get("se")))
	return hmac.Equal([]byte(fields.Get("sig")), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
}

func hubEvents(r *http.Request, body []byte) ([]HubEvent, bool) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind != "application/vnd.microsoft.servicebus.json" {
		event := HubEvent{Body: string(body)}
		if text := r.Header.Get("BrokerProperties"); text != "" {
			var properties struct{ PartitionKey string }
			if json.Unmarshal([]byte(text), &properties) != nil {
				return nil, false
			}
			event.PartitionKey = properties.PartitionKey
		}
		return []HubEvent{event}, kind == "application/atom+xml"
	}
	var list []struct{ Body *string }
	if json.Unmarshal(body, &list) != nil {
		return nil, false
	}
	var out []HubEvent
	for _, m := range list {
		if m.Body == nil {
			return nil, false
		}
		out = append(out, HubEvent{Body: *m.Body, Batch: true})
	}
	return out, true
}

func hubError(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, "<Error><Code>"+strconv.Itoa(status)+"</Code><Detail>"+detail+"</Detail></Error>")
}
