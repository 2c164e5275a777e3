package clock

// A date and time is read token by token: a number, a month, a day of the week
// with what separates it from the next. What the tokens so far are decides
// what may come: a state. Some tokens complete a date or a time, a form, after
// which reading begins anew for the other.

// token is a part of a date's text with the separator behind it.
type token byte

const (
	noToken     token = iota // says nothing, as a comma
	atEnd                    // nothing more
	numberEnd                // a number, and nothing more
	numberAMPM               // 10 AM
	numberSpace              // 10, also where a word follows
	numberDate               // 10/
	numberTime               // 10:
	monthEnd
	monthSpace
	monthDate      // Jan/
	numberDateUnit // 10月
	numberTimeUnit // 10時
	weekday
	yearSpace // a number of three digits or more
	yearDate
	yearEnd
	zoneToken
	eraToken
	numberT // 02T10:20
	tokens
)

// state is what the tokens since the last form were.
type state byte

const (
	wrong state = iota
	begin
	gotN // N a number, Y a year, M a month; D and T behind: with that separator
	gotNN
	gotND
	gotNDN
	gotNDND
	gotM
	gotMN
	gotNM
	gotMND
	gotNUnit
	gotY
	gotYN
	gotYND
	gotYM
	gotYMD
	gotUnit
	gotTimeUnit
	gotNT
	gotNTNT
	// Forms.
	formNN
	formNNN
	formMN
	formNM
	formMNN
	formUnit
	formUnitN
	formNUnit
	formNNUnit
	formYNN
	formYMN
	formYN
	formYM
	formNNY
	formTimeN
	formTimeNN
	formTimeNNN
	formTimeUnit
	states
)

func (s state) isForm() bool { return s >= formNN }

// move says where tokens lead.
type move struct {
	from state
	to   state
	on   []token
}

