package clock

// names of the invariant culture.
var (
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
)

// abbreviated is how long the short names of days and months are.
const abbreviated = 3

// daysBefore are the days of a year before a month.
var daysBefore = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysIn is the number of days of a month, 1 to 12.
func daysIn(year, month int) int {
	days := daysBefore[month] - daysBefore[month-1]
	if month == 2 && isLeap(year) {
		days++
	}
	return days
}

// daysUntil is the number of days from 0001-01-01 to a date that exists.
func daysUntil(year, month, day int) int {
	y := year - 1
	days := y*365 + y/4 - y/100 + y/400 + daysBefore[month-1] + day - 1
	if month > 2 && isLeap(year) {
		days++
	}
	return days
}

// dateTicks are the ticks of a date; false: there is none such.
func dateTicks(year, month, day int) (int64, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return int64(daysUntil(year, month, day)) * TicksPerDay, true
}

// timeTicks are the ticks of a time of the day; false: there is none such.
func timeTicks(hour, minute, second int) (int64, bool) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	return int64(hour*3600+minute*60+second) * TicksPerSecond, true
}

// date is the date at ticks.
func date(ticks int64) (year, month, day, dayOfYear int) {
	const in400, in100, in4 = 146097, 36524, 1461
	n := int(ticks / TicksPerDay)
	year = n/in400*400 + 1
	n %= in400
	// The last day of a leap year that ends a period is of its last part.
	c := min(n/in100, 3)
	n -= c * in100
	year += c*100 + n/in4*4
	n %= in4
	y := min(n/365, 3)
	n -= y * 365
	year += y
	dayOfYear = n + 1
	month = n/31 + 1
	for month < 12 && n >= daysOfYearUntil(year, month+1) {
		month++
	}
	return year, month, n - daysOfYearUntil(year, month) + 1, dayOfYear
}

// daysOfYearUntil are the days of a year before a month.
func daysOfYearUntil(year, month int) int {
	days := daysBefore[month-1]
	if month > 2 && isLeap(year) {
		days++
	}
	return days
}

// clockOf is the time of the day at ticks.
func clockOf(ticks int64) (hour, minute, second, fraction int) {
	t := ticks % TicksPerDay
	return int(t / TicksPerHour), int(t / TicksPerMinute % 60), int(t / TicksPerSecond % 60), int(t % TicksPerSecond)
}

func dayOfWeek(ticks int64) int { return int((ticks/TicksPerDay + 1) % 7) }
