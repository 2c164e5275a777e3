package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/cache"
)

// keyParts make the key of what is kept: a digest of parts of which none can be
// taken for two, or for a part of another.
type keyParts struct{ b []byte }

func (k *keyParts) add(name string, values ...string) {
	k.b = appendPart(k.b, name)
	k.b = binary.AppendUvarint(k.b, uint64(len(values)))
	for _, v := range values {
		k.b = appendPart(k.b, v)
	}
}

func (k *keyParts) digest(kind string) string {
	sum := sha256.Sum256(k.b)
	return kind + ":" + hex.EncodeToString(sum[:])
}

// caller is the partition of whoever calls; empty: nobody is known. What they
// sent as credentials counts too: an application that passes on those of its
// users is one caller, and its users are many.
func (x *Exchange) caller() string {
	if x.Caller == nil {
		return ""
	}
	who := x.Caller()
	if who == "" {
		return ""
	}
	var k keyParts
	k.add("caller", who)
	for _, name := range [...]string{"Authorization", "Cookie"} {
		k.add(name, x.Request.Header[name]...)
	}
	return k.digest("caller")
}

// add puts in what an answer belongs to: the operation and the policies that it
// comes by, and where the request goes.
func (k *keyParts) addRoute(x *Exchange) {
	if x.API != nil {
		k.add("api", x.API.ID, x.API.Revision)
	}
	if x.Product != nil {
		k.add("product", x.Product.ID)
	}
	if x.Operation != nil {
		k.add("operation", x.Operation.ID)
	}
	k.add("to", x.Request.Backend.ID, x.Request.Backend.String(), x.Request.Path)
}

// addQuery puts in the parameters of these names, compared without case; nil:
// all but the one in which subscription keys come.
func (k *keyParts) addQuery(x *Exchange, names []string) {
	query, err := url.ParseQuery(x.Request.Query)
	if err != nil {
		k.add("query", x.Request.Query)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		as, wanted := name, x.API == nil || name != x.API.SubscriptionKeyQuery
		if names != nil {
			as, wanted = strings.ToLower(name), slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		}
		if wanted {
			k.add("?"+as, query[name]...)
		}
	}
}

// keptResponse is an answer as it lies in a cache.
type keptResponse struct {
	status int
	reason string
	header http.Header
	// vary are the request's headers that the answer depends on, as they were.
	vary map[string]string
	body []byte
}

const keptVersion = 1

var errKept = errors.New("what is kept is no answer")

// appendHead appends all but the body.
func (r *keptResponse) appendHead(b []byte) []byte {
	b = binary.AppendUvarint(append(b, keptVersion), uint64(r.status))
	b = appendPart(b, r.reason)
	b = binary.AppendUvarint(b, uint64(len(r.header)))
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		b = appendPart(b, name)
		b = binary.AppendUvarint(b, uint64(len(r.header[name])))
		for _, v := range r.header[name] {
			b = appendPart(b, v)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.vary)))
	for _, name := range slices.Sorted(maps.Keys(r.vary)) {
		b = appendPart(appendPart(b, name), r.vary[name])
	}
	return b
}

// keptReader reads what appendHead wrote; a failure stands.
type keptReader struct {
	b      []byte
	failed bool
}

