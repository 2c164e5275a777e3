package audit

// guardedFlags are none: Windows has neither pipes in its directories nor such
// flags. A link is followed there.
const guardedFlags = 0