var moves = []move{
	{begin, begin, []token{atEnd, weekday, zoneToken, eraToken}},
	{begin, formTimeN, []token{numberAMPM}},
	{begin, gotN, []token{numberSpace}},
	{begin, gotND, []token{numberDate}},
	{begin, gotNT, []token{numberTime}},
	{begin, gotM, []token{monthSpace, monthDate}},
	{begin, gotUnit, []token{numberDateUnit}},
	{begin, gotTimeUnit, []token{numberTimeUnit}},
	{begin, gotY, []token{yearSpace, yearDate}},

	{gotN, gotN, []token{weekday, zoneToken, eraToken}},
	{gotN, formNN, []token{numberEnd}},
	{gotN, gotNN, []token{numberSpace}},
	{gotN, gotNDND, []token{numberDate}},
	{gotN, formNM, []token{monthEnd}},
	{gotN, gotNM, []token{monthSpace}},
	{gotN, gotMND, []token{monthDate}},
	{gotN, gotNUnit, []token{numberDateUnit}},
	{gotN, gotYN, []token{yearSpace}},
	{gotN, gotYND, []token{yearDate}},
	{gotN, formYN, []token{yearEnd}},

	{gotNN, gotNN, []token{weekday, zoneToken, eraToken}},
	{gotNN, formNN, []token{atEnd}},
	{gotNN, formNNN, []token{numberEnd, numberSpace}},
	{gotNN, formTimeN, []token{numberAMPM}},
	{gotNN, gotNT, []token{numberTime}},
	{gotNN, formMNN, []token{monthEnd, monthSpace}},
	{gotNN, gotTimeUnit, []token{numberTimeUnit}},
	{gotNN, formNNY, []token{yearSpace, yearEnd}},

	{gotND, gotND, []token{weekday, eraToken}},
	{gotND, formNN, []token{numberEnd}},
	{gotND, gotNDN, []token{numberSpace}},
	{gotND, gotNDND, []token{numberDate}},
	{gotND, formNM, []token{monthEnd}},
	{gotND, gotMN, []token{monthSpace}},
	{gotND, gotMND, []token{monthDate}},
	{gotND, gotYN, []token{yearSpace}},
	{gotND, gotYND, []token{yearDate}},
	{gotND, formYN, []token{yearEnd}},

	{gotNDN, gotNDN, []token{weekday, eraToken}},
	{gotNDN, formNN, []token{atEnd}},
	{gotNDN, formNNN, []token{numberEnd, numberSpace}},
	{gotNDN, formTimeN, []token{numberAMPM}},
	{gotNDN, gotNT, []token{numberTime}},
	{gotNDN, formMNN, []token{monthEnd, monthSpace}},
	{gotNDN, formUnit, []token{numberDateUnit}},
	{gotNDN, gotTimeUnit, []token{numberTimeUnit}},
	{gotNDN, formNNY, []token{yearSpace, yearEnd}},

	{gotNDND, gotNDND, []token{weekday, eraToken}},
	{gotNDND, formNNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotNDND, formMNN, []token{monthEnd, monthSpace}},
	{gotNDND, formUnit, []token{numberDateUnit}},
	{gotNDND, formNNY, []token{yearSpace, yearEnd}},

	{gotM, gotM, []token{weekday, eraToken}},
	{gotM, formMN, []token{numberEnd}},
	{gotM, gotMN, []token{numberSpace}},
	{gotM, gotMND, []token{numberDate}},
	{gotM, gotYM, []token{yearSpace}},
	{gotM, gotYMD, []token{yearDate}},
	{gotM, formYM, []token{yearEnd}},

	{gotMN, gotMN, []token{weekday, eraToken}},
	{gotMN, formMN, []token{atEnd}},
	{gotMN, formMNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotMN, gotNT, []token{numberTime}},
	{gotMN, formUnit, []token{numberDateUnit}},
	{gotMN, gotTimeUnit, []token{numberTimeUnit}},
	{gotMN, formYMN, []token{yearSpace, yearEnd}},

	{gotNM, gotNM, []token{weekday, eraToken}},
	{gotNM, formNM, []token{atEnd}},
	{gotNM, formMNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotNM, gotNT, []token{numberTime}},
	{gotNM, formUnit, []token{numberDateUnit}},
	{gotNM, gotTimeUnit, []token{numberTimeUnit}},
	{gotNM, formYMN, []token{yearSpace, yearEnd}},

	{gotMND, gotMND, []token{weekday, eraToken}},
	{gotMND, formMNN, []token{numberEnd, numberSpace}},
	{gotMND, formYMN, []token{yearSpace, yearEnd}},

	{gotNUnit, gotNUnit, []token{weekday, eraToken, numberDateUnit}},
	{gotNUnit, formNUnit, []token{atEnd}},
	{gotNUnit, formNNUnit, []token{numberEnd, numberAMPM, numberSpace}},
	{gotNUnit, gotNT, []token{numberTime}},
	{gotNUnit, gotTimeUnit, []token{numberTimeUnit}},

	{gotY, gotY, []token{weekday, eraToken}},
	{gotY, formYN, []token{numberEnd}},
	{gotY, gotYN, []token{numberSpace}},
	{gotY, gotYND, []token{numberDate}},
	{gotY, formYM, []token{monthEnd}},
	{gotY, gotYM, []token{monthSpace, numberDateUnit}},
	{gotY, gotYMD, []token{monthDate}},

	{gotYN, gotYN, []token{weekday, eraToken}},
	{gotYN, formYN, []token{atEnd}},
	{gotYN, formYNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotYN, formYMN, []token{monthEnd, monthSpace}},

	{gotYND, gotYN, []token{weekday, eraToken}},
	{gotYND, formYNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotYND, formYMN, []token{monthEnd, monthSpace}},

	{gotYM, gotYM, []token{weekday, eraToken}},
	{gotYM, formYM, []token{atEnd}},
	{gotYM, formYMN, []token{numberEnd, numberAMPM, numberSpace}},

	{gotYMD, gotYM, []token{weekday, eraToken}},
	{gotYMD, formYMN, []token{numberEnd, numberAMPM, numberSpace}},

	{gotUnit, gotUnit, []token{weekday, eraToken, numberDateUnit}},
	{gotUnit, formUnit, []token{atEnd}},
	{gotUnit, formUnitN, []token{numberEnd}},
	{gotUnit, formTimeN, []token{numberAMPM}},
	{gotUnit, gotNT, []token{numberTime, numberSpace}},
	{gotUnit, gotTimeUnit, []token{numberTimeUnit}},

	{gotTimeUnit, gotTimeUnit, []token{weekday, zoneToken, eraToken, numberTimeUnit}},
	{gotTimeUnit, formTimeUnit, []token{atEnd, numberEnd, numberAMPM}},
	{gotTimeUnit, gotNT, []token{numberSpace}},
	{gotTimeUnit, gotND, []token{numberDate}},
	{gotTimeUnit, gotUnit, []token{numberDateUnit}},

	{gotNT, gotNT, []token{zoneToken, eraToken}},
	{gotNT, formTimeNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotNT, formNM, []token{monthEnd}},
	{gotNT, gotNM, []token{monthSpace}},
	{gotNT, gotNTNT, []token{numberTime}},
	{gotNT, gotTimeUnit, []token{numberTimeUnit}},

	{gotNTNT, gotNTNT, []token{weekday, zoneToken, eraToken}},
	{gotNTNT, formTimeNNN, []token{numberEnd, numberAMPM, numberSpace}},
	{gotNTNT, gotTimeUnit, []token{numberTimeUnit}},
}

// next is where a token leads from a state.
var next = func() (next [states][tokens]state) {
	for _, m := range moves {
		for _, t := range m.on {
			next[m.from][t] = m.to
		}
	}
	return next
}()
