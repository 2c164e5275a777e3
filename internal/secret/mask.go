package secret

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/url"
	"strings"
)

// minMasked is the shortest secret that a [Masker] looks for, in bytes: other texts
// are full of shorter ones.
const minMasked = 8

// masked stands where a secret was.
const masked = "***"

// Masker finds secrets in texts: as they stand, percent-encoded, escaped for JSON, in
// base64 and base64url wherever in the encoded text they begin, and in hexadecimal
// digits, whatever the case of their letters. It does not find parts of secrets, what
// was encrypted, hashed, reversed or encoded twice, and secrets of less than 8 bytes.
//
// The zero value knows none. Adding is for one goroutine at a time; once [Masker.Build]
// has run, and until more is added, many may mask with it.
type Masker struct {
	known map[string]struct{}
	fresh []string
	// by holds the lower-case forms of secrets by their first 8 bytes; may says by a
	// hash of those whether there is any.
	by      map[uint64][]string
	may     [64]uint64
	longest int
}

// NewMasker makes one that is built.
func NewMasker(secrets ...string) *Masker {
	m := &Masker{}
	for _, s := range secrets {
		m.Add(s)
	}
	m.Build()
	return m
}

// Add has it look for a secret too.
func (m *Masker) Add(s string) {
	if len(s) < minMasked {
		return
	}
	if _, ok := m.known[s]; ok {
		return
	}
	if m.known == nil {
		m.known = map[string]struct{}{}
	}
	s = strings.Clone(s) // it holds no body in memory
	m.known[s] = struct{}{}
	m.fresh = append(m.fresh, s)
}

// AddHeader has it look for the credential in the value of a header: what stands
// behind a scheme, and, of the scheme Basic, what it encodes and its two parts.
func (m *Masker) AddHeader(value string) {
	scheme, credential, ok := strings.Cut(value, " ")
	if !ok {
		m.Add(value)
		return
	}
	credential = strings.TrimSpace(credential)
	m.Add(credential)
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	pair, err := base64.StdEncoding.DecodeString(credential)
	if err != nil {
		return
	}
	m.Add(string(pair))
	user, password, _ := strings.Cut(string(pair), ":")
	m.Add(user)
	m.Add(password)
}

// Bounds of the cookies of one line that are looked for.
const (
	mostCookies    = 50
	longestCookies = 16 << 10
)

// AddCookies has it look for a line of Cookie, or of Set-Cookie, and for the values
// in it: the first fifty, of the first 16 KiB.
func (m *Masker) AddCookies(line string, set bool) {
	line = line[:min(len(line), longestCookies)]
	if set {
		line, _, _ = strings.Cut(line, ";")
	}
	m.Add(strings.TrimSpace(line))
	n := 0
	for pair := range strings.SplitSeq(line, ";") {
		if n++; n > mostCookies {
			return
		}
		_, value, _ := strings.Cut(pair, "=")
		m.Add(strings.Trim(strings.TrimSpace(value), `"`))
	}
}

// AddURL has it look for the credentials in the query of a URL: of parameters whose
// name says so, and of "code", the key of a function.
func (m *Masker) AddURL(text string) {
	_, query, ok := strings.Cut(text, "?")
	if !ok {
		return
	}
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		if n++; n > mostCookies {
			return
		}
		name, value, _ := strings.Cut(pair, "=")
		if name != "code" && !CredentialName(name) {
			continue
		}
		m.Add(value)
		if plain, err := url.QueryUnescape(value); err == nil {
			m.Add(plain)
		}
	}
}

// Build makes it ready for more than one goroutine.
func (m *Masker) Build() { m.build(math.MaxInt) }

// build takes in those that a text of n bytes may hold: no form is shorter than its
// secret, and most texts are shorter than a token.
func (m *Masker) build(n int) {
	if len(m.fresh) == 0 {
		return
	}
	later := m.fresh[:0]
	for _, s := range m.fresh {
		if len(s) > n {
			later = append(later, s)
			continue
		}
		for _, form := range forms(s) {
			m.addForm(asciiLower(form))
		}
	}
	m.fresh = later
}

