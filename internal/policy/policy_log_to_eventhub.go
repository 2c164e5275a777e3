package policy

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/site"
)

// MaxEvent is how large a message to an event hub may be, in bytes: 200 KB.
const MaxEvent = 200 << 10

// EventSender takes messages to event hubs and sends them in the background. It
// is safe for concurrent use.
type EventSender interface {
	// Log takes a message for a logger, by its id; false: there is no room, or no
	// such logger, and the message is dropped.
	Log(logger string, m EventMessage) bool
}

// EventMessage is what log-to-eventhub sends.
type EventMessage struct {
	// Body is text in UTF-8, [MaxEvent] bytes at most.
	Body []byte
	// PartitionID and PartitionKey are empty where the policy has none.
	PartitionID, PartitionKey string
}

// LoggerUse is a place where a document names a logger.
type LoggerUse struct {
	ID  string
	Pos site.Pos
}

func logToEventhubEntry() entry {
	return entry{
		name: "log-to-eventhub", sections: everySection, scopes: everyScope, connects: true,
		does: "a message to Event Hubs",
		tier: tierA, page: page{
			intro: "Sends a message to an event hub, through a logger of the service.",
			example: `
<log-to-eventhub logger-id="audit-hub" partition-key="@(context.Subscription.Id)">
  @(new JObject(
    new JProperty("time", DateTime.UtcNow.ToString("o")),
    new JProperty("request", context.RequestId.ToString()),
    new JProperty("operation", context.Operation.Id)
  ).ToString(Newtonsoft.Json.Formatting.None))
</log-to-eventhub>`,
			behaviour: []string{
				"The logger is `apim/loggers/ID/loggerInformation.json` with `loggerType` `azureEventHub`. Its credentials are a connection string, whose key signs for an hour at a time, or `endpointAddress` and `identityClientId`, for a token of the managed identity. Both may hold named values.",
				"The host of the namespace has to be in `destinations.call` of cloister.yaml, port 443. A document that names a logger which is not there, is no event hub, has no credential that can be used, or is not listed, is refused when the site is loaded.",
				"Messages leave in the background, in their order, over HTTPS by the REST protocol of Event Hubs; several that wait leave together. 1,000 messages or 16 MiB of each logger may wait; what comes beyond that is dropped, with a note in the record.",
				"What cannot be sent is tried three times, where that may help, then counted and logged; the request knows nothing of it. `cloister_background_messages_total` counts what was sent, failed and was dropped.",
				"In the place of the caller's credentials, of those that the gateway holds and of secret named values stands `***`.",
				"A partition key is cut after 128 characters, which is the most that Event Hubs takes.",
				"A message larger than 200 KB is cut to that, at the end of a character, with a note.",
				"When the gateway stops, what waits is sent for 5 seconds at most; what is left is dropped and counted.",
			},
			differences: []string{
				"API Management speaks AMQP to Event Hubs, and does not say how many messages may wait.",
				"A message whose connection broke is sent again, so it may arrive twice.",
				"The text may be written out, without an expression.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws"}},
		},
		attributes: []attribute{
			{name: "logger-id", required: true, expected: "the id of a logger in apim/loggers"},
			{name: "partition-id", expected: "the number of a partition; not with partition-key"},
			{name: "partition-key", expected: "text that decides the partition; not with partition-id", expression: true},
		},
		text: hasText, expression: true, compile: compileLogToEventhub,
	}
}

type logToEventhub struct {
	logger    string
	pos       site.Pos
	partition string
	key       textValue
	message   textValue
}

func compileLogToEventhub(c *compiler, n *Node) statement {
	s := &logToEventhub{}
	if v, ok := c.attribute(n, "logger-id"); ok {
		s.logger, s.pos = c.loggerID(v), v.pos
	}
	if v, ok := c.attribute(n, "partition-id"); ok {
		s.partition = strings.TrimSpace(v.text)
		if i, err := strconv.Atoi(s.partition); err != nil || i < 0 || i > 99_999 {
			c.malformed(v, "partition-id", "the number of a partition", "")
		}
		if key := n.Attribute("partition-key"); key != nil {
			c.add(key.Pos, "attributes-exclude", "partition-id or partition-key", "remove one", "partition-id and partition-key are both given")
		}
	}
	s.key, _ = c.textAttribute(n, "partition-key")
	var ok bool
	if s.message, ok = c.textContent(n); ok && s.message.compute == nil && s.message.literal == "" {
		c.warn(n.Pos, "nothing-logged", "write the message between its tags", "log-to-eventhub sends an empty message")
	}
	return s
}

// loggerID is the logger's id as the site has it.
func (c *compiler) loggerID(v value) string {
	id := strings.TrimSpace(v.text)
	if c.env.any {
		return id
	}
	i := slices.IndexFunc(c.env.Loggers, func(l string) bool { return strings.EqualFold(l, id) })
	if i < 0 {
		mend := ""
		if !v.secret {
			mend = nearestName(id, c.env.Loggers)
		}
		c.add(v.pos, "unknown-logger", "the id of a logger in apim/loggers", mend, "there is no logger %q", v.written)
		return ""
	}
	return c.env.Loggers[i]
}

func (s *logToEventhub) do(ctx context.Context, x *Exchange) (flow, *Error) {
	m := EventMessage{PartitionID: s.partition}
	var e *Error
	if m.PartitionKey, e = s.key.text(ctx, x); e != nil {
		return stop, e
	}
	if m.Body, e = s.body(ctx, x); e != nil {
		return stop, e
	}
	// A log is no place for credentials.
	m.Body, m.PartitionKey = []byte(x.Masked(string(m.Body))), cutKey(x.Masked(m.PartitionKey))
	if len(m.Body) > MaxEvent {
		x.Note(x.at.String() + ": a message of " + strconv.Itoa(len(m.Body)) + " bytes was cut to 200 KB")
		m.Body = cutText(m.Body, MaxEvent)
	}
	if x.Services == nil || x.Services.Events == nil || !x.Services.Events.Log(s.logger, m) {
		x.Note(x.at.String() + ": a message was dropped: too many wait to be sent to " + s.logger)
		return next, nil
	}
	if x.Observer != nil {
		x.say("message", strconv.Itoa(len(m.Body))+" bytes to "+s.logger)
	}
	return next, nil
}

func (s *logToEventhub) body(ctx context.Context, x *Exchange) ([]byte, *Error) {
	if s.message.compute == nil {
		return []byte(s.message.literal), nil
	}
	v, e := s.message.compute.eval(ctx, x)
	if e != nil {
		return nil, e
	}
	body, e := s.message.compute.content(x, v)
	if e == nil && !utf8.Valid(body) {
		body = []byte(strings.ToValidUTF8(string(body), "\ufffd"))
	}
	return body, e
}

// longestKeyOfHub is the longest key of a partition, in characters.
const longestKeyOfHub = 128

// cutKey is a key that Event Hubs takes.
func cutKey(s string) string {
	if r := []rune(s); len(r) > longestKeyOfHub {
		return string(r[:longestKeyOfHub])
	}
	return s
}

// cutText is the first n bytes of text, without half a character at its end.
func cutText(b []byte, n int) []byte {
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}
