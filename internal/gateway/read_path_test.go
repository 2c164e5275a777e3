package gateway

import (
	"slices"
	"strings"
	"testing"
)

// pathRows are paths as sent, and their one form; an empty want is a refusal.
var pathRows = []struct {
	path, want string
	segments   []string
}{
	// One meaning, one form.
	{"/", "/", nil},
	{"/a", "/a", []string{"a"}},
	{"/a/", "/a/", []string{"a", ""}},
	{"/a/b.c~d_e-f", "/a/b.c~d_e-f", []string{"a", "b.c~d_e-f"}},
	{"/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b", []string{"a!$&'()*+,=:@b"}},
	{"/%61", "/a", []string{"a"}},
	{"/a%2db", "/a-b", []string{"a-b"}},
	{"/%c3%a9", "/%C3%A9", []string{"é"}},
	{"/a%20b", "/a%20b", []string{"a b"}},
	{"/a%25", "/a%25", []string{"a%"}},
	{"/a%3fb%23c", "/a%3Fb%23c", []string{"a?b#c"}},
	{"/...", "/...", []string{"..."}},
	{"/.a/b.", "/.a/b.", []string{".a", "b."}},

	// A slash belongs to the name of a deployment, and to nothing else.
	{"/openai/deployments/a%2fb/chat", "/openai/deployments/a%2Fb/chat", []string{"openai", "deployments", "a/b", "chat"}},
	{"/x/OpenAI/Deployments/a%2Fb", "/x/OpenAI/Deployments/a%2Fb", []string{"x", "OpenAI", "Deployments", "a/b"}},
	{path: "/a%2fb"},
	{path: "/openai/deployments%2fa/chat"},
	{path: "/openai/deployments/a/chat%2fcompletions"},
	{path: "/deployments/a%2fb"},
	{path: "/openai/deployments/a%2f..%2fb/chat"},
	{path: "/openai/deployments/%2e%2e%2fb/chat"},
	{path: "/openai/deployments/..%2fb/chat"},
	{path: "/openai/deployments/a%2f%2fb/chat"},
	{path: "/openai/deployments/%2fb/chat"},
	{path: "/openai/deployments/a%2f/chat"},

	// Dot segments and empty segments, in any spelling.
	{path: "/."}, {path: "/.."}, {path: "/a/."}, {path: "/a/.."},
	{path: "/a/../b"}, {path: "/a/./b"}, {path: "/../a"},
	{path: "/%2e%2e"}, {path: "/%2E%2E/a"}, {path: "/a/%2e%2e/b"}, {path: "/a/.%2e/b"}, {path: "/a/%2e./b"}, {path: "/a/%2e"},
	{path: "//"}, {path: "//a"}, {path: "/a//b"}, {path: "/a//"}, {path: "///"},

	// Backslash, NUL and other control characters.
	{path: `/a\b`}, {path: `/a/..\b`}, {path: "/a%5cb"}, {path: "/a%5C..%5Cb"},
	{path: "/a%00"}, {path: "/a%00.txt"}, {path: "/%0d%0aX:y"}, {path: "/a%09b"}, {path: "/a%7f"}, {path: "/a%1f"},

	// Escapes: broken, of escapes, and not UTF-8.
	{path: "/a%"}, {path: "/a%2"}, {path: "/a%zz"}, {path: "/a%2g"}, {path: "/a%u002e"},
	{path: "/%252e%252e/a"}, {path: "/a%252fb"}, {path: "/a%2500"},
	{path: "/%c0%ae%c0%ae/a"}, {path: "/%e0%80%ae"}, {path: "/%ff"}, {path: "/%c3"}, {path: "/%ed%a0%80"},

	// Characters that must be escaped.
	{path: "/a b"}, {path: "/a\x00"}, {path: "/\xc3\xa9"}, {path: "/a\"b"}, {path: "/a<b>"}, {path: "/a^b"}, {path: "/a`b"}, {path: "/a{b}"}, {path: "/a|b"}, {path: "/a[b]"},
	{path: ""}, {path: "a"}, {path: "*"},

	// A revision, and no other parameter.
	{"/openai;rev=2/models", "/openai;rev=2/models", []string{"openai;rev=2", "models"}},
	{"/%6fpenai;rev=123456789", "/openai;rev=123456789", []string{"openai;rev=123456789"}},
	{"/;rev=2/models", "/;rev=2/models", []string{";rev=2", "models"}},
	{path: "/openai;rev=2/models;rev=3"},
	{path: "/openai;rev=2;rev=3"},
	{path: "/openai;rev=/models"},
	{path: "/openai;rev=1234567890"},
	{path: "/openai;rev=a"}, {path: "/openai;rev=-1"}, {path: "/openai;rev=1a"}, {path: "/openai;rev=%31"},
	{path: "/openai;REV=2"}, {path: "/openai%3brev=2"}, {path: "/openai;rev%3d2"}, {path: "/openai;rev=2.0"},
	{path: "/openai;rev=2x/a"}, {path: "/openai;x=1;rev=2"}, {path: "/openai;rev=2;"},
	{path: "/..;rev=2/a"}, {path: "/.;rev=2/a"}, {path: "/%2e%2e;rev=2/a"},
	{path: "/openai/deployments/gpt;rev=2/chat"},
	{path: "/a;x=1"}, {path: "/a;"}, {path: "/;"}, {path: "/..;/a"}, {path: "/a;jsessionid=1/b"}, {path: "/a%3bb"},
}

