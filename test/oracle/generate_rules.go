package oracle

// literals are the leaves of random expressions, by type. Some are no constants
// although they could be, because mcs goes wrong there: it takes (int?)null and
// (object)null for null wherever they lead, does not evaluate the other operand
// of a lifted operator then, and has codes of its own for casts of constant
// decimals. And new int[0][1] is no C#: the second bracket belongs to the type.
var literals = map[string][]string{
	"int":       {"0", "1", "2", "3", "7", "(-1)", "10", "255", "65536", "int.MaxValue", "int.MinValue", `((int)context.Variables["n"])`, `"abc".Length`},
	"long":      {"0L", "1L", "(-3L)", "4294967296", "long.MaxValue", "long.MinValue", `((long)context.Variables["big"])`},
	"double":    {"0.75", "1.5", "(-2.25)", "0.1", "1e10", "3.0", "1e-3", "double.MaxValue", `((double)context.Variables["f"])`},
	"bool":      {"true", "false", `((bool)context.Variables["b"])`},
	"char":      {"'a'", "'Z'", "'0'", "' '", "'\\n'", "'é'"},
	"string":    {`""`, `"a"`, `"abc"`, `"Hello, World"`, `" pad "`, `"12"`, `"a,b,,c"`, "((string)null)", `((string)context.Variables["s"])`, `context.Request.Method`, `context.Request.Headers.GetValueOrDefault("x-name", "none")`},
	"decimal":   {"0m", "1m", "1.10m", "(-2.5m)", "0.001m", "(new[] { 79228162514264337593543950335m })[0]", "100m"},
	"int?":      {"(new int?[1])[0]", "(new int?[] { 5, 0 })[0]", "(new int?[] { 5, 0 })[1]", `((int?)context.Variables["n"])`},
	"object":    {"(new object[1])[0]", "((object)5)", `((object)"abc")`, "((object)true)", `context.Variables["n"]`, `context.Variables["s"]`, `context.Variables["z"]`},
	"int[]":     {"new[] { 1, 2, 3 }", "(new int[0])", "new[] { 5 }", "(new int[3])", "new[] { 3, 1, 2, 1 }"},
	"List<int>": {"new List<int>()", "new List<int> { 1, 2, 3 }", "new List<int> { 7 }"},
	"string[]":  {`new[] { "a", "b" }`, "(new string[0])", `"a,b,,c".Split(',')`, `new[] { "x", null, "yz" }`},
}

