package csharp

// Deviation is something that is otherwise here than in C#, .NET or API
// Management, or that their pages leave open. The rows of test/oracle whose
// answers differ are listed beside these.
type Deviation struct {
	Name string
	// There is how it is elsewhere, Here how it is here, and Why.
	There, Here, Why string
	// Shows is an expression that shows it, and Gives its [Answer]; empty where
	// one expression cannot.
	Shows, Gives string
}

// Absent is a part of C# that policies cannot have. Code is that of the error
// of Shows.
type Absent struct{ What, Shows, Code string }

const silent = "Azure's page does not say."

// LanguageDeviations are those of the language.
func LanguageDeviations() []Deviation {
	return []Deviation{
		{
			Name: "Strings in single quotes", There: "C# has a single character between single quotes.",
			Here: "Several characters are a string, with the escapes of a string. One is a `char`.",
			Why:  "API Management takes them, and published policies have them.", Shows: `@('gold'.Length)`, Gives: `{"type":"System.Int32","value":4}`,
		},
		{
			Name: "The order `@$\"…\"`", There: "C# 7 knows `$@\"…\"` alone.", Here: "Both orders are taken.",
			Why: "Later compilers take both, and published policies have both.", Shows: `@(@$"{1}\")`, Gives: `{"type":"System.String","value":"1\\"}`,
		},
		{
			Name: "Names of exceptions", There: "Azure's list names System.Exception alone.",
			Here: "The exceptions that listed members throw can be named in `catch`, `throw` and `new`; the list of types below has them.",
			Why:  "Published policies catch and throw them.", Shows: `@{ try { return int.Parse("x"); } catch (FormatException) { return -1; } }`, Gives: `{"type":"System.Int32","value":-1}`,
		},
		{
			Name: "Types that listed members need", There: "Azure's list does not have delegates, comparers and some others that its members take or give.",
			Here: "Those without which a listed member could not be used can be named; they are marked with *reached* below.",
			Why:  "`Func<…>`, `DayOfWeek` or `IGrouping<…>` have to be written now and then.", Shows: `@{ Func<int, int> twice = n => 2 * n; return twice(2); }`, Gives: `{"type":"System.Int32","value":4}`,
		},
		{
			Name: "Reflection", There: ".NET's `Type` tells everything about a type.",
			Here: "`GetType()` and `typeof` give objects with `Name`, `FullName`, `Namespace` and `ToString()` alone, which cannot be declared by their type. `typeof` is for `Enum.Parse` and the like.",
			Why:  "Azure's list does not have System.Type.", Shows: `@(1.GetType().Name + Enum.Parse(typeof(DayOfWeek), "Monday"))`, Gives: `{"type":"System.String","value":"Int32Monday"}`,
		},
		{
			Name: "Filters of catch", There: "`when` is looked at before the `finally` blocks inside of the `try` run.",
			Here: "It is looked at after them.", Why: "An exception is a panic of Go, which unwinds first. Only filters with side effects can tell.",
			Shows: `@{ var s = ""; try { try { throw new Exception(); } finally { s += "finally "; } } catch (Exception) when ((s += "when") != "") { } return s; }`,
			Gives: `{"type":"System.String","value":"finally when"}`,
		},
		{
			Name: "Stack traces", There: "`StackTrace` and `ToString()` of an exception list the calls.", Here: "`StackTrace` is empty, and `ToString()` ends before the calls.",
			Why:   "The calls would be those of this program.",
			Shows: `@{ try { throw new Exception("x"); } catch (Exception e) { return e.StackTrace + e.ToString(); } }`, Gives: `{"type":"System.String","value":"System.Exception: x"}`,
		},
		{
			Name: "Identity of strings", There: "`(object)a == (object)b` says whether two strings are one object.",
			Here: "It says whether their text lies in one place of memory. So equal parts that are cut out of one string are the same, which they are not in .NET.",
			Why:  "A string has no object around it here.", Shows: `@{ var s = "gold"; return (object)s.Substring(0, 2) == (object)s.Substring(0, 2); }`, Gives: `{"type":"System.Boolean","value":true}`,
		},
		{
			Name: "Bounds of type parameters", There: "Since C# 7.3 a generic method whose bounds do not fit is left out of the choice of an overload.",
			Here: "The method is chosen first, and then it is an error.", Why: "Azure says C# 7; so do earlier compilers.",
		},
		{
			Name: "Words of errors", There: "The compiler's own.", Here: "The code is the compiler's, the words mostly. What Azure's list leaves out is refused with a message that says so.",
			Why: "A message should say what to do.", Shows: `@(Environment.MachineName)`,
			Gives: `{"error":{"type":"compile","code":"CS0103","message":"The name 'Environment' does not exist in the current context: 'System.Environment' is not among the types that API Management allows in expressions"}}`,
		},
	}
}