func TestCanonicalPath(t *testing.T) {
	for _, row := range pathRows {
		canonical, segments, e := canonicalPath(row.path)
		if row.want == "" {
			if e == nil {
				t.Errorf("%q is accepted as %q", row.path, canonical)
			} else if e.status != 400 || e.cause != RefusedTarget {
				t.Errorf("%q: %v", row.path, e)
			}
			continue
		}
		if e != nil || canonical != row.want || !slices.Equal(segments, row.segments) {
			t.Errorf("%q = %q %q %v, want %q %q", row.path, canonical, segments, e, row.want, row.segments)
			continue
		}
		again, _, e := canonicalPath(canonical)
		if e != nil || again != canonical {
			t.Errorf("%q: its own form %q reads as %q, %v", row.path, canonical, again, e)
		}
	}
}

// TestPathsOverBothProtocols sends the same rows through a front: neither
// protocol is a way around the other's reading.
func TestPathsOverBothProtocols(t *testing.T) {
	ft := startFront(t)
	h2 := ft.h2(t)
	for _, row := range pathRows {
		if row.path == "" || strings.ContainsAny(row.path, " \x00") {
			continue // no request line; what HTTP/2 makes of it is in its own test
		}
		want, seen := 400, []string(nil)
		if row.want != "" {
			want, seen = 200, []string{"GET " + row.want}
		}
		conn := ft.dial(t, ft.clientTLS())
		conn.Write([]byte("GET " + row.path + " HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"))
		statuses, _ := readAnswers(t, conn)
		conn.Close()
		if got := ft.takeSeen(); !slices.Equal(statuses, []int{want}) || !slices.Equal(got, seen) {
			t.Errorf("http/1.1 %q: %v %q, want %d %q", row.path, statuses, got, want, seen)
		}
		status := h2.get(t, ":path", row.path)
		if got := ft.takeSeen(); status != want && status != h2Reset || row.want != "" && status != want || !slices.Equal(got, seen) {
			t.Errorf("http/2 %q: %d %q, want %d %q", row.path, status, got, want, seen)
		}
	}
}

func TestQueries(t *testing.T) {
	for query, good := range map[string]bool{
		"": true, "a=b&c=d": true, "api-version=2024-10-21": true, "a=b%20c": true, "a=%26%3D%3B": true,
		"a=%0A%0d%09": true, "a=/../b//c\\d?e": true, "a": true, "&&": true, "a=%c3%a9": true,
		"a=b;c=d": false, "a=%00": false, "a=%": false, "a=%2": false, "a=%zz": false, "a b": false,
		"a=\xc3": false, "a=#": false, "a=%7f": false, "a=%1b": false,
	} {
		if e := checkQuery(query); (e == nil) != good {
			t.Errorf("%q: %v", query, e)
		}
	}
}
