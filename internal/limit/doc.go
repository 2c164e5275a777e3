// Package limit decides how much of the gateway anybody may have: the overload
// ladder, counts per client and network, bans that expire, and the budgets
// that backends are protected by.
//
//	Ladder       how pressed the process is, in four steps, from monitors
//	Caps         how many connections or requests a client and its network hold
//	Bans         clients that trip protections are refused for a while
//	Turns        how much is done at once, shared out among clients
//	Counter      how many things a named caller holds
//	Rates        calls per key in a sliding window
//	Quotas       calls and bytes per key in fixed windows
//	Counters     rates, quotas and slots together, as policies use them
//	Tokens       how many tokens of models a key has used, and holds
//	RetryBudget  how many requests may be sent again
//	Guard        ladder, caps and bans together, as the listeners use them
//
// It guarantees bounded memory, whatever the number of addresses: counts exist
// as long as what they count, and the tables of bans and of keys have a fixed
// size. On the road of a request nothing is allocated and no lock is held that
// another client's request would wait for longer than a map access; a counter's
// new key and a quota may take longer, by a bounded look at others.
//
// It does not know listeners, requests or sites: bounds come with each call,
// so that a reload counts at once, and what a misdeed weighs is the caller's to
// say. It does not tell an attacker from a crowd behind one address; that is
// why bans are short at first, and why failed authentication is no misdeed
// here (a stranger behind the same NAT could lock out everybody beside him,
// and guessing a key of 256 bits gains nothing from speed).
//
// It fails open, in one sense only: a monitor that cannot read its figure, as
// on a system without one, is left out and said to be so in [Status]. The hard
// bounds (connections, bytes, times) do not depend on any monitor.
package limit