func (m *Masker) addForm(s string) {
	if len(s) < minMasked {
		return
	}
	if m.by == nil {
		m.by = map[uint64][]string{}
	}
	first := binary.BigEndian.Uint64([]byte(s[:8]))
	for _, was := range m.by[first] {
		if was == s {
			return
		}
	}
	m.by[first] = append(m.by[first], s)
	h := hash(first)
	m.may[h>>6] |= 1 << (h & 63)
	m.longest = max(m.longest, len(s))
}

// hash is 12 bits.
func hash(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> 52 }

// forms are a secret and what is made of it.
func forms(s string) []string {
	out := []string{s, url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s))}
	if quoted, err := json.Marshal(s); err == nil {
		out = append(out, string(quoted[1:len(quoted)-1]))
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, e.EncodeToString([]byte(s)))
		// Within a longer text it begins at one of three places of a group; what
		// mixes it with its neighbours is left out.
		for before, mixed := range [...]int{0, 2, 3} {
			n := before + len(s)
			text := e.EncodeToString(append(make([]byte, before, n), s...))
			out = append(out, text[mixed:n*8/6])
		}
	}
	return out
}

// Mask puts three asterisks in the place of every secret that one of the maskers
// knows. Secrets that overlap are masked together. The work is bounded: of a text that
// was made to look like the beginnings of many secrets the rest is masked as a whole.
func Mask(text string, maskers ...*Masker) string { return mask(text, false, maskers) }

// MaskStart is Mask for the beginning of a longer text: the beginning of a secret at
// its end is masked too.
func MaskStart(text string, maskers ...*Masker) string { return mask(text, true, maskers) }

func mask(text string, cut bool, maskers []*Masker) string {
	n := len(text)
	if cut {
		n = math.MaxInt
	}
	if n < minMasked {
		return text
	}
	for _, m := range maskers {
		m.build(n)
	}
	var b strings.Builder
	lower := asciiLower(text)
	copied := 0           // what of the text is in b
	from, until := -1, -1 // the secret under way
	flush := func() {
		if from >= 0 {
			b.WriteString(text[copied:from])
			b.WriteString(masked)
			copied, from = until, -1
		}
	}
	budget := compares*len(text) + 64<<10
	var w uint64
	for i := range min(7, len(lower)) {
		w = w<<8 | uint64(lower[i])
	}
	for i := 0; i < len(lower); i++ {
		if i+8 <= len(lower) {
			w = w<<8 | uint64(lower[i+7])
		}
		end := 0
		for _, m := range maskers {
			end = max(end, m.match(lower, i, w, cut, &budget))
		}
		if budget < 0 {
			end = len(lower)
		}
		if end == 0 {
			if i+8 > len(lower) && !cut {
				break
			}
			continue
		}
		if i >= until {
			flush()
			from, until = i, i
		}
		if until = max(until, end); budget < 0 {
			break
		}
	}
	flush()
	if copied == 0 {
		return text
	}
	b.WriteString(text[copied:])
	return b.String()
}

// compares is how many bytes of secrets are compared for one byte of text.
const compares = 32

// minStart is the shortest beginning of a secret that MaskStart masks: to know three
// bytes is to know nothing.
const minStart = 4

// match is where the longest secret that begins at i ends; 0: there is none.
func (m *Masker) match(lower string, i int, w uint64, cut bool, budget *int) (end int) {
	left := len(lower) - i
	if left >= 8 {
		if h := hash(w); m.may[h>>6]&(1<<(h&63)) == 0 {
			return 0
		}
		for _, s := range m.by[w] {
			if *budget -= min(len(s), left); *budget < 0 {
				return end
			}
			if len(s) <= left {
				if strings.HasPrefix(lower[i:], s) {
					end = max(end, i+len(s))
				}
			} else if cut && strings.HasPrefix(s, lower[i:]) {
				return len(lower)
			}
		}
		return end
	}
	if !cut || left < minStart {
		return 0
	}
	for _, list := range m.by {
		if strings.HasPrefix(list[0], lower[i:]) { // all of a list begin alike
			return len(lower)
		}
	}
	return 0
}

// asciiLower keeps every byte in its place, as strings.ToLower does not.
func asciiLower(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for k := i; k < len(b); k++ {
				if c := b[k]; 'A' <= c && c <= 'Z' {
					b[k] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
