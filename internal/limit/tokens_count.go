package limit

import (
	"math"
	"slices"
	"time"
)

// Period is the length of a quota's window, in the words of token-quota-period.
type Period string

// The periods. A window begins where the clock, in UTC, passes the unit: weeks
// on Mondays.
const (
	Hourly  Period = "Hourly"
	Daily   Period = "Daily"
	Weekly  Period = "Weekly"
	Monthly Period = "Monthly"
	Yearly  Period = "Yearly"
)

// Periods are all of them.
func Periods() []Period { return []Period{Hourly, Daily, Weekly, Monthly, Yearly} }

// Window returns the window around a time.
func (p Period) Window(now time.Time) (begin, end time.Time) {
	now = now.UTC()
	y, m, d := now.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	switch p {
	case Hourly:
		begin = now.Truncate(time.Hour)
		return begin, begin.Add(time.Hour)
	case Weekly:
		begin = day.AddDate(0, 0, -(int(now.Weekday())+6)%7)
		return begin, begin.AddDate(0, 0, 7)
	case Monthly:
		begin = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, 1, 0)
	case Yearly:
		begin = time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(1, 0, 0)
	}
	return day, day.AddDate(0, 0, 1)
}

// tokenCount is the count of one key, guarded by its shard.
type tokenCount struct {
	// held is for requests under way, of which there are holds.
	held, holds int
	// spent is what the last minute took, by second, the oldest first; sum is
	// its sum.
	spent []tokensAt
	sum   int
	// quotas are the windows of periods that somebody has a limit for.
	quotas []quotaCount
	// longest is about what the longest of the last completions took; 0: there was
	// none.
	longest float64
}

// waitForHolds is when to come back if only requests under way are in the way.
const waitForHolds = 5 * time.Second

// tokensAt are tokens that were spent within one second, the last of them at.
type tokensAt struct {
	at     time.Time
	tokens int
}

type quotaCount struct {
	period     Period
	begin, end time.Time
	used       int
}

// prune forgets what is older than a minute.
func (c *tokenCount) prune(now time.Time) {
	n := 0
	for n < len(c.spent) && !c.spent[n].at.Add(time.Minute).After(now) {
		c.sum -= c.spent[n].tokens
		n++
	}
	if n > 0 {
		c.spent = slices.Delete(c.spent, 0, n)
	}
}

// spend counts tokens from now on.
func (c *tokenCount) spend(tokens int, now time.Time) {
	c.prune(now)
	if tokens == 0 {
		return
	}
	c.sum += tokens
	if last := len(c.spent) - 1; last >= 0 && c.spent[last].at.Unix() == now.Unix() {
		c.spent[last].at = now
		c.spent[last].tokens += tokens
	} else {
		c.spent = append(c.spent, tokensAt{now, tokens})
	}
	for i := range c.quotas {
		q := &c.quotas[i]
		q.turn(now)
		q.used += tokens
	}
}

// watch has a period counted from now on.
func (c *tokenCount) watch(p Period, now time.Time) *quotaCount {
	if p == "" {
		return nil
	}
	i := slices.IndexFunc(c.quotas, func(q quotaCount) bool { return q.period == p })
	if i < 0 {
		c.quotas = append(c.quotas, quotaCount{period: p})
		i = len(c.quotas) - 1
	}
	c.quotas[i].turn(now)
	return &c.quotas[i]
}

// turn begins a new window where the last one is over. It never goes back: a clock
// that is set gives nothing.
func (q *quotaCount) turn(now time.Time) {
	if now.Before(q.end) {
		return
	}
	q.begin, q.end = q.period.Window(now)
	q.used = 0
}

// verdict looks at the quota first: whoever has used it up need not come back in
// a minute.
func (c *tokenCount) verdict(r *TokenRequest, now time.Time) TokenVerdict {
	c.prune(now)
	var v TokenVerdict
	if r.Quota > 0 {
		q := c.watch(r.Period, now)
		if used := q.used + c.held; used >= r.Quota || used+r.Prompt > r.Quota {
			v.OverQuota = true
			v.RetryAfter = wholeSeconds(q.end.Sub(now))
			if q.used < r.Quota && q.used+r.Prompt <= r.Quota {
				v.RetryAfter = min(v.RetryAfter, waitForHolds)
			}
			v.PerMinute, v.Quota = c.left(r.TokenLimits, 0, now)
			return v
		}
	}
	if r.PerMinute > 0 {
		if used := c.sum + c.held; used >= r.PerMinute || used+r.Prompt > r.PerMinute {
			v.RetryAfter = c.wait(r, now)
			v.PerMinute, v.Quota = c.left(r.TokenLimits, 0, now)
			return v
		}
	}
	v.Allowed = true
	v.PerMinute, v.Quota = c.left(r.TokenLimits, r.Prompt, now)
	return v
}

// wait is how long it takes until enough of the minute is over, as far as that
// can be known. What is held is settled at some time, to less or to more: whoever
// it alone refuses may soon try again.
func (c *tokenCount) wait(r *TokenRequest, now time.Time) time.Duration {
	if c.sum < r.PerMinute && c.sum+r.Prompt <= r.PerMinute {
		return waitForHolds
	}
	used := c.sum + c.held
	for i := range c.spent {
		used -= c.spent[i].tokens
		if used < r.PerMinute && used+r.Prompt <= r.PerMinute || i == len(c.spent)-1 {
			return wholeSeconds(c.spent[i].at.Add(time.Minute).Sub(now))
		}
	}
	return time.Minute
}

func wholeSeconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

// left is what is left under limits, own tokens beside those counted.
func (c *tokenCount) left(l TokenLimits, own int, now time.Time) (perMinute, quota int) {
	c.prune(now)
	if l.PerMinute > 0 {
		perMinute = max(0, l.PerMinute-c.sum-c.held-own)
	}
	if l.Quota > 0 {
		quota = max(0, l.Quota-c.watch(l.Period, now).used-c.held-own)
	}
	return perMinute, quota
}

// learn takes one more completion into account: a longer one at once, a shorter one
// slowly.
func (c *tokenCount) learn(completion int) {
	n := float64(completion)
	c.longest = max(n, c.longest-(c.longest-n)/16)
}

// guess is what a completion is held to take.
func (c *tokenCount) guess() int {
	if c.longest == 0 {
		return firstCompletion
	}
	return int(math.Ceil(c.longest))
}

// idle reports whether there is nothing to remember.
func (c *tokenCount) idle(now time.Time) bool {
	c.prune(now)
	if c.holds > 0 || len(c.spent) > 0 {
		return false
	}
	return !slices.ContainsFunc(c.quotas, func(q quotaCount) bool { return q.used > 0 && now.Before(q.end) })
}
