package clock

import "strings"

// form takes the numbers of a form as a date or a time.
func (d *dateReader) form(f state) bool {
	n := d.numbers
	switch f {
	case formTimeN:
		// Only "10 AM" is a time.
		return d.half != unset && d.time(n[0], unset, unset)
	case formTimeNN:
		return d.time(n[0], n[1], unset)
	case formTimeNNN:
		return d.time(n[0], n[1], n[2])
	case formTimeUnit:
		return true
	case formUnit, formUnitN, formNUnit, formNNUnit:
		return d.unitForm(f)
	}
	if d.haveDate {
		return false
	}
	switch f {
	case formNN, formMN:
		month := n[0]
		day := n[1]
		if f == formMN {
			month, day = d.monthName, n[0]
		}
		d.yearGuessed = true
		return d.date(d.thisYear(), month, day)
	case formNM:
		// "11 June" is in 2011: the pattern of a year and a month has that
		// order, the pattern of a month and a day has not.
		return d.date(fullYear(n[0]), d.monthName, 1)
	case formNNN:
		return d.date(fullYear(n[2]), n[0], n[1])
	case formMNN:
		return d.date(fullYear(n[1]), d.monthName, n[0]) || d.date(fullYear(n[0]), d.monthName, n[1])
	case formYNN:
		return d.date(d.longYear, n[0], n[1])
	case formNNY:
		return d.date(d.longYear, n[0], n[1])
	case formYMN:
		return d.date(d.longYear, d.monthName, n[0])
	case formYN:
		return d.date(d.longYear, n[0], 1)
	case formYM:
		return d.date(d.longYear, d.monthName, 1)
	}
	return false
}

func (d *dateReader) date(year, month, day int) bool {
	if _, ok := dateTicks(year, month, day); !ok {
		return false
	}
	d.year, d.month, d.day, d.haveDate = year, month, day, true
	return true
}

func (d *dateReader) time(hour, minute, second int) bool {
	if d.haveTime {
		return false
	}
	d.hour, d.minute, d.second, d.haveTime = hour, max(minute, 0), max(second, 0), true
	return true
}

// useUnit takes a number with a unit, as 10月.
func (d *dateReader) useUnit() bool {
	all := [...]*int{&d.year, &d.month, &d.day, &d.hour, &d.minute, &d.second}
	i := strings.IndexByte("yMdhms", d.unit)
	d.unit = 0
	if d.units&(1<<i) != 0 {
		return false
	}
	d.units |= 1 << i
	*all[i] = d.number
	switch i {
	case 0:
		d.longYear = d.number
	case 1:
		d.monthName = d.number
	}
	return true
}

func (d *dateReader) unitForm(f state) bool {
	n := d.numbers
	switch f {
	case formUnitN:
		if d.count != 1 || d.day != unset {
			return false
		}
		d.day = n[0]
	case formNUnit:
		if d.month == unset || d.year != unset {
			return false
		}
		d.year, d.day = fullYear(n[0]), 1
	case formNNUnit:
		switch {
		case d.year != unset:
			return d.date(d.year, n[0], n[1])
		case d.month != unset:
			return d.date(fullYear(n[1]), d.month, n[0])
		}
		return false
	}
	return true
}