// LibraryDeviations are those of the types of .NET.
func LibraryDeviations() []Deviation {
	return []Deviation{
		{
			Name: "Culture and time zone", There: silent, Here: "The culture is the invariant one, `DateTime.Now` and `TimeZoneInfo.Local` are UTC.",
			Why: "A policy must not depend on the machine that it runs on.", Shows: `@(1234.5.ToString("C") + " " + TimeZoneInfo.Local.Id)`, Gives: `{"type":"System.String","value":"¤1,234.50 UTC"}`,
		},
		{
			Name: "New lines", There: "`\\r\\n` in Azure, whose gateway runs on Windows; `\\n` on Linux.", Here: "`\\n`, in `AppendLine`, indented JSON and XML.",
			Why: "One answer on every machine.", Shows: `@(new StringBuilder().AppendLine("a").ToString())`, Gives: `{"type":"System.String","value":"a\n"}`,
		},
		{
			Name: "Time zones", There: "Windows has its own names and rules, Linux those of IANA.",
			Here: "Both names are known. A zone with Windows' name has the history of the IANA zone that CLDR gives for it; `DisplayName` is made of offset and name.",
			Why:  "Documents are written for either.", Shows: `@(TimeZoneInfo.FindSystemTimeZoneById("W. Europe Standard Time").GetUtcOffset(new DateTime(1975, 7, 1)) + " " + TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin").Id)`,
			Gives: `{"type":"System.String","value":"01:00:00 Europe/Berlin"}`,
		},
		{
			Name: "Encodings", There: "`Encoding.Default` is that of the machine.", Here: "It is UTF-8. The code pages that `golang.org/x/text` has are there by name and number.",
			Why: "One answer on every machine.", Shows: `@(Encoding.Default.WebName)`, Gives: `{"type":"System.String","value":"utf-8"}`,
		},
		{
			Name: "Versions of .NET", There: "Azure does not say which runs.",
			Here: "Text of `float` and `double` is that of .NET Core 3.0 and later; messages of exceptions are those of the .NET Framework, with `Parameter name:` on a line of its own.",
			Why:  "The compiler that gave the answers for the tests has the .NET Framework's library.", Shows: `@(0.1 + 0.2)`, Gives: `{"type":"System.Double","value":0.30000000000000004}`,
		},
		{
			Name: "Version of Newtonsoft.Json", There: "Azure does not say which runs.", Here: "13.0: no text nests deeper than 64, of two members with one name the last wins.",
			Why: "Azure's toolkit for policies names it.", Shows: `@(JObject.Parse("{\"a\": 1, \"b\": 2, \"a\": 3}"))`, Gives: `{"type":"Newtonsoft.Json.Linq.JObject","value":"{\"a\":3,\"b\":2}"}`,
		},
		{
			Name: "Hash codes", There: "Newer .NET gives strings others in each process, older .NET always the same.", Here: "Those of strings, and of what is made of strings, differ from process to process. Nothing depends on them: the order of collections is .NET's.",
			Why: "Otherwise a caller could choose keys that collide.", Shows: `@(5.GetHashCode())`, Gives: `{"type":"System.Int32","value":5}`,
		},
		{
			Name: "Order of rare signs", There: "Tables of the operating system.", Here: "Words are compared by `golang.org/x/text/collate`; signs that are neither letters nor ASCII stand in the order of their code points.",
			Why: "No two systems of .NET agree about them either.",
		},
		{
			Name: "Regular expressions", There: "A search has no time limit unless one is given.", Here: "Each ends after a second with a RegexMatchTimeoutException, which `catch (Exception)` sees; patterns have a longest length.",
			Why:   "A pattern can take a lifetime.",
			Shows: `@{ try { return Regex.IsMatch(new string('a', 50), "^(a+)+b"); } catch (Exception e) { return e.GetType().Name; } }`,
			Gives: `{"type":"System.String","value":"RegexMatchTimeoutException"}`,
		},
		{
			Name: "Files and network", There: "`XElement.Load`, `new X509Certificate2(file)` and document types read files and addresses.", Here: "There are no files, and nothing is fetched: a file is not found, an outer document type is not read.",
			Why: "An expression sees its request and nothing else.", Shows: `@(XElement.Load("a.xml"))`,
			Gives: `{"error":{"type":"System.IO.FileNotFoundException","message":"Could not find file \"a.xml\""}}`,
		},
		{
			Name: "Document types", There: "Default values of attributes come from them.", Here: "Entities are put in; default values of attributes are not.", Why: "No policy has been seen that needs them.",
		},
		{
			Name: "Algorithms", There: "RIPEMD-160, RC2 and the large blocks of Rijndael exist.", Here: "They do not, as algorithms that .NET does not know. No RSA key is generated that is shorter than 1,024 bits, or so long that its making passes the limit of steps.",
			Why: "Go's library does not have them, for good reasons.", Shows: `@(HashAlgorithm.Create("RIPEMD160"))`, Gives: `{"type":null,"value":null}`,
		},
		{
			Name: "Trust in certificates", There: "Windows' store, and revocation by network.", Here: "`Verify()` trusts the roots that the gateway is given; revocation is never looked up.",
			Why: "Nothing is fetched.",
		},
		{
			Name: "Very large integers", There: "JSON's integers beyond 64 bits are System.Numerics.BigInteger.", Here: "They are too; the type can be printed and converted, and not named.",
			Why: "Azure's list does not have it.", Shows: `@(JToken.Parse("9223372036854775808"))`, Gives: `{"type":"Newtonsoft.Json.Linq.JValue","value":"9223372036854775808"}`,
		},
	}
}
