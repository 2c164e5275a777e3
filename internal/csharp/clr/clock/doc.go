// Package clock is .NET's time: System.DateTime, DateTimeOffset, TimeSpan,
// TimeZone and TimeZoneInfo; and System.Guid, which is as small.
//
// Values are made and read by [DateTimeOf], [TimeSpanOf], [OffsetOf] and
// [GuidOf] and their counterparts; nobody else knows how they lie in a
// [clr.Value]:
//
//	DateTime        N: ticks | kind<<62
//	TimeSpan        N: ticks
//	DateTimeOffset  N: ticks of the moment in UTC; S: the offset in minutes as
//	                two bytes, empty for none
//	Guid            S: its 16 bytes in .NET's order, empty for Guid.Empty
//
// so that default(T) of each is the zero bits with its type. A tick is 100 ns,
// counted from 0001-01-01.
//
// Texts are read and written in the invariant culture, with the two digits of
// a year between 1930 and 2029. The current time and the local zone are the
// thread's.
//
// Zones have IANA's names or Windows' (CLDR maps these), so that documents
// written for either work. Their rules are those of the machine's IANA
// database, or of the copy in the standard library where it has none; a zone
// with Windows' name has the history of its place too, which Windows has not.
// An IANA zone is described by its abbreviations, one of Windows by its name.
//
// The functions that read and write text are pure and take no thread; what
// they cannot do comes back as a [*Problem], which the members throw.
package clock