// rules are the inner nodes, by type; generator.build says how they read. The
// right operands of lifted operators cannot throw, and there is no minus of an
// int?: mcs does not evaluate the one, and loses the value of the other.
var rules = map[string][]string{
	"int": {
		"‹int› + ‹int›", "‹int› - ‹int›", "‹int› * ‹int›", "‹int› / ‹int›", "‹int› % ‹int›", "‹int› & ‹int›", "‹int› | ‹int›", "‹int› ^ ‹int›",
		"‹int› << ‹int›", "‹int› >> ‹int›", "-‹int›", "~‹int›", "‹bool› ? ‹int› : ‹int›", "(int)‹long›", "(int)‹char›", "(int)‹decimal›", "(int)(‹double› % 1000)",
		"‹char› + ‹int›", "‹char› - ‹char›", "‹string›.Length", "‹string›.IndexOf(‹char›)", "‹string›.LastIndexOf(‹char›)", "‹int[]›.Length", "‹List<int>›.Count", "‹int[]›[‹int›]",
		"‹List<int>›[‹int› & 3]", "‹int?› ?? ‹int›", "‹int?›.GetValueOrDefault()", "(int)‹object›", "Math.Max(‹int›, ‹int›)", "Math.Min(‹int›, ‹int›)", "Math.Abs(‹int›)", "Math.Sign(‹long›)",
		"‹int[]›.Sum()", "‹int[]›.Count(‹x:int:bool›)", "‹int[]›.Max()", "‹int[]›.FirstOrDefault(‹x:int:bool›)", "‹int[]›.First(‹x:int:bool›)", "‹int[]›.Sum(‹x:int:int›)",
		"‹int[]›.Aggregate(1, (a, b) => unchecked(a * 31 + b))", "checked(‹int› + ‹int›)", "checked(‹int› * ‹int›)", "unchecked(‹int› * ‹int›)", "checked((int)‹long›)", "‹assigned int›++", "--‹assigned int›",
		"int.Parse(‹int›.ToString())", "string.CompareOrdinal(‹string›, ‹string›) > 0 ? 1 : 0", "Convert.ToInt32(‹bool›)", "‹string[]›.Length", "(‹string› ?? \"\").Split(',').Length", "‹int›.CompareTo(‹int›)", "‹object› is int ? 1 : 2",
	},
	"long": {
		"‹long› + ‹long›", "‹long› - ‹int›", "‹int› * ‹long›", "‹long› / ‹long›", "‹long› % ‹int›", "‹long› & ‹long›", "‹long› | ‹int›", "‹long› << ‹int›", "‹long› >> ‹int›", "-‹long›", "~‹long›",
		"(long)‹int›", "(long)‹char›", "(long)(‹double› % 1000000)", "‹bool› ? ‹int› : ‹long›", "Math.Max(‹long›, ‹int›)", "checked(‹long› * ‹int›)", "checked(‹long› + ‹long›)", "‹int?› ?? ‹long›", "‹int[]›.Sum(‹x:int:long›)", "‹int[]›.LongCount()",
	},
	"double": {
		"‹double› + ‹double›", "‹double› - ‹int›", "‹double› * ‹double›", "‹double› / ‹double›", "‹int› / ‹double›", "‹double› % ‹double›", "-‹double›", "(double)‹long›", "‹bool› ? ‹double› : ‹int›",
		"Math.Floor(‹double›)", "Math.Ceiling(‹double›)", "Math.Sqrt(‹double›)", "Math.Abs(‹double›)", "Math.Max(‹double›, ‹int›)", "‹int[]›.Average()", "(double)‹decimal›", "Math.Truncate(‹double›)", "Math.Round(‹double›)",
	},
	"bool": {
		"‹int› < ‹int›", "‹int› == ‹int›", "‹int› != ‹long›", "‹long› >= ‹int›", "‹double› > ‹double›", "‹double› <= ‹int›", "‹decimal› < ‹decimal›", "‹decimal› == ‹int›", "‹char› == ‹char›", "‹char› < ‹int›", "‹string› == ‹string›", "‹string› != null",
		"!‹bool›", "‹bool› && ‹bool›", "‹bool› || ‹bool›", "‹bool› ^ ‹bool›", "‹bool› & true", "‹bool› == ‹bool›", "‹bool› ? ‹bool› : ‹bool›", "‹int?› == 5", "‹int?› > 2", "‹int?›.HasValue", "‹int?› == null",
		"‹string›.Contains(‹string›)", "‹string›.StartsWith(‹string›, StringComparison.Ordinal)", "‹string›.EndsWith(‹string›, StringComparison.OrdinalIgnoreCase)", "string.IsNullOrEmpty(‹string›)", "string.IsNullOrWhiteSpace(‹string›)", "‹string›.Equals(‹string›, StringComparison.OrdinalIgnoreCase)",
		"‹int[]›.Contains(‹int›)", "‹int[]›.Any(‹x:int:bool›)", "‹int[]›.All(‹x:int:bool›)", "‹List<int>›.Contains(‹int›)", "‹object› is int", "‹object› is string", "‹object› == null", "‹object›.Equals(‹object›)", "char.IsDigit(‹char›)", "char.IsLetter(‹char›)", "Array.Exists(‹int[]›, ‹x:int:bool›)",
		"‹int[]›.SequenceEqual(‹int[]›)", "(bool)‹object›", "‹string›?.Length > 3", "double.IsNaN(‹double›)",
	},
	"char": {
		"‹string›[‹int›]", "‹string›[‹int› & 1]", "(char)(97 + (‹int› & 15))", "char.ToUpperInvariant(‹char›)", "‹bool› ? ‹char› : ‹char›", "‹string›.FirstOrDefault()", "‹string›.Last()", "‹string›.OrderBy(c => (int)c).First()",
	},
	"string": {
		"‹string› + ‹string›", "‹string› + ‹int›", "‹int› + ‹string›", "‹string› + ‹char›", "‹string› + ‹bool› + ‹long›", "‹string› + ‹decimal›", "‹string› + ‹int?›", "‹object› + ‹string›", "‹bool› ? ‹string› : ‹string›", "‹string› ?? ‹string›",
		"‹string›.Substring(‹int› & 3)", "‹string›.Substring(‹int› & 1, ‹int› & 3)", "‹string›.ToUpperInvariant()", "‹string›.ToLowerInvariant()", "‹string›.Trim()", "‹string›.Replace(‹char›, ‹char›)", "‹string›.Replace(‹string›, ‹string›)", "‹string›.Insert(‹int› & 1, ‹string›)",
		"‹string›.Remove(‹int› & 3)", "‹string›.PadLeft(‹int› & 15)", "‹string›.PadRight(‹int› & 7, ‹char›)", "‹string›.TrimStart('a', 'H')", "‹int›.ToString()", "‹long›.ToString(\"X\")", "‹int›.ToString(\"D5\")", "‹decimal›.ToString()", "‹bool›.ToString()", "‹char›.ToString()", "‹int?›.ToString()",
		"string.Join(\",\", ‹int[]›)", "string.Join(‹string›, ‹string[]›)", "string.Join(\"-\", ‹List<int>›)", "string.Join(\";\", ‹int[]›.Select(‹x:int:string›))", "string.Concat(‹string›, ‹object›)", "string.Format(\"{0}|{1,4}|{2:D3}\", ‹string›, ‹char›, ‹int›)", "$\"{‹int›}:{‹string›,5}\"", "$\"{‹bool›}{‹decimal›:F2}{‹int?›}\"",
		"new string(‹char›, ‹int› & 7)", "(string)‹object›", "‹object› as string", "(string)(‹object›?.ToString())", "(string)(‹string›?.Trim()?.ToUpperInvariant())", "‹string[]›[‹int› & 1]", "‹string[]›.FirstOrDefault()", "Convert.ToString(‹int›, 2)", "new string(‹string›.Reverse().ToArray())", "‹int›.GetType().Name", "(‹int[]›.Any() ? \"some\" : \"none\")",
		"Convert.ToBase64String(Encoding.UTF8.GetBytes(‹string›))", "WebUtility.UrlEncode(‹string›)", "Uri.EscapeDataString(‹string›)", "new JArray(‹int[]›).ToString(Formatting.None)", "JsonConvert.SerializeObject(‹string[]›)", "new StringBuilder(‹string›).Append(‹int›).Append(‹char›).ToString()",
	},
	"decimal": {
		"‹decimal› + ‹decimal›", "‹decimal› - ‹decimal›", "‹decimal› * ‹decimal›", "‹decimal› / ‹decimal›", "‹decimal› % ‹decimal›", "-‹decimal›", "(decimal)‹int›", "‹decimal› + ‹int›", "‹bool› ? ‹decimal› : ‹int›", "Math.Round(‹decimal›, 1)", "Math.Floor(‹decimal›)", "Math.Abs(‹decimal›)", "Math.Max(‹decimal›, ‹decimal›)", "‹int[]›.Sum(‹x:int:decimal›)",
	},
	"int?": {
		"‹int?› + 3", "‹int?› * (int?)2", "‹int?› & (int?)6", "(int?)‹int›", "‹object› as int?", "‹bool› ? ‹int?› : ‹int›", "(int?)(‹string›?.Length)", "‹int?› ?? ‹int?›", "(int?)‹object›",
	},
	"object": {
		"(object)‹int›", "(object)‹string›", "(object)‹bool›", "(object)‹char›", "(object)‹long›", "(object)‹decimal›", "(object)‹int?›", "‹bool› ? (object)‹int› : (object)‹string›", "‹object› ?? ‹string›", "‹string› ?? ‹object›",
	},
	"int[]": {
		"new[] { ‹int›, ‹int› }", "new[] { ‹int›, ‹int›, ‹int› }", "Enumerable.Range(‹int› & 15, ‹int› & 7).ToArray()", "‹int[]›.Where(‹x:int:bool›).ToArray()", "‹int[]›.Select(‹x:int:int›).ToArray()", "‹int[]›.OrderBy(‹x:int:int›).ToArray()", "‹int[]›.OrderByDescending(‹x:int:int›).ToArray()",
		"‹int[]›.Distinct().ToArray()", "‹int[]›.Reverse().ToArray()", "‹int[]›.Concat(‹int[]›).ToArray()", "‹int[]›.Skip(‹int› & 3).ToArray()", "‹int[]›.Take(‹int› & 3).ToArray()", "‹List<int>›.ToArray()", "‹bool› ? ‹int[]› : ‹int[]›", "‹string[]›.Select(‹x:string:int›).ToArray()", "(from q in ‹int[]› where q > ‹int› select q * 2).ToArray()", "‹int[]›.Zip(‹int[]›, (a, b) => a - b).ToArray()", "‹int[]›.GroupBy(‹x:int:bool›).Select(k => k.Count()).ToArray()", "‹int[]›.TakeWhile(‹x:int:bool›).ToArray()", "‹string›.Select(c => (int)c).ToArray()",
	},
	"List<int>": {
		"‹int[]›.ToList()", "new List<int>(‹int[]›)", "new List<int> { ‹int›, ‹int› }", "‹List<int>›.Where(‹x:int:bool›).ToList()", "‹List<int>›.GetRange(0, ‹int› & 1)", "‹List<int>›.FindAll(‹x:int:bool›)",
	},
	"string[]": {
		"‹string›.Split(‹char›)", "new[] { ‹string›, ‹string› }", "‹int[]›.Select(‹x:int:string›).ToArray()", "‹string[]›.Where(‹x:string:bool›).ToArray()", "‹string›.Split(new[] { ',' }, StringSplitOptions.RemoveEmptyEntries)",
	},
}