func (r *keptReader) number() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<31 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *keptReader) text() string {
	n := r.number()
	if n > len(r.b) {
		r.failed, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// readKept is the answer in b, whose body is a part of b.
func readKept(b []byte) (*keptResponse, error) {
	if len(b) == 0 || b[0] != keptVersion {
		return nil, errKept
	}
	r := keptReader{b: b[1:]}
	out := &keptResponse{status: r.number(), reason: r.text(), header: http.Header{}, vary: map[string]string{}}
	for n := r.number(); n > 0 && !r.failed; n-- {
		name := r.text()
		values := []string{}
		for m := r.number(); m > 0 && !r.failed; m-- {
			values = append(values, r.text())
		}
		out.header[name] = values
	}
	for n := r.number(); n > 0 && !r.failed; n-- {
		name := r.text()
		out.vary[name] = r.text()
	}
	if r.failed {
		return nil, errKept
	}
	out.body = r.b
	return out, nil
}

// fits reports whether the answer is for a request with these headers.
func (r *keptResponse) fits(h http.Header) bool {
	for name, was := range r.vary {
		if strings.Join(h[name], ",") != was {
			return false
		}
	}
	return true
}

// response is the answer for one exchange.
func (r *keptResponse) response() *Response {
	return &Response{
		StatusCode: r.status, Reason: r.reason, Header: r.header,
		Body: &Body{Bytes: r.body, Length: int64(len(r.body))},
	}
}

// keepable is the answer as it may be kept, without its body. shared: others than
// the caller will get it. Asked are the headers of the request as they were at the
// lookup. The string says why it is not.
func (x *Exchange) keepable(shared bool, asked http.Header) (*keptResponse, string) {
	resp := x.Response
	out := &keptResponse{status: resp.StatusCode, reason: resp.Reason, header: resp.Header.Clone(), vary: map[string]string{}}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusNotModified:
		return nil, "its status is " + strconv.Itoa(resp.StatusCode)
	case shared && len(resp.Header["Set-Cookie"]) > 0:
		return nil, "it sets a cookie, and is for all callers"
	case shared && forbidsSharing(resp.Header["Cache-Control"]):
		return nil, "the backend calls it private, and it is for all callers"
	}
	for _, line := range resp.Header["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name == "*" {
				return nil, "it varies by everything"
			} else if name != "" {
				out.vary[name] = strings.Join(asked[name], ",")
			}
		}
	}
	if len(resp.Header["Content-Encoding"]) > 0 {
		out.vary["Accept-Encoding"] = strings.Join(asked["Accept-Encoding"], ",")
	}
	for _, name := range framing() {
		delete(out.header, name)
	}
	// Date would have caches on the way take it for older than it is.
	for _, name := range [...]string{"Age", "Expires", "Pragma", "Date"} {
		delete(out.header, name)
	}
	for _, p := range x.promises { // what is left of a limit is said anew
		delete(out.header, p.name)
	}
	if x.allowed != nil { // what cors has promised, it promises each caller anew
		for _, name := range [...]string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
			delete(out.header, name)
		}
	}
	return out, ""
}

func forbidsSharing(lines []string) bool {
	for _, line := range lines {
		for directive := range strings.SplitSeq(strings.ToLower(line), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			if name == "private" || name == "no-store" {
				return true
			}
		}
	}
	return false
}

// mostRecorded is the largest answer that is kept, in bytes.
const mostRecorded = 2 << 20

// record has keep called with the whole body of the answer: now, where it lies in
// memory, else once it has passed. Nothing is held back for that. One that is too
// large, or breaks off, is not kept.
func (x *Exchange) record(keep func(body []byte)) {
	switch b := x.Response.Body; {
	case b == nil:
		keep(nil)
	case b.Stream == nil && len(b.Bytes) > mostRecorded, b.Length > mostRecorded:
		x.Note(x.at.String() + ": the answer is not kept: it is larger than 2 MiB")
	case b.Stream == nil:
		keep(b.Bytes)
	default:
		b.Stream = &recording{in: b.Stream, room: x.caches().Room, keep: keep, lost: x.Note, at: x.at}
	}
}

// recording is a body that is collected as it passes.
type recording struct {
	in   io.ReadCloser
	room *cache.Room
	// keep is nil once the body is kept, or given up.
	keep func(body []byte)
	lost func(note string)
	at   *place
	buf  []byte
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if r.keep == nil {
		return n, err
	}
	r.collect(p[:n])
	if err != nil {
		if keep := r.keep; keep != nil && errors.Is(err, io.EOF) {
			keep(r.buf)
		}
		r.giveUp()
	}
	return n, err
}

func (r *recording) collect(p []byte) {
	if len(r.buf)+len(p) > mostRecorded {
		r.lost(r.at.String() + ": the answer is not kept: it is larger than 2 MiB")
		r.giveUp()
		return
	}
	if need := len(r.buf) + len(p); need > cap(r.buf) {
		grown := min(mostRecorded, max(2*cap(r.buf), need, 4<<10))
		if !r.room.Take(int64(grown)) {
			r.lost(r.at.String() + ": the answer is not kept: too many are on their way into the cache")
			r.giveUp()
			return
		}
		buf := append(make([]byte, 0, grown), r.buf...)
		r.room.Give(int64(cap(r.buf)))
		r.buf = buf
	}
	r.buf = append(r.buf, p...)
}

func (r *recording) giveUp() {
	r.room.Give(int64(cap(r.buf)))
	r.keep, r.buf = nil, nil
}

// Close lets go of what was collected: the body was not read to its end.
func (r *recording) Close() error {
	if r.keep != nil {
		r.giveUp()
	}
	return r.in.Close()
}
