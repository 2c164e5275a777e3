package policy

import (
	"maps"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/site"
)

// TestContextShape: what is known of context when a template is loaded is what
// it has when it is filled.
func TestContextShape(t *testing.T) {
	x := newExchange(nil)
	x.API = &site.API{ServiceURL: "https://service.example"}
	x.Operation, x.Product, x.Subscription = &site.Operation{}, &site.Product{}, &Subscription{}
	x.User, x.Deployment, x.LastError = &request.User{}, &request.Deployment{}, &Error{}
	x.OriginalURL = &url.URL{Scheme: "https", Host: "gw", Path: "/"}
	x.answer(&Response{StatusCode: 200})
	var check func(path string, has lazyHash, known shape)
	check = func(path string, has lazyHash, known shape) {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(has))); diff != "" {
			t.Errorf("%s (-known +has)\n%s", path, diff)
		}
		for name, get := range has {
			if inner, ok := get().O.(lazyHash); ok {
				check(path+"."+name, inner, known[name])
			}
		}
	}
	check("context", x.liquidContext(x.expressions()), contextShape())
}
