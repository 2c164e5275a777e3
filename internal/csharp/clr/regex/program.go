package regex

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Options are RegexOptions.
type Options int

// The values of RegexOptions. Compiled and CultureInvariant change nothing
// here: the culture is invariant.
const (
	ignoreCase              Options = 1
	multiline               Options = 2
	explicitCapture         Options = 4
	singleline              Options = 16
	ignorePatternWhitespace Options = 32
	rightToLeft             Options = 64
	ecmaScript              Options = 256

	allOptions  Options = 1<<10 - 1
	ecmaAllowed Options = 1 | 2 | 8 | 256 | 512 // beside ECMAScript
	meaning     Options = allOptions &^ (8 | 128 | 512)
)

const (
	// MaxSearch is how long one search may take.
	MaxSearch = time.Second
	// mostTrack is how many numbers the engine may keep for going back: 16 MiB.
	mostTrack = 2 << 20
)

// program is a compiled pattern. It is immutable.
type program struct {
	pattern string
	opts    Options
	re      *regexp2.Regexp
	// numbers are the groups', sorted; slot is the place of one among them.
	numbers []int
	slot    map[int]int
	byName  map[string]int
}

// compile makes a program; the error is a *syntaxError or a *tooLarge.
func compile(pattern string, opts Options) (*program, error) {
	p, err := parse(pattern, opts)
	if err != nil {
		return nil, err
	}
	options := []regexp2.CompileOption{regexp2.OptionMaxBacktrackingStackSize(mostTrack)}
	if opts&rightToLeft != 0 {
		options = append(options, regexp2.RightToLeft)
	}
	re, err := regexp2.Compile(string(p.out), options...)
	if err != nil { // the engine knows less than .NET
		return nil, &tooLarge{"memory", "what the engine can do: " + err.Error()}
	}
	re.MatchTimeout = MaxSearch
	prog := &program{pattern: pattern, opts: opts, re: re, numbers: p.numbers(), slot: map[int]int{}, byName: p.byName}
	for i, n := range prog.numbers {
		prog.slot[n] = i
	}
	return prog, nil
}

// group is the number of the group with that name; -1: there is none.
func (p *program) group(name string) int {
	if n, ok := p.byName[name]; ok {
		return n
	}
	n, err := strconv.Atoi(name)
	if err != nil || strings.TrimLeft(name, "0123456789") != "" {
		return -1
	}
	if _, ok := p.slot[n]; !ok {
		return -1
	}
	return n
}

// engine is the engine with a time limit. A Regexp is read only while it
// matches, and its copy shares all but the limit.
func (p *program) engine(limit time.Duration) *regexp2.Regexp {
	if limit == MaxSearch {
		return p.re
	}
	re := *p.re
	re.MatchTimeout = limit
	return &re
}

// perGeneration is how many programs the newer half of the cache holds, and
// mostCached how long the pattern of one may be.
const (
	perGeneration = 128
	mostCached    = 4096
)

type cacheKey struct {
	pattern string
	opts    Options
}

// cache keeps programs in two generations: when the newer one is full, the
// older one is dropped. Reading needs no order to be kept up, so that runs side
// by side do not wait for each other.
type cache struct {
	mu         sync.RWMutex // guards both
	newer, old map[cacheKey]*program
}

func newCache() *cache { return &cache{newer: map[cacheKey]*program{}} }

func (c *cache) get(k cacheKey) *program {
	c.mu.RLock()
	p, ok := c.newer[k]
	if !ok {
		p = c.old[k]
	}
	c.mu.RUnlock()
	if p != nil && !ok {
		c.put(k, p)
	}
	return p
}

func (c *cache) put(k cacheKey, p *program) {
	if len(k.pattern) > mostCached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.newer) >= perGeneration {
		c.old, c.newer = c.newer, make(map[cacheKey]*program, perGeneration)
	}
	c.newer[k] = p
}

// program finds or compiles a pattern; it throws where .NET does.
func (c *cache) program(t *clr.Thread, pattern string, opts Options) *program {
	k := cacheKey{pattern, opts & meaning}
	if p := c.get(k); p != nil {
		return p
	}
	t.Work(len(pattern)*50 + 1000)
	t.Allocate(len(pattern)*200 + 4096)
	p, err := compile(pattern, k.opts)
	var large *tooLarge
	switch {
	case errors.As(err, &large):
		t.Stop(large.limit, large.most)
	case err != nil:
		t.ThrowArgument(`parsing "`+pattern+`" - `+err.Error(), "")
	}
	c.put(k, p)
	return p
}
