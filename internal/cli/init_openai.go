package cli

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// openAIResource is what the template of a new site needs to know of the Azure
// OpenAI resource.
type openAIResource struct {
	// URL ends in /openai; Host is its own, without brackets.
	URL, Host string
	Port      uint16
	// Given: --openai was there.
	Given bool
}

// parseOpenAI reads --openai: the resource's endpoint, or what SDKs call the
// base URL of either surface. Without it the template names a resource that
// does not exist, so that a new site is whole and reaches nothing.
func parseOpenAI(raw string) (openAIResource, error) {
	if raw == "" {
		return openAIResource{URL: "https://contoso.openai.azure.com/openai", Host: "contoso.openai.azure.com", Port: 443}, nil
	}
	u, err := url.Parse(raw)
	refuse := func(why string) (openAIResource, error) {
		return openAIResource{}, &usageError{fmt.Sprintf("--openai %q: %s", raw, why)}
	}
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return refuse("it is no URL such as https://NAME.openai.azure.com")
	case u.Scheme != "https":
		return refuse("models are reached over https only")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawPath != "":
		return refuse("give scheme, host and path alone")
	}
	r := openAIResource{Host: strings.ToLower(u.Hostname()), Port: 443, Given: true}
	if addr, err := netip.ParseAddr(r.Host); err == nil {
		if addr.Zone() != "" {
			return refuse("an address with a zone means something on one machine alone")
		}
		r.Host = addr.Unmap().String()
	}
	if p := u.Port(); p != "" {
		port, err := strconv.ParseUint(p, 10, 16)
		if err != nil || port == 0 {
			return refuse("the port is none of 1 to 65535")
		}
		r.Port = uint16(port)
	}
	path, ok := openAIPath(u.Path)
	if !ok {
		return refuse("give the resource alone: https://" + u.Host)
	}
	r.URL = "https://" + r.authority() + path
	return r, nil
}

// authority is host and port as a URL has them, the default port left out.
func (r openAIResource) authority() string {
	switch {
	case r.Port != 443:
		return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
	case strings.Contains(r.Host, ":"):
		return "[" + r.Host + "]"
	}
	return r.Host
}

// openAIPath is the path of the backend: what stands before either surface,
// and "/openai". A path that goes on behind that is more than a resource.
func openAIPath(path string) (string, bool) {
	path = strings.TrimRight(path, "/")
	if strings.HasSuffix(path, "/openai/v1") {
		path = strings.TrimSuffix(path, "/v1")
	}
	before := strings.TrimSuffix(path, "/openai")
	if strings.Contains(before+"/", "/openai/") || strings.Contains(before+"/", "//") || strings.HasSuffix(before, "/v1") {
		return "", false
	}
	return before + "/openai", true
}
