package site

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// affinity reads by what the requests of a session are told.
func (l *apimLoader) affinity(b *Backend, v *value) {
	if v.empty() {
		return
	}
	source, name := v.at("sessionId", "source"), v.at("sessionId", "name")
	switch {
	case !strings.EqualFold(textOf(source), "cookie"):
		l.r.Add(posOf(source, v.pos), "invalid-value", "Cookie", "", "sessions are told apart by a cookie only")
	case !validHeader(textOf(name)):
		l.r.Add(posOf(name, v.pos), "invalid-value", "the name of a cookie", "", "%q cannot be the name of a cookie", textOf(name))
	default:
		b.AffinityCookie = textOf(name)
	}
}

// breaker reads the one rule of a circuit breaker.
func (l *apimLoader) breaker(v *value) *CircuitBreaker {
	rules := v.get("rules").items()
	if len(rules) == 0 {
		return nil
	}
	if len(rules) > 1 {
		l.r.Add(rules[1].pos, "invalid-value", "one rule", "remove the others", "a circuit breaker has one rule, as in API Management")
		return nil
	}
	rule := rules[0]
	if rule.kind != kindObject {
		return nil // reported with the fields
	}
	condition := rule.get("failureCondition")
	out := &CircuitBreaker{
		Pos: rule.pos, Name: textOf(rule.get("name")), AcceptRetryAfter: boolOf(rule.get("acceptRetryAfter"), false),
		Trip: l.isoDuration(rule, rule.get("tripDuration"), "tripDuration"),
	}
	if condition.empty() {
		l.r.Add(rule.pos, "missing-field", "failureCondition", "", "the rule says nothing about what trips it")
		return nil
	}
	out.Interval = l.isoDuration(condition, condition.get("interval"), "interval")
	l.within(condition.get("count"), 1, 10_000, &out.Count)
	l.within(condition.get("percentage"), 1, 100, &out.Percentage)
	switch {
	case condition.get("count").empty() && condition.get("percentage").empty():
		l.r.Add(condition.pos, "missing-field", "count or percentage", "", "the rule does not say how many failures trip it")
	case out.Count > 0 && out.Percentage > 0:
		l.r.Add(condition.pos, "invalid-value", "count or percentage", "remove one", "count and percentage are both given")
	}
	for _, r := range condition.get("statusCodeRanges").items() {
		var s StatusRange
		l.within(r.get("min"), 100, 599, &s.Min)
		l.within(r.get("max"), 100, 599, &s.Max)
		if s.Min == 0 || s.Max < s.Min {
			l.r.Add(r.pos, "invalid-value", `{"min": 500, "max": 599}`, "", "this is no range of statuses")
			continue
		}
		out.Statuses = append(out.Statuses, s)
	}
	known := []string{ConnectionFailure, TimeoutFailure, ServerErrors}
	for _, r := range condition.get("errorReasons").items() {
		reason := findFold(known, textOf(r))
		if reason == "" {
			l.r.Warn(r.pos, "without-effect", "write one of "+strings.Join(known, ", "), "no failure of a backend has the reason %q", textOf(r))
			continue
		}
		out.Reasons = append(out.Reasons, reason)
	}
	if len(out.Statuses)+len(out.Reasons) == 0 {
		l.r.Add(condition.pos, "missing-field", "statusCodeRanges or errorReasons", "", "nothing that happens is a failure for the rule")
	}
	return out
}

// within reads a whole number from low to high; none leaves it as it is.
func (l *apimLoader) within(v *value, low, high int, into *int) {
	if v.empty() || v.kind != kindNumber {
		return
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < low || n > high {
		l.r.Add(v.pos, "invalid-value", "an integer from "+strconv.Itoa(low)+" to "+strconv.Itoa(high), "", "%s is out of range", v.text)
		return
	}
	*into = n
}

// isoDuration reads a duration of days or less as ISO 8601 has it: P1D, PT1M30S.
// It is more than zero and at most 30 days.
func (l *apimLoader) isoDuration(in, v *value, name string) time.Duration {
	if v.empty() {
		l.r.Add(in.pos, "missing-field", name, "", "the rule lacks %s", name)
		return 0
	}
	const most = 30 * 24 * time.Hour
	m := regexp.MustCompile(`^P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,3})?)S)?)?$`).FindStringSubmatch(textOf(v))
	var d time.Duration
	if m != nil {
		for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
			// What the pattern takes is a number, and small enough.
			f, _ := strconv.ParseFloat("0"+m[i+1], 64)
			d += time.Duration(f * float64(unit))
		}
	}
	if d <= 0 || d > most {
		l.r.Add(v.pos, "invalid-value", "a duration such as PT1M, at most P30D", "", "%q is no duration of ISO 8601 that can be used", textOf(v))
		return 0
	}
	return d
}
