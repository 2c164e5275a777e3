package eventhubs

import (
	"errors"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

// ParseConnection reads a connection string: Endpoint, SharedAccessKeyName,
// SharedAccessKey and, for one of an event hub, EntityPath. Hub is the event
// hub's name, which counts where it is given. Errors hold nothing of the string.
func ParseConnection(s secret.Value, hub string) (*url.URL, Key, error) {
	var endpoint, entity string
	var key Key
	for part := range strings.SplitSeq(strings.TrimSpace(s.Reveal()), ";") {
		name, v, _ := strings.Cut(part, "=")
		switch v = strings.TrimSpace(v); strings.ToLower(strings.TrimSpace(name)) {
		case "endpoint":
			endpoint = v
		case "sharedaccesskeyname":
			key.Name = v
		case "sharedaccesskey":
			key.Value = secret.New(v)
		case "entitypath":
			entity = v
		}
	}
	if key.Name == "" || key.Value.Reveal() == "" {
		return nil, Key{}, errors.New("the connection string has no SharedAccessKeyName and SharedAccessKey")
	}
	if hub == "" {
		hub = entity
	}
	rest, ok := strings.CutPrefix(strings.ToLower(endpoint), "sb://")
	if !ok {
		return nil, Key{}, errors.New("the connection string has no Endpoint=sb://…")
	}
	u, err := HubURL(rest, hub)
	return u, key, err
}

// HubURL is where an event hub of a namespace is.
func HubURL(namespace, hub string) (*url.URL, error) {
	namespace = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(namespace)), "sb://"), "https://")
	u, err := url.Parse("https://" + strings.TrimSuffix(namespace, "/"))
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of the namespace is no host")
	case hub == "" || strings.ContainsAny(hub, "?#%\\") || strings.Contains(hub, "..") || strings.HasPrefix(hub, "/"):
		return nil, errors.New("there is no name of an event hub")
	}
	u.Path = "/" + hub
	return u, nil
}
