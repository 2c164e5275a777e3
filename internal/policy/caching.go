package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/cloister-ai/cloister/internal/cache"
)

// Caches are what the caching policies keep things in. They outlive reloads.
type Caches struct {
	// Values are those of cache-store-value, Responses those of cache-store: two,
	// so that neither pushes the other out.
	Values, Responses cache.Cache
	// Completions are those of llm-semantic-cache-store.
	Completions cache.Vectors
	// Room bounds what is collected of answers on their way.
	Room *cache.Room
	// Flights are the values that cache-value computes.
	Flights *cache.Flights
}

// NewCaches makes caches in process that hold bytes together; 0: 192 MiB. Now is
// the wall clock; nil: time.Now.
func NewCaches(bytes int64, now func() time.Time) *Caches {
	o := cache.Options{Bytes: bytes / 3, Now: now}
	room := int64(64 << 20)
	if bytes > 0 {
		room = bytes / 3
	}
	return &Caches{
		Values: cache.NewMemory(o), Responses: cache.NewMemory(o), Completions: cache.NewSpace(o),
		Room: cache.NewRoom(room), Flights: &cache.Flights{},
	}
}

// Embedder makes vectors of texts.
type Embedder interface {
	// Embed asks the backend of that id for the vector of a text.
	Embed(ctx context.Context, backendID, text string) ([]float32, error)
}

// caches are those of the exchange; nil: there are none.
func (x *Exchange) caches() *Caches {
	if x.Services == nil {
		return nil
	}
	return x.Services.Caches
}

// noCache is the note where there is no cache: a policy goes on as after a miss.
const noCache = "there is no cache"

// longestDuration is the longest that may be asked for, in seconds.
const longestDuration = 1<<31 - 1

const cachingTypeName = "caching-type"

func cachingTypeAttribute() attribute {
	return attribute{name: cachingTypeName, expected: "prefer-external, external or internal", otherwise: "prefer-external"}
}

// cachingTypeDifference is for the pages of policies that have the attribute.
const cachingTypeDifference = "There is the cache in process alone, one for each gateway: `prefer-external` means it as `internal` does, and `external` is refused by `serve` (`policy check` warns)."

// cachingType checks which cache a policy names.
func (c *compiler) cachingType(n *Node) {
	if c.choice(n, cachingTypeName, "prefer-external", "prefer-external", "external", "internal") == "external" {
		c.strict(n.Attribute(cachingTypeName).ValuePos, "external-cache", "internal or prefer-external", `write caching-type="prefer-external"`,
			"%q wants an external cache, and a gateway has the cache in process alone", n.Name)
	}
}

// longestKey is the longest key that is kept as it is, in bytes.
const longestKey = 256

// valueKey is the key of the cache for that of a document.
func valueKey(key string) string {
	if len(key) <= longestKey {
		return "value:" + key
	}
	sum := sha256.Sum256([]byte(key))
	return "digest:" + hex.EncodeToString(sum[:])
}

// cachedValue is the key attribute of the policies about values.
type cachedValue struct{ key textValue }

func keyAttribute() attribute {
	return attribute{name: "key", required: true, expected: "text that names the value", expression: true}
}

func (c *compiler) cachedValue(n *Node) cachedValue {
	c.cachingType(n)
	k, ok := c.textAttribute(n, "key")
	if ok && k.compute == nil && k.literal == "" {
		c.invalid(value{written: "", pos: k.pos}, "key", "text", "")
	}
	return cachedValue{k}
}

// of is the key for one exchange, and the caches; ok is false, with a note, where
// there is nothing to ask.
func (k *cachedValue) of(ctx context.Context, x *Exchange) (key string, c *Caches, ok bool, e *Error) {
	if key, e = k.key.text(ctx, x); e != nil {
		return "", nil, false, e
	}
	switch c = x.caches(); {
	case key == "":
		// One that nobody could name apart from others would be everybody's.
		x.Note("the key of " + x.at.String() + " is empty")
	case c == nil:
		x.Note(x.at.String() + ": " + noCache)
	default:
		return valueKey(key), c, true, nil
	}
	return "", nil, false, nil
}

// cacheFailed is the note of a cache that failed, which is a miss.
func (x *Exchange) cacheFailed(what string, err error) {
	x.Note(what + ": " + err.Error())
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
